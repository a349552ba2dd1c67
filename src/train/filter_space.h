/* The Krylov space in which the filter engine solves a segment, and when it is large enough.
 *
 * alpha_k of every step k of the segment is a polynomial of Theta applied to r_s, Phi v_s and Phi theta_s;
 * each of these that is not zero begins a chain of one space (math/lanczos.h), and the next product goes
 * to the chains that still owe most. One space and not one for each vector: it takes as many products or
 * fewer (300 images, heavy ball kept, K = 1e4: 449 and 462 against 472 and 494; K = 1e5: 492 and 724 against 512 and
 * 774), and residuals along different spaces would not be orthogonal. Chains and not blocks, since Phi v_s is
 * small after a long segment and needs few products or none.
 *
 * The space is judged at the segment's end and at a quarter, a sixteenth, ... of it, on
 * - alpha: what the space leaves of Theta alpha is rem_j |y_tip| for chain j, V^T y = alpha. As a residual of
 *   every step so far it moves alpha by at most its integral over h(0) = min(sum eta/(N (1 - mu)), 1/(N w));
 * - f_lin: the same as an error of theta - theta_s, |Phi^T v| times as large with v a vector like the tip,
 *   which bounds the error of f_lin on any input, the held-out ones too, up to the norm of its features;
 * and the last products must not have changed theta by much, lest y_tip was small by accident. What rounding of
 * the products would do to alpha in any case, a residual of some accuracies of |Theta alpha| at every step, is
 * no error: in single precision it ends segments of many thousand steps before the tolerance does.
 * A single chain of K products is exact for K steps. In double; private to src/train. */
#ifndef RELIN_TRAIN_FILTER_SPACE_H
#define RELIN_TRAIN_FILTER_SPACE_H

#include "math/lanczos.h"
#include "modes.h"

struct error;

enum filter_part { PART_R, PART_Q, PART_P, PARTS };   /* starting vectors: r_s, Phi v_s, Phi theta_s */
enum { FILTER_RUNGS = 12 };

struct filter_space {
    struct lanczos *krylov;
    struct mode_rule rule;
    size_t n;                          /* N C */
    bool dense;                        /* filled: V is the identity */
    double most_loss;                  /* |rho|^2/2 that ends a run */
    int chain[PARTS];                  /* of a part, or -1 where it is zero */
    enum filter_part part[PARTS];      /* of a chain */
    size_t n_chains, products[PARTS], tip_before[PARTS];   /* of a chain; its tip before the last product */
    double error[PARTS];               /* a chain's share of the relative error, at the worst rung */
    struct { long double sum, tip, now; } debt[PARTS];   /* a chain's share of alpha's error, and of the residual at
                                          the rung before, and at this; a run that diverges overflows doubles */
    double accuracy;                   /* of a product, relative */
    double rounding;                   /* what that may do to alpha, up to a rung */
    double change;                     /* of theta, relative, by the last products, at the worst rung */
    struct modes modes;
    struct mode_state state;
    double *lambda, *coordinate[PARTS], *alpha, *beta, *scratch, *y;   /* (room), scratch (4 room) */
    double *vectors;                   /* (m, m): row i is mode i in V */
    double *rung_y[FILTER_RUNGS];      /* (room) alpha at a rung as judged before, in V */
    int64_t rung_step[FILTER_RUNGS];
    size_t judged;                     /* m then */
    size_t room;
};

/* n = N C; most: products of a segment. Returns 0, or -1 with *err filled; free in either case. */
int filter_space_create(struct filter_space *f, const struct mode_rule *rule, size_t n, size_t most,
                        double accuracy, struct error *err);
void filter_space_free(struct filter_space *f);

/* Empties the space. */
void filter_space_clear(struct filter_space *f);
/* The space is all there is, by Theta's own eigenvectors, and needs no products: theta (n, n) symmetric, destroyed.
 * On an empty space. Returns 0, or -1 with *err filled. */
int filter_space_fill(struct filter_space *f, double *theta, struct error *err);
/* Starting vector of a part, x (n); one not begun is zero. Returns 0, or -1 with *err filled. */
int filter_space_begin(struct filter_space *f, enum filter_part part, const double *x, struct error *err);

/* Extends the space until the segment from s to end is right to tolerance, relative, or to an error of
 * theta of `floor`. Leaves the state at s. Returns 0, or -1 with *err filled. */
int filter_space_converge(struct filter_space *f, int64_t s, int64_t end, double tolerance, double floor,
                          eigen_operator apply, void *context, struct error *err);

/* x (n), overwritten: the vector with these numbers along the modes. */
void filter_space_vector(const struct filter_space *f, const double *along, double *x);

#endif
