/* The trainers: standard SGD, SGD on the linear model around theta_s that moves theta_s every K steps
 * (method.md section 1), and damped Gauss-Newton (section 3), whose model is the network as that of SGD.
 *
 *   f_lin(x) = f_{theta_s}(x) + phi_s(x) (theta_t - theta_s)
 *   v        = mu v + phi_s(x_B)^T g_t + lambda theta_t,  g_t = dL/df at f_lin
 *   theta_{t+1} = theta_t - eta_t v;   at t = s+K < T: s <- t
 *
 * Gauss-Newton: theta_{t+1} = theta_t - lr_t (Phi^T H Phi + (mu + N lambda) I)^-1 (Phi^T g + N lambda theta_t)
 * over the whole training subset, H and g the second and first derivative of the SUM of the rows' losses by f
 * (half-MSE: H = I, g = f - Y), so that mu is in units of Theta; lambda the weight decay. Where mu is tied to
 * the K steps of a segment, lr_t is 1 and a step counts as eta K of curve_time, as the segment does. */
#ifndef RELIN_TRAIN_TRAINER_H
#define RELIN_TRAIN_TRAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/split.h"
#include "math/real.h"
#include "nn/network.h"
#include "train/spec.h"

struct checkpoint;
struct error;
struct product_watch;

/* How the filter engine knows Theta: the cheaper by engine_cost.h, or as told. */
enum filter_by { FILTER_BY_COST, FILTER_BY_PRODUCTS, FILTER_BY_EIGENVECTORS };

struct problem {
    const struct network *net;
    const struct split *split;
    const struct training_spec *spec;
    double lr;                       /* base eta, the limit already resolved */
    const real *theta_0;             /* (P) the initial parameters; needed where spec->centred */
    enum filter_by filter_by;        /* 0 for most */
    size_t tape_budget;              /* bytes in place of TRAINING_TAPE_BYTES and TRAINING_BLOCK_BYTES, 0 for these */
};

/* A moment of training, before step `step` and before the refresh due at it. */
struct moment {
    int64_t step;
    double curve_time;               /* sum of eta of the steps before */
    const real *theta;               /* (P) theta_t */
    const real *theta_s;             /* (P) linearisation point; == theta where the model is the network */
    const real *delta;               /* (P) theta_t - theta_s; NULL where it is zero by definition */
};

struct step_record {
    int64_t step;
    const size_t *batch;             /* positions in the training subset; NULL: full batch */
    size_t batch_size;
    double lr;                       /* eta_t; Gauss-Newton: what multiplies its step, eta K where mu is tied */
    bool refresh;                    /* theta_s was set to theta before this step */
    size_t solver_iterations;        /* Gauss-Newton: of conjugate gradients, else 0 */
    double solver_residual;          /* and what they left of the system, relative; NaN where nothing was solved */
    double loss;                     /* training objective at f_lin on the batch before the step, without decay */
};

/* All that the rest of a training depends on, beside the problem: opaque. */
struct trainer_state;

/* Called by trainer_run; each may be NULL. A non-zero answer stops the training: positive
 * quietly, negative as an error, which the hook reports by itself: trainer_run leaves *err alone.
 * Both trainers call the same hooks at K = 1, with the network as the model of every moment. */
struct trainer_hooks {
    void *context;
    int (*at_moment)(void *context, const struct moment *moment);     /* every t = 0..T that next_moment names */
    int64_t (*next_moment)(void *context, int64_t step);   /* the first t >= step for at_moment; NULL: each */
    int (*before_refresh)(void *context, const struct moment *moment);/* at every refresh but the first linearisation */
    int (*after_step)(void *context, const struct step_record *record);   /* costs the engines that need not step */
    /* Between steps, or between the products of a long solve, where the state may be written down by trainer_carry
     * and nothing else; NULL: not now, while an earlier state is being taken up. */
    int (*between_steps)(void *context, const struct trainer_state *state);
    struct checkpoint *resume;       /* begin with the state that is next in it, and so end with the same bits */
};

/* Writes the state to a checkpoint. */
void trainer_carry(const struct trainer_state *state, struct checkpoint *c);

enum training_end { TRAINING_COMPLETED, TRAINING_DIVERGED, TRAINING_STOPPED };

struct training_outcome {
    enum training_end end;
    int64_t steps_done;
};

/* Trains theta (P; initial in, final out). theta_s (P), overwritten: the last linearisation point.
 * A loss that is not finite ends the run as diverged: an outcome, not an error. With hooks->resume theta need not be
 * initialised, and hooks are called for what comes after that state only.
 * Returns 0, or -1 with *err filled. */
int trainer_run(const struct problem *problem, real *theta, real *theta_s,
                const struct trainer_hooks *hooks, struct training_outcome *outcome, struct error *err);

/* Loss and accuracy of a part, of the trained model f_lin and of the network f_theta. */
struct score { double loss, accuracy, loss_network, accuracy_network; };

/* NaN where the part is empty; accuracy NaN for regression. f_lin, f (n, outputs) may be NULL,
 * else are filled with the outputs. Returns 0, or -1 with *err filled. */
int evaluate_part(const struct problem *problem, const struct moment *moment, enum data_part part,
                  struct score *score, real *f_lin, real *f, struct error *err);

/* Largest eigenvalue of Phi^T H Phi at theta over the whole training subset, H = I for half-MSE
 * (then it is that of the full NTK Theta) and the softmax Hessian for cross-entropy.
 * Limit of the step: eta (lambda_max/N + decay) < 2 (1 + momentum). */
int stability_lambda_max(const struct problem *problem, const real *theta, double *lambda_max,
                         struct error *err);
/* The same under watch: also a positive answer of watch->between, which ended it. */
int stability_watched(const struct problem *problem, const real *theta, const struct product_watch *watch,
                      double *lambda_max, struct error *err);
/* The products it may take, of so many bytes (for products_create). */
enum { STABILITY_PRODUCTS = 60 };
size_t stability_product_bytes(const struct problem *problem);

#endif
