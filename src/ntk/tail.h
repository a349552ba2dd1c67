/* The last two layers with parameters of many networks, where the derivatives of all outputs differ by a factor
 * a channel only. Private to src/ntk.
 *
 * Between the last layer but one, P (dense or convolution), and the last, dense with weights W, stand activations
 * and poolings, which act channel by channel, down to one number a channel. So the delta of output c at P is
 * S o u_c, u_c = s W_c a number a channel (a unit, where P is dense), S the same for every output. A gradient's
 * part of one channel is linear in that channel's delta, hence
 *   sum_c <gradient_i^c, gradient_j^c> = <gradient_i, gradient_j> of the single delta S o w, w = sqrt(sum_c u_c^2),
 * and the trace takes one derivative of P in place of C. In full mode, with the gradients of S alone,
 *   <gradient_i^c, gradient_j^c'> = sum_o u_c[o] u_c'[o] <gradient_i, gradient_j>_o,
 * inner products a channel o of P. Where P is a convolution, n^2 of them take the place of (n C)^2. */
#ifndef RELIN_NTK_TAIL_H
#define RELIN_NTK_TAIL_H

#include "block.h"

/* P, or NULL where a network does not end so. */
const struct layer *tail_find(const struct network *net);

/* P where full mode gains by it: a convolution, and several outputs; else NULL. */
const struct layer *tail_of_full(const struct network *net);

/* delta (n, outputs of P) = S o w at the point of the tape, w = 1 unless `summed`; in scratch of the tape, valid
 * until its next use. */
const double *tail_delta(const struct network *net, const double *theta, struct tape *tape, bool summed);

/* Full mode. Room for the largest block; returns 0, or -1 with *err filled; close in any case. */
int tail_open(struct gram *gram, struct error *err);
void tail_close(struct gram *gram);
/* What the terms need of theta. */
void tail_factors(struct gram *gram);
/* P's term of block a times b, overwritten; of a block with itself the upper triangle at least. */
void tail_pair(const struct gram *gram, const struct block *a, const struct block *b);

#endif
