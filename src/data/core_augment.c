/* Augmented rows: as gather_inputs gives them, then moved and mirrored in place of a copy. */
#include <assert.h>
#include <string.h>

#include "data/augment.h"
#include "data/gather.h"

/* out (width) = in moved right by `right`, then mirrored if flip; 0 where in has no pixel. */
static void move_line(const real *in, int64_t width, const struct augment_draw *draw, real *out)
{
    for (int64_t j = 0; j < width; j++) {
        int64_t from = (draw->flip ? width - 1 - j : j) - draw->right;
        out[j] = from >= 0 && from < width ? in[from] : 0;
    }
}

/* x (height, width), in place: line i becomes line i - down, so lines are taken in the order in which none
 * is needed after it was written. */
static void move_channel(real *x, int64_t height, int64_t width, const struct augment_draw *draw, real *line)
{
    for (int64_t k = 0; k < height; k++) {
        int64_t i = draw->down > 0 ? height - 1 - k : k, from = i - draw->down;
        if (from >= 0 && from < height)
            move_line(x + from * width, width, draw, line);
        else
            memset(line, 0, (size_t)width * sizeof *line);
        memcpy(x + i * width, line, (size_t)width * sizeof *line);
    }
}

void gather_augmented(const struct split *split, const struct augmentation *augment, const size_t *index,
                      size_t first, size_t n, uint64_t seed, int64_t step, real *x)
{
    const struct dataset *set = split->set;
    size_t channel = set->shape[1] * set->shape[2];
    real line[DATA_MAX_SIDE];
    assert(set->n_dims == 3 && set->shape[2] <= DATA_MAX_SIDE);
    gather_inputs(split, PART_TRAIN, index, first, n, x);
    for (size_t i = 0; i < n; i++) {
        struct augment_draw draw = augment_at(augment, seed, step, index ? index[i] : first + i);
        for (size_t c = 0; c < set->shape[0]; c++)
            move_channel(x + (i * set->shape[0] + c) * channel, (int64_t)set->shape[1], (int64_t)set->shape[2],
                         &draw, line);
    }
}
