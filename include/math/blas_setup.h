/* Settings of the BLAS library, the same for both precisions. */
#ifndef RELIN_MATH_BLAS_SETUP_H
#define RELIN_MATH_BLAS_SETUP_H

void blas_set_threads(int threads);
/* The kernels the library chose ("Cooperlake", "Haswell"), and its version text. */
const char *blas_core_type(void);
const char *blas_version(void);
/* A sentence for the log when the environment pins lesser kernels than this processor
 * can use, else NULL. */
const char *blas_pinning_warning(void);

#endif
