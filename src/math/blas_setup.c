#include "math/blas_setup.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Not in every version's cblas.h, but in every OpenBLAS. */
char *openblas_get_corename(void);
char *openblas_get_config(void);

void blas_set_threads(int threads)
{
    /* After a fork the threads are gone, and to set their number starts all of them again,
     * even to say one: a process that needs one thread shall have one. */
    if (threads != openblas_get_num_threads())
        openblas_set_num_threads(threads);
}
const char *blas_core_type(void) { return openblas_get_corename(); }
const char *blas_version(void) { return openblas_get_config(); }

bool blas_is_as_built(void)
{
#ifdef OPENBLAS_VERSION
    char built[32], now[32];
    return sscanf(OPENBLAS_VERSION, " OpenBLAS %31s", built) == 1 && sscanf(blas_version(), "OpenBLAS %31s", now) == 1
           && strcmp(built, now) == 0;
#else
    return true;
#endif
}

static bool core_has_avx512(void)
{
    static const char *const avx512[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    for (size_t i = 0; i < sizeof avx512 / sizeof *avx512; i++)
        if (strcasecmp(blas_core_type(), avx512[i]) == 0)
            return true;
    return false;
}

/* OpenBLAS has kernels for small matrices since 0.3.17, for these cores. */
bool blas_has_small_products(void)
{
    int major, minor, patch;
    return openblas_get_num_threads() == 1 && core_has_avx512()
           && sscanf(blas_version(), "OpenBLAS %d.%d.%d", &major, &minor, &patch) == 3
           && major * 10000 + minor * 100 + patch >= 317;
}

const char *blas_pinning_warning(void)
{
    static char sentence[256];
    const char *pinned = getenv("OPENBLAS_CORETYPE");
    if (!pinned || !pinned[0])
        return NULL;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512f") || core_has_avx512())
        return NULL;
    snprintf(sentence, sizeof sentence,
             "OPENBLAS_CORETYPE=%.40s pins %.40s kernels, but this processor has AVX-512: "
             "unset it for speed, keep it for equal bits on mixed nodes", pinned, blas_core_type());
    return sentence;
#else
    return NULL;
#endif
}
