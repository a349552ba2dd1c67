/* From a specification to the list of layers. */
#include "nn/architecture.h"

#include <math.h>

#include "builder.h"

static bool pools(const struct network_spec *spec)
{
    return spec->pooling != POOLING_NONE;
}

static int expand_mlp(struct builder *b)
{
    for (size_t l = 0; l < b->spec->n_widths; l++)
        if (build_dense(b, (size_t)b->spec->widths[l], b->spec->bias) || build_activation(b, b->spec->activation))
            return -1;
    return 0;
}

/* Convolution, normalisation where there is one (whose shift then is the bias). */
static int add_normed(struct builder *b, enum normalisation norm, size_t channels, size_t window, size_t stride)
{
    bool normed = norm == NORMALISATION_LAYER || norm == NORMALISATION_GROUP;
    return build_convolution(b, channels, window, stride, window == 1 ? 0 : ITEM_PADDING_SAME, b->spec->bias && !normed)
           || (normed && build_norm(b, norm, (size_t)b->spec->groups)) ? -1 : 0;
}

static int add_stage(struct builder *b, enum normalisation norm, size_t channels, size_t window, size_t convolutions)
{
    for (size_t i = 0; i < convolutions; i++)
        if (add_normed(b, norm, channels, window, 1) || build_activation(b, b->spec->activation))
            return -1;
    return 0;
}

static int expand_cnn(struct builder *b)
{
    const struct network_spec *spec = b->spec;
    size_t pooled = spec->pooled >= 0 ? (size_t)spec->pooled : spec->n_channels > 0 ? spec->n_channels - 1 : 0;
    enum pooling pooling = spec->pooling == POOLING_AUTO ? POOLING_MAX : spec->pooling;
    for (size_t s = 0; s < spec->n_channels; s++)
        if (add_stage(b, spec->norm, architecture_channels(spec, (double)spec->channels[s]), (size_t)spec->window,
                      (size_t)spec->convolutions)
            || (s < pooled && pools(spec) && build_pooling(b, pooling, (size_t)spec->pool, (size_t)spec->pool)))
            return -1;
    if (spec->head == HEAD_GLOBAL && build_global_average(b))
        return -1;
    return expand_mlp(b);
}

/* LeCun et al. 1998, as it is built today: full convolutions between the stages, no trainable pooling. */
static int expand_lenet(struct builder *b)
{
    const struct network_spec *spec = b->spec;
    static const struct { double channels; int padding; } stages[] = {{6, 2}, {16, 0}};
    static const size_t dense[] = {120, 84};
    enum pooling pooling = spec->pooling == POOLING_AUTO ? POOLING_AVERAGE : spec->pooling;
    for (size_t s = 0; s < 2; s++)
        if (build_convolution(b, architecture_channels(spec, stages[s].channels), 5, 1, stages[s].padding, spec->bias)
            || build_activation(b, spec->activation) || (pools(spec) && build_pooling(b, pooling, 2, 2)))
            return -1;
    for (size_t l = 0; l < 2; l++)
        if (build_dense(b, dense[l], spec->bias) || build_activation(b, spec->activation))
            return -1;
    return 0;
}

/* Shankar et al. 2020, "Neural kernels without tangents": three stages of 3 x 3 convolutions, same padding, each
 * followed by the activation; 2 x 2 average pooling after the stages, three times after the last, and a dense
 * layer. Convolutions by stage: depth 5: 2, 1, 1; 7: 2, 2, 2; 10: 3, 3, 3. On 32 x 32 images pooling three times
 * after the last stage is the average over its 8 x 8 places, which is what is built, so that other sizes work too.
 * The paper's networks are infinitely wide; 64 channels at width_multiplier 1 is a choice of ours. */
static int expand_myrtle(struct builder *b)
{
    size_t depth = (size_t)b->spec->depth;
    const size_t stages[3] = {depth == 10 ? 3 : 2, depth == 10 ? 3 : depth == 7 ? 2 : 1,
                              depth == 10 ? 3 : depth == 7 ? 2 : 1};
    for (size_t s = 0; s < 3; s++)
        if (add_stage(b, NORMALISATION_NONE, architecture_channels(b->spec, 64), 3, stages[s])
            || (s < 2 && build_pooling(b, POOLING_AVERAGE, 2, 2)))
            return -1;
    return build_global_average(b);
}

static int add_basic_block(struct builder *b, enum normalisation norm, size_t channels, size_t stride, double scale)
{
    struct block block;
    bool plain = stride == 1 && b->shape.channels == channels;
    if (build_block(b, &block, scale) || add_normed(b, norm, channels, 3, stride)
        || build_activation(b, b->spec->activation) || add_normed(b, norm, channels, 3, 1)
        || build_shortcut(b, &block, plain))
        return -1;
    if (!plain && add_normed(b, norm, channels, 1, stride))
        return -1;
    return build_addition(b, &block) || build_activation(b, b->spec->activation) ? -1 : 0;
}

/* He et al. 2016, section 4.2: 6n + 2 layers, three stages of n blocks with 16, 32 and 64 channels; shortcuts
 * between stages are 1 x 1 convolutions (their option B). Without normalisation each of the L = 3n branches is
 * scaled by 1/sqrt(L): with He's weights a branch keeps the second moment, so every block adds 1/L of it and the
 * output's stays below e times the input's at any depth (Hayou et al. 2021, "Stable ResNet"). */
static int expand_resnet(struct builder *b)
{
    const struct network_spec *spec = b->spec;
    size_t blocks = ((size_t)spec->depth - 2) / 6;
    enum normalisation norm = spec->norm == NORMALISATION_AUTO ? NORMALISATION_GROUP : spec->norm;
    double scale = norm == NORMALISATION_NONE ? 1 / sqrt(3 * (double)blocks) : 1;
    if (add_stage(b, norm, architecture_channels(spec, 16), 3, 1))
        return -1;
    for (size_t s = 0; s < 3; s++)
        for (size_t i = 0; i < blocks; i++)
            if (add_basic_block(b, norm, architecture_channels(spec, 16 << s), s > 0 && i == 0 ? 2 : 1, scale))
                return -1;
    return build_global_average(b);
}

/* --- type: layers --- */

static int add_item(struct builder *b, const struct layer_item *item, bool normed)
{
    bool bias = b->spec->bias && !normed;   /* the shift of a normalisation is the bias */
    switch ((enum item_kind)item->kind) {
    case ITEM_CONVOLUTION:
        return build_convolution(b, (size_t)item->size, item->window, item->stride, item->padding, bias);
    case ITEM_DENSE: return build_dense(b, (size_t)item->size, bias);
    case ITEM_ACTIVATION:
        return build_activation(b, item->choice == ITEM_ACTIVATION_OWN ? b->spec->activation : (enum activation)item->choice);
    case ITEM_POOL: return build_pooling(b, (enum pooling)item->choice, item->window, item->stride);
    case ITEM_GLOBAL_POOL: return build_global_average(b);
    case ITEM_NORM: return build_norm(b, (enum normalisation)item->choice, (size_t)item->size);
    case ITEM_FLATTEN: build_flatten(b); break;
    case ITEM_RESIDUAL:
    case ITEM_SHORTCUT:
    case ITEM_END: break;
    }
    return 0;
}

static int expand_layers(struct builder *b)
{
    const struct network_spec *spec = b->spec;
    struct block blocks[NETWORK_MAX_NESTING];
    const struct layer_item *opened[NETWORK_MAX_NESTING];
    size_t depth = 0;
    for (size_t i = 0; i < spec->n_items; i++) {
        const struct layer_item *item = &spec->items[i], *open = depth ? opened[depth - 1] : NULL;
        struct block *block = &blocks[depth ? depth - 1 : 0];
        int failed;
        if (item->kind == ITEM_RESIDUAL) {
            opened[depth] = item;
            failed = build_block(b, &blocks[depth++], item->scale);
        } else if (item->kind == ITEM_SHORTCUT) {
            failed = build_shortcut(b, block, false);
        } else if (item->kind == ITEM_END) {
            failed = (open->choice == SHORTCUT_IDENTITY && build_shortcut(b, block, true))
                     || (open->choice == SHORTCUT_PROJECTION
                         && (build_shortcut(b, block, false) || build_projection(b, block, spec->bias)))
                     || build_addition(b, block);
            depth--;
        } else {
            failed = add_item(b, item, i + 1 < spec->n_items && spec->items[i + 1].kind == ITEM_NORM);
        }
        if (failed)
            return -1;
    }
    return 0;
}

int architecture_expand(const struct network_spec *spec, struct image input, size_t outputs,
                        struct architecture *architecture, struct error *err)
{
    static int (*const expand[])(struct builder *) = {
        [NETWORK_MLP] = expand_mlp, [NETWORK_CNN] = expand_cnn, [NETWORK_LENET] = expand_lenet,
        [NETWORK_MYRTLE] = expand_myrtle, [NETWORK_RESNET] = expand_resnet, [NETWORK_LAYERS] = expand_layers};
    struct builder b = {.spec = spec, .into = architecture, .shape = input, .err = err};
    b.image = b.as_data = input.height * input.width > 1;
    architecture->n_layers = 0;
    return expand[spec->type](&b) || build_dense(&b, outputs, spec->bias) ? -1 : 0;
}

double architecture_gain(const struct network_spec *spec)
{
    bool rectifies = spec->activation == ACTIVATION_RELU || spec->activation == ACTIVATION_GELU;
    return isnan(spec->sigma_w) ? (rectifies ? sqrt(2) : 1) : spec->sigma_w;
}

size_t architecture_channels(const struct network_spec *spec, double channels)
{
    double scaled = rint(channels * spec->width_multiplier);
    return scaled >= 1 ? (size_t)scaled : 1;
}
