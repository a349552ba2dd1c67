/* Values of `architectures:` that are more than a number or a word. */
#include "values.h"

#include <string.h>

int value_parse_widths(const struct reading *r, struct network_spec *network)
{
    int64_t widths[NETWORK_MAX_WIDTHS];
    if (r->node->kind != NODE_LIST || r->node->n > NETWORK_MAX_WIDTHS)
        return expected(r, "a list of at most %d widths, such as [512, 512]", NETWORK_MAX_WIDTHS);
    for (size_t i = 0; i < r->node->n; i++) {
        struct reading one = {r->key, r->path, r->node->value[i], r->mistakes};
        if (value_whole(&one, NULL, 0, &widths[i]))
            return -1;
    }
    network->n_widths = r->node->n;
    memset(network->widths, 0, sizeof network->widths);
    memcpy(network->widths, widths, r->node->n * sizeof *widths);
    return 0;
}

void value_print_widths(const struct network_spec *network, struct text *out)
{
    text_add(out, "[");
    for (size_t i = 0; i < network->n_widths; i++)
        text_add(out, "%s%lld", i ? "," : "", (long long)network->widths[i]);
    text_add(out, "]");
}
