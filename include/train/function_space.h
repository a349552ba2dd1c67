/* Products with the features of all training rows at one point (method.md section 1):
 *
 *   Phi^T u (P)      u (N, C): one VJP over the whole set
 *   Phi w (N, C)     w (P): one JVP over the whole set
 *
 * so Theta v = Phi (Phi^T v) costs one of each, and Theta is never formed. The activations at the
 * point are kept where the whole set fits into one block, else recorded anew in every pass. */
#ifndef RELIN_TRAIN_FUNCTION_SPACE_H
#define RELIN_TRAIN_FUNCTION_SPACE_H

#include "train/trainer.h"

struct function_space;

/* Over the training subset of a problem. Returns it, or NULL with *err filled. The caller destroys;
 * destroy accepts NULL. */
struct function_space *function_space_create(const struct problem *problem, struct error *err);
void function_space_destroy(struct function_space *space);

size_t function_space_size(const struct function_space *space);   /* N C */

/* The point from now on: theta (P), borrowed and unchanged until the next move. */
void function_space_move(struct function_space *space, const real *theta);

/* f (N, C), overwritten: the network's outputs at the point, not centred. */
void function_space_outputs(struct function_space *space, real *f);
/* gradient (P), overwritten = Phi^T u. */
void function_space_vjp(struct function_space *space, const real *u, real *gradient);
/* df (N, C), overwritten = Phi tangent. */
void function_space_jvp(struct function_space *space, const real *tangent, real *df);

#endif
