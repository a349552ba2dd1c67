/* Which part of a window lies inside a padded image. Private to the convolutions. */
#ifndef RELIN_NN_WINDOW_H
#define RELIN_NN_WINDOW_H

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

#endif
