/* Every value is converted by itself, in double, and rounded once: its bits depend neither on the
 * batch it is in nor on its place there. */
#include "data/gather.h"

#include <assert.h>

/* Row of the pool behind position i of a request, and the pool. */
static size_t find_row(const struct split *split, enum data_part part, const size_t *index, size_t first, size_t i,
                       const struct data_pool **pool)
{
    size_t position = index ? index[i] : first + i;
    assert(position < split->count[part]);
    bool test = part == PART_TEST || (part == PART_PROBE && position >= split->probe_train);
    *pool = test ? &split->set->test : &split->set->train;
    return split->row[part][position];
}

void gather_inputs(const struct split *split, enum data_part part, const size_t *index,
                   size_t first, size_t n, real *x)
{
    const struct data_pool *pool;
    size_t features = split->set->train.features, width = features / split->channels;
    for (size_t c = 0; c < split->channels; c++) {
        double mean = split->mean[c], scale = split->scale[c];
        real converted[256];
        for (int v = 0; v < 256; v++)
            converted[v] = (real)((v / 255.0 - mean) * scale);
        for (size_t i = 0; i < n; i++) {
            size_t row = find_row(split, part, index, first, i, &pool), start = row * features + c * width;
            real *out = x + i * features + c * width;
            if (pool->bytes) {
                const unsigned char *in = (const unsigned char *)pool->x + start;
                for (size_t k = 0; k < width; k++)
                    out[k] = converted[in[k]];
            } else {
                const float *in = (const float *)pool->x + start;
                for (size_t k = 0; k < width; k++)
                    out[k] = (real)(((double)in[k] - mean) * scale);
            }
        }
    }
}

void gather_targets(const struct split *split, enum data_part part, const size_t *index,
                    size_t first, size_t n, real *y)
{
    const struct data_pool *pool;
    size_t outputs = split->set->outputs;
    const int32_t *noisy = part == PART_TRAIN ? split->train_label : NULL;
    for (size_t i = 0; i < n; i++) {
        size_t row = find_row(split, part, index, first, i, &pool);
        int32_t label = noisy ? noisy[index ? index[i] : first + i] : pool->label ? pool->label[row] : 0;
        for (size_t o = 0; o < outputs; o++)
            y[i * outputs + o] = pool->label ? (real)((size_t)label == o) : (real)pool->target[row * outputs + o];
    }
}
