/* What the convolutions, and their costs, have in common: which part of a window lies inside a padded image, and which
 * windows Winograd's way suits. Private to src/nn. */
#ifndef RELIN_NN_WINDOW_H
#define RELIN_NN_WINDOW_H

#include <stdbool.h>
#include <stddef.h>

static inline size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Of a window of so many pixels at `at` of a side with `padding` before it: how many lie inside the side, and the first
 * of them, counted in the window. */
static inline size_t window_clip(size_t at, size_t window, size_t padding, size_t side, size_t *first)
{
    size_t begin = at < padding ? padding : at, end = least(at + window, padding + side);
    *first = begin - at;
    return begin < end ? end - begin : 0;
}

enum { WINOGRAD_PLACES = 16, WINOGRAD_LEAST_CHANNELS = 8, WINOGRAD_WEIGHT_BYTES = 512 * 1024 };

/* Windows of winograd.h, with channels enough for the transforms to pay, and so few that the transformed weights, numbers
 * of so many bytes each, stay in the cache. */
static inline bool winograd_suits(size_t window, size_t stride, size_t in_channels, size_t out_channels, size_t number_bytes)
{
    return window == 3 && stride == 1 && in_channels >= WINOGRAD_LEAST_CHANNELS && out_channels >= WINOGRAD_LEAST_CHANNELS
           && in_channels * out_channels <= WINOGRAD_WEIGHT_BYTES / WINOGRAD_PLACES / number_bytes;
}

#endif
