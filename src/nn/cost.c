#include "nn/cost.h"

#include <math.h>

#include "window.h"

static void measure_convolution(const struct layer_spec *l, struct network_size *size)
{
    double in = (double)l->in.channels, out = (double)l->out.channels;
    if (!winograd_suits(l->window, l->stride, l->in.channels, l->out.channels, sizeof(float))) {
        size->patches += l->multiply_adds / out;
        return;
    }
    double places = WINOGRAD_PLACES * (double)((l->out.height + 1) / 2 * ((l->out.width + 1) / 2));
    size->saved += l->multiply_adds - places * in * out;
    size->transformed += places * (in + out);
}

int network_measure(const struct network_spec *spec, struct image input, size_t outputs, struct network_size *size,
                    struct error *err)
{
    struct architecture list;
    struct buffers buffers;
    *size = (struct network_size){.widest = (double)image_features(input)};
    if (architecture_expand(spec, input, outputs, &list, err) != 0)
        return -1;
    buffers_assign(&list, &buffers);
    for (size_t i = 0; i < list.n_layers; i++) {
        const struct layer_spec *l = &list.layers[i];
        double out = (double)image_features(l->out);
        *(buffers.layers[i].input_varies ? &size->rest : &size->first) += l->multiply_adds;
        size->parameters += l->parameters;
        if (l->kind == KIND_LAYER_CONVOLUTION)
            measure_convolution(l, size);
        size->boundary += out;
        if (out > size->widest)
            size->widest = out;
        size->parameterised_layers += l->parameters > 0;
    }
    for (size_t s = 0; s < buffers.n_slots; s++)
        size->scratch += buffers.features[s];
    return 0;
}

size_t block_rows(double row_bytes, size_t rows, size_t bytes)
{
    enum { LEAST = 32 };
    double fit = (double)bytes / row_bytes;
    if (fit >= (double)rows)
        return rows;
    return fit > LEAST ? (size_t)fit : rows < LEAST ? rows : LEAST;
}

size_t cache_rows(double row_bytes, double boundary, double parameters, size_t rows)
{
    enum { CACHE_BYTES = 12 << 20, LEAST = 8, MOVES = 4 };
    double fit = fmax(fmax(CACHE_BYTES / row_bytes, LEAST), MOVES * parameters / boundary);
    double blocks = ceil((double)rows / fit);
    return blocks > 1 ? (size_t)ceil((double)rows / blocks) : rows;
}
