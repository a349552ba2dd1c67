/* Loops over many numbers, compiled for vectors of several widths; the program takes the widest of the processor when
 * it starts. Every number is computed by itself, and products are not contracted (-ffp-contract=off), so all widths
 * give the same bits: for loops without functions of the C library, whose vector forms differ in theirs.
 *
 * In release builds only (Makefile): what chooses runs before sanitizers and coverage are ready. */
#ifndef RELIN_MATH_WIDE_H
#define RELIN_MATH_WIDE_H

#include <stdlib.h>   /* of the C library, for __GLIBC__; stddef.h is the compiler's own and does not say it */

#if defined(RELIN_WIDE) && defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

#endif
