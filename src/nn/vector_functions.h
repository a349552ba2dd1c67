/* tanh, erf and exp of the working precision that gcc may call several numbers at a time.
 *
 * The C library has vector forms of them (at most 4 units in the last place off), but says so to
 * the compiler only under -ffast-math. Saying it here makes them 10 times faster in loops, and
 * keeps NaN and infinity what they are. Elsewhere the loops call the scalar functions. */
#ifndef RELIN_NN_VECTOR_FUNCTIONS_H
#define RELIN_NN_VECTOR_FUNCTIONS_H

#include <math.h>

#if RELIN_DOUBLE
#define TANH tanh
#define ERF erf
#define EXP exp
#else
#define TANH tanhf
#define ERF erff
#define EXP expf
#endif

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __GLIBC_PREREQ(2, 35)
#define VECTOR_FUNCTION __attribute__((const, simd("notinbranch")))
extern real TANH(real) VECTOR_FUNCTION;
extern real ERF(real) VECTOR_FUNCTION;
extern real EXP(real) VECTOR_FUNCTION;
#endif
#endif

#endif
