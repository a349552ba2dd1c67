#include "base/random.h"

#include <math.h>

/* Random123's macros compare undefined names with numbers. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#include <Random123/philox.h>
#pragma GCC diagnostic pop

void random_start(struct random *r, uint64_t seed, enum random_stream stream, uint64_t substream)
{
    /* The key is the seed; stream and substream are the upper words of the counter, of which
     * the substream keeps 56 bits: more epochs, examples or tensors than there will be. */
    *r = (struct random){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, 0, (uint32_t)substream,
                    (uint32_t)stream << 24 | (uint32_t)(substream >> 32 & 0xffffff)},
        .used = 4,
    };
}

void random_seek(struct random *r, uint64_t block)
{
    r->counter[0] = (uint32_t)block;
    r->counter[1] = (uint32_t)(block >> 32);
    r->used = 4;
    r->has_spare = 0;
}

uint32_t random_u32(struct random *r)
{
    if (r->used == 4) {
        philox4x32_ctr_t counter = {{r->counter[0], r->counter[1], r->counter[2], r->counter[3]}};
        philox4x32_key_t key = {{r->key[0], r->key[1]}};
        philox4x32_ctr_t out = philox4x32_R(10, counter, key);
        for (int i = 0; i < 4; i++)
            r->block[i] = out.v[i];
        if (++r->counter[0] == 0)
            r->counter[1]++;
        r->used = 0;
    }
    return r->block[r->used++];
}

double random_uniform(struct random *r)
{
    uint64_t high = random_u32(r), low = random_u32(r);
    return (double)((high << 32 | low) >> 11) * 0x1p-53;
}

double random_normal(struct random *r)
{
    if (r->has_spare) {
        r->has_spare = 0;
        return r->spare_normal;
    }
    double radius = sqrt(-2 * log(1 - random_uniform(r)));
    double angle = 2 * M_PI * random_uniform(r);
    r->spare_normal = radius * sin(angle);
    r->has_spare = 1;
    return radius * cos(angle);
}

uint64_t random_below(struct random *r, uint64_t n)
{
    /* Numbers past the last whole multiple of n are drawn again. */
    uint64_t limit = UINT64_MAX - (UINT64_MAX % n + 1) % n;
    for (;;) {
        uint64_t high = random_u32(r), low = random_u32(r);
        uint64_t value = high << 32 | low;
        if (value <= limit)
            return value % n;
    }
}

void random_shuffle(struct random *r, size_t *index, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = random_below(r, i), other = index[i - 1];
        index[i - 1] = index[j];
        index[j] = other;
    }
}
