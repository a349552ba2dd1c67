/* Adds layers to an architecture, and refuses those that do not fit. */
#include "builder.h"

#include <stdio.h>

#include "base/error.h"

static int refuse(struct builder *b, const char *what, const char *wanted, struct image got)
{
    return error_set(b->err, ERROR_SWEEP, "architecture %s: layer %zu (%s): expected %s, got %zu x %zu x %zu "
                     "(height, width, channels)", b->spec->name, b->into->n_layers, what, wanted, got.height,
                     got.width, got.channels);
}

static int add(struct builder *b, struct layer_spec layer)
{
    if (b->into->n_layers == ARCHITECTURE_MAX_LAYERS)
        return error_set(b->err, ERROR_SWEEP, "architecture %s: expected at most %d layers, got more", b->spec->name,
                         ARCHITECTURE_MAX_LAYERS);
    layer.input = b->at;
    layer.in = b->shape;
    b->shape = layer.out;
    b->into->layers[b->into->n_layers++] = layer;
    b->at = b->into->n_layers;
    return 0;
}

/* Where places matter, rows must be (height, width, channels); with one channel they are already. */
static int need_places(struct builder *b)
{
    bool transpose = b->image && b->as_data && b->shape.channels > 1;
    b->as_data = false;
    return transpose ? add(b, (struct layer_spec){.kind = KIND_LAYER_TRANSPOSE, .skip = -1, .out = b->shape}) : 0;
}

static int need_image(struct builder *b, const char *what)
{
    if (!b->image)
        return refuse(b, what, "an image (data sets without images suit dense layers; flatten, dense and global "
                      "pooling leave no image)", b->shape);
    return need_places(b);
}

void build_flatten(struct builder *b)
{
    b->shape = image_flat(image_features(b->shape));
    b->image = b->as_data = false;
}

int build_dense(struct builder *b, size_t width, bool bias)
{
    build_flatten(b);
    double weights = (double)b->shape.channels * (double)width;
    return add(b, (struct layer_spec){.kind = KIND_LAYER_DENSE, .skip = -1, .out = image_flat(width), .bias = bias,
                                      .parameters = weights + (bias ? (double)width : 0), .multiply_adds = weights});
}

static size_t side(size_t in, const struct layer_spec *l)
{
    return (in + 2 * l->padding - l->window) / l->stride + 1;
}

/* A window may not leave the image and its padding, nor lie in the padding alone. */
static int place_windows(struct builder *b, const char *what, struct layer_spec *l)
{
    char wanted[120];
    size_t least = b->shape.height < b->shape.width ? b->shape.height : b->shape.width;
    snprintf(wanted, sizeof wanted, "an image that a window of %zu with padding %zu fits into", l->window, l->padding);
    if (least + 2 * l->padding < l->window || l->padding >= l->window)
        return refuse(b, what, wanted, b->shape);
    l->out.height = side(b->shape.height, l);
    l->out.width = side(b->shape.width, l);
    return 0;
}

int build_convolution(struct builder *b, size_t channels, size_t window, size_t stride, int padding, bool bias)
{
    if (need_image(b, "convolution"))
        return -1;
    struct layer_spec l = {.kind = KIND_LAYER_CONVOLUTION, .skip = -1, .window = window, .stride = stride, .bias = bias,
                           .padding = padding == ITEM_PADDING_SAME ? (window - 1) / 2 : (size_t)padding,
                           .out.channels = channels};
    if (place_windows(b, "convolution", &l))
        return -1;
    double weights = (double)(window * window) * (double)b->shape.channels * (double)channels;
    l.parameters = weights + (bias ? (double)channels : 0);
    l.multiply_adds = weights * (double)(l.out.height * l.out.width);
    return add(b, l);
}

int build_pooling(struct builder *b, enum pooling pooling, size_t window, size_t stride)
{
    if (need_image(b, "pooling"))
        return -1;
    struct layer_spec l = {.kind = KIND_LAYER_POOLING, .skip = -1, .pooling = pooling, .window = window,
                           .stride = stride, .out.channels = b->shape.channels};
    return place_windows(b, "pooling", &l) ? -1 : add(b, l);
}

int build_global_average(struct builder *b)
{
    if (need_image(b, "global pooling"))
        return -1;
    b->image = false;
    return add(b, (struct layer_spec){.kind = KIND_LAYER_POOLING, .skip = -1, .pooling = POOLING_AVERAGE, .stride = 1,
                                      .out = image_flat(b->shape.channels)});
}

int build_activation(struct builder *b, enum activation activation)
{
    return add(b, (struct layer_spec){.kind = KIND_LAYER_ACTIVATION, .skip = -1, .activation = activation, .out = b->shape});
}

int build_norm(struct builder *b, enum normalisation norm, size_t groups)
{
    if (need_places(b))
        return -1;
    char wanted[80];
    size_t channels = b->shape.channels;
    if (norm == NORMALISATION_LAYER)
        groups = 1;
    snprintf(wanted, sizeof wanted, "channels that %zu groups divide evenly", groups);
    if (groups < 1 || channels % groups != 0)
        return refuse(b, "norm", wanted, b->shape);
    return add(b, (struct layer_spec){.kind = KIND_LAYER_NORMALISATION, .skip = -1, .groups = groups, .out = b->shape,
                                      .parameters = 2 * (double)channels});
}

/* --- residual blocks --- */

int build_block(struct builder *b, struct block *block, double scale)
{
    if (need_places(b))       /* the branch and the shortcut must see one order */
        return -1;
    *block = (struct block){.start = b->at, .in = b->shape, .image_in = b->image, .scale = scale};
    return 0;
}

static int add_scale(struct builder *b, double scale)
{
    return add(b, (struct layer_spec){.kind = KIND_LAYER_SCALE, .skip = -1, .scale = scale, .out = b->shape});
}

int build_shortcut(struct builder *b, struct block *block, bool plain)
{
    if (!plain && block->scale != 1 && add_scale(b, block->scale))
        return -1;
    block->plain = plain;
    block->branch = b->at;
    block->out = b->shape;
    block->image_out = b->image;
    b->at = block->start;
    b->shape = block->in;
    b->image = block->image_in;
    return 0;
}

/* The skip of the last layer, where its derivatives do not read its output, costs no layer of its own. */
static bool can_add(const struct builder *b)
{
    const struct layer_spec *last = &b->into->layers[b->into->n_layers - 1];
    return last->skip < 0 && (last->kind == KIND_LAYER_DENSE || last->kind == KIND_LAYER_CONVOLUTION
                              || last->kind == KIND_LAYER_NORMALISATION || last->kind == KIND_LAYER_SCALE);
}

int build_addition(struct builder *b, const struct block *block)
{
    char wanted[160];
    struct image out = block->out;
    size_t shortcut = b->at, other = shortcut == block->start ? shortcut : block->branch;
    double scale = block->plain ? block->scale : 1;
    if (block->branch == block->start)
        return refuse(b, "residual", "a layer in the block", b->shape);
    snprintf(wanted, sizeof wanted, "a shortcut of the shape of its layers' output, %zu x %zu x %zu (see shortcut: "
             "projection)", out.height, out.width, out.channels);
    if (b->shape.height != out.height || b->shape.width != out.width || b->shape.channels != out.channels)
        return refuse(b, "residual", wanted, b->shape);
    b->at = b->into->n_layers;
    b->image = block->image_out;
    if ((scale != 1 || !can_add(b)) && add_scale(b, scale))
        return -1;
    b->into->layers[b->into->n_layers - 1].skip = (int)other;
    return 0;
}

int build_projection(struct builder *b, const struct block *block, bool bias)
{
    struct image in = block->in, out = block->out;
    if (!block->image_out)
        return build_dense(b, out.channels, bias);
    size_t stride = 1;
    while (stride < in.height && (in.height - 1) / stride + 1 > out.height)
        stride++;
    return build_convolution(b, out.channels, 1, stride, 0, bias);
}
