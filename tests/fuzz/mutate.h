/* Seeded mutations of inputs: the same seed and run, the same bytes, on every machine. */
#ifndef RELIN_TESTS_FUZZ_MUTATE_H
#define RELIN_TESTS_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

struct input {
    uint8_t *bytes;
    size_t size;
};

/* What mutations draw from: inputs to splice (at least one), words of a dictionary. */
struct mutations {
    size_t most_size;
    const struct input *inputs;
    size_t n_inputs;
    const struct input *words;
    size_t n_words;
};

void mutate_start(uint64_t seed, uint64_t run);
/* 0..n-1; 0 for n = 0. */
size_t mutate_below(size_t n);
/* One change of size bytes in a buffer of most_size; returns the new size. */
size_t mutate_change(const struct mutations *m, uint8_t *to, size_t size);

#endif
