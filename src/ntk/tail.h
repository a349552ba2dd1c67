/* The last two layers with parameters of many networks, where the derivatives of all outputs differ by a factor
 * a channel only. Private to src/ntk.
 *
 * Between the last layer but one, P (dense or convolution), and the last, dense with weights W, stand activations
 * and poolings, which act channel by channel, down to one number a channel. So the delta of output c at P is
 * S o u_c, u_c = s W_c a number a channel (a unit, where P is dense), S the same for every output. A gradient's
 * part of one channel is linear in that channel's delta, hence
 *   sum_c <gradient_i^c, gradient_j^c> = <gradient_i, gradient_j> of the single delta S o w, w = sqrt(sum_c u_c^2),
 * and the trace takes one derivative of P in place of C. */
#ifndef RELIN_NTK_TAIL_H
#define RELIN_NTK_TAIL_H

#include "nn/network.h"

/* P, or NULL where a network does not end so. */
const struct layer *tail_find(const struct network *net);

/* delta (n, outputs of P) = S o w at the point of the tape; in scratch of the tape, valid until its next use. */
const double *tail_delta(const struct network *net, const double *theta, struct tape *tape);

#endif
