#include "data/augment.h"

#include "base/random.h"

bool data_augments(const struct augmentation *augment) { return augment->crop > 0 || augment->flip; }

/* One stream a step; each position has two blocks of it to itself, so no row's draw hangs on another's.
 * A draw takes at most 5 words: random_below(odd n) takes two, and where it must draw again (with
 * probability below n/2^64) it would run into the next row's words, which harms nothing. */
struct augment_draw augment_at(const struct augmentation *augment, uint64_t seed, int64_t step, size_t position)
{
    struct random r;
    struct augment_draw draw = {0};
    uint64_t places = 2 * (uint64_t)augment->crop + 1;
    random_start(&r, seed, RANDOM_AUGMENT, (uint64_t)step);
    random_seek(&r, 2 * (uint64_t)position);
    draw.down = (int64_t)random_below(&r, places) - augment->crop;
    draw.right = (int64_t)random_below(&r, places) - augment->crop;
    draw.flip = augment->flip && (random_u32(&r) & 1);
    return draw;
}
