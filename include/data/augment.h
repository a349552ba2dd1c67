/* Random crops and flips of training images, drawn anew for every row at every step.
 *
 * An image is moved by (down, right), each uniform in {-crop..crop}: the same as padding it by crop
 * pixels of the mean on each side and cutting the old size out at a uniform place. Then, if flip, it is
 * mirrored left to right with probability 1/2. Evaluation, kernels and whatever else looks at the
 * training set as a whole see the images as they are. */
#ifndef RELIN_DATA_AUGMENT_H
#define RELIN_DATA_AUGMENT_H

#include "data/dataset.h"

struct augment_draw {
    int64_t down, right;
    bool flip;
};

/* Is there anything to draw? Then batches are gathered by gather_augmented (data/gather.h), and nothing
 * about them can be kept from one step to the next. */
bool data_augments(const struct augmentation *augment);

/* What happens at a step to the row at a position of the training subset: a function of (seed, step,
 * position) and of crop and flip alone. */
struct augment_draw augment_at(const struct augmentation *augment, uint64_t seed, int64_t step, size_t position);

#endif
