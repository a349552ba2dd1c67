/* Values of `data:` that are more than a number or a word. */
#include "values.h"

int value_parse_augment(const struct reading *r, struct augmentation *out)
{
    struct augmentation augment = {0};
    const struct node *crop = node_get(r->node, "crop"), *flip = node_get(r->node, "flip");
    if (value_is_word(r->node, "none")) {
        out->crop = 0;
        out->flip = false;
        return 0;
    }
    if (r->node->kind != NODE_MAP || r->node->n == 0 || (crop != NULL) + (flip != NULL) != (int)r->node->n)
        return expected(r, "none, or a map of crop, a whole number of pixels, and flip, true or false");
    struct reading one = {r->key, r->path, crop, r->mistakes};
    if (crop && !value_is_word(crop, "0") && value_whole(&one, NULL, 0, &augment.crop))
        return -1;
    if (flip && !value_is_word(flip, "true") && !value_is_word(flip, "false"))
        return expected(r, "flip: true or false");
    out->crop = augment.crop;
    out->flip = flip && value_is_word(flip, "true");
    return 0;
}

void value_print_augment(const struct augmentation *augment, struct text *out)
{
    if (augment->crop == 0 && !augment->flip)
        text_add(out, "\"none\"");
    else
        text_add(out, "{\"crop\":%lld,\"flip\":%s}", (long long)augment->crop, augment->flip ? "true" : "false");
}
