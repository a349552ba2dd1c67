/* One kernel, with its working memory made and freed. */
#ifndef RELIN_TESTS_KERNEL_ONCE_H
#define RELIN_TESTS_KERNEL_ONCE_H

#include "base/error.h"
#include "base/memory.h"
#include "ntk/gram.h"
#include "unit.h"

/* layer_kernels may be NULL here. */
static inline void kernel_once(const struct network *net, enum kernel_mode mode, size_t budget, const double *theta,
                               const double *x, size_t n, double *kernel, double *layer_kernels, double *activations)
{
    struct error why;
    size_t side = gram_side(mode, n, net->outputs);
    struct gram *gram = gram_create(net, mode, budget, x, n, &why);
    double *terms = mem_alloc(net->n_parameterised * side, side * sizeof *terms, NULL);
    ck_assert_msg(gram && terms, "%s", why.text);
    gram_compute(gram, theta, kernel, layer_kernels ? layer_kernels : terms, activations);
    gram_destroy(gram);
    mem_free(terms);
}

#endif
