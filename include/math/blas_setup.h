/* Settings of the BLAS library, the same for both precisions. */
#ifndef RELIN_MATH_BLAS_SETUP_H
#define RELIN_MATH_BLAS_SETUP_H

#include <stdbool.h>

void blas_set_threads(int threads);
/* The kernels the library chose ("Cooperlake", "Haswell"), and its version text. */
const char *blas_core_type(void);
const char *blas_version(void);
/* Is it of the version that was there when relin was built? One that is linked statically is. */
bool blas_is_as_built(void);
/* A sentence for the log when the environment pins lesser kernels than this processor
 * can use, else NULL. */
const char *blas_pinning_warning(void);

/* Whether the library multiplies small matrices, m n k up to BLAS_SMALL_PRODUCT, at once from where they
 * are: elsewhere it copies them first, into an order of its own, which is slower unless all sides are large.
 * The same on all processors of one kind; no with several threads, among which it divides larger ones only. */
enum { BLAS_SMALL_PRODUCT = 1000000 };
bool blas_has_small_products(void);

#endif
