/* A segment of full-batch half-MSE in the eigenvectors of Theta (method.md identities 2, 3 and 6), in
 * double whatever the network computes in: eta, momentum and decay are rounded to its precision first.
 *
 *   theta_t = a theta_s + b v_s - Phi^T alpha        v_t = c theta_s + d v_s + Phi^T beta
 *   rho_t   = f_lin - Y = r + (a-1) p + b q - Theta alpha,   p = Phi theta_s, q = Phi v_s
 *
 *   beta'  = mu beta + rho/N - w alpha               alpha' = alpha + eta beta'
 *   c' = mu c + w a,  a' = a - eta c'                d' = mu d + w b,  b' = b - eta d'
 *
 * with Theta replaced by one of its eigenvalues lambda, or a Ritz value, r, p, q, rho, alpha, beta are
 * numbers: a mode. Private to src/train. */
#ifndef RELIN_TRAIN_MODES_H
#define RELIN_TRAIN_MODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "train/spec.h"

struct mode_rule {
    const struct training_spec *spec;
    double lr;                   /* base eta */
    double rows;                 /* N */
    double momentum, decay;      /* mu, w, as the network's precision rounds them */
    bool single;                 /* its precision */
};

struct modes {
    size_t n;
    const double *lambda, *r, *p, *q;   /* (n) */
};

struct mode_state {
    int64_t step;
    double a, b, c, d;
    double *alpha, *beta;        /* (n) */
};

struct mode_rule mode_rule(const struct training_spec *spec, double lr, double rows, bool single);
double mode_rate(const struct mode_rule *rule, int64_t step);   /* eta_t */

/* n >= 1 in all that follows. alpha = beta = 0 at step s. */
void modes_start(const struct modes *modes, int64_t s, struct mode_state *state);
/* |rho|^2 / 2 at the state; not finite where a loss would not be. */
double modes_loss(const struct modes *modes, const struct mode_state *state);
/* rho (n), overwritten. */
void modes_residual(const struct modes *modes, const struct mode_state *state, double *rho);

/* One step, by the equations above. */
void modes_step(const struct mode_rule *rule, const struct modes *modes, struct mode_state *state);
/* Takes the steps up to `until`, or up to the first whose |rho|^2/2 exceeds `most` (INFINITY: is not
 * finite). Runs of one eta are taken at once: without momentum by the closed form, with it by powers of
 * a mode's matrix. scratch (4 n). Returns true where `until` was reached. */
bool modes_advance(const struct mode_rule *rule, const struct modes *modes, struct mode_state *state,
                   int64_t until, double most, double *scratch);

#endif
