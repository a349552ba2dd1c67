/* What the trainer's loop and its engines share. An engine takes the steps of one segment, exactly
 * (method.md section 3); the loop in core_trainer.c decides where segments and legs end. A leg is a
 * run of steps between two moments at which somebody wants the parameters. Private to src/train. */
#ifndef RELIN_TRAIN_CORE_ENGINE_H
#define RELIN_TRAIN_CORE_ENGINE_H

#include "base/checkpoint.h"
#include "train/batches.h"
#include "train/products.h"
#include "train/trainer.h"

struct run;

struct engine_ops {
    const char *name;
    /* Makes run->engine_state. Returns 0, or -1 with *err filled; destroy is called in either case. */
    int (*create)(struct run *run, struct error *err);
    void (*destroy)(struct run *run);
    /* A segment begins at step s and ends at step end at the latest: theta_s = theta, delta = 0 and the
     * momentum's reset are done. Returns 0, or -1 with *err filled. */
    int (*linearise)(struct run *run, int64_t s, int64_t end, struct error *err);
    /* Takes the steps from run->step up to `until`, within the segment, calling hooks->after_step for
     * each where it is set; leaves run->step at the step reached and theta, delta at it. Ends early with
     * run->diverged where the loss of step run->step is not finite, or with run->refresh_now where that
     * step must begin a new segment. Returns 0, a hook's answer, or -1 with *err filled. */
    int (*advance)(struct run *run, int64_t until, const struct trainer_hooks *hooks, struct error *err);
    /* Carries what `linearise` at the start of the segment does not make again; NULL: nothing. Where it was read,
     * `advance` to the step reached makes theta, delta and velocity of it. */
    void (*carry)(struct run *run, struct checkpoint *c);
};

struct run {
    const struct problem *problem;
    const struct network *net;
    const struct engine_ops *engine;
    void *engine_state;
    bool linear;              /* the model is the linear one */
    bool exact;               /* its K = 1: by definition its read-outs are the network's */
    struct batches batches;
    real *theta, *theta_s;    /* the caller's */
    real *delta;              /* theta - theta_s; NULL in the standard trainer */
    real *velocity;           /* NULL without momentum; the engine's to keep up to date at a segment's end */
    real *f_0;                /* (N, C) outputs at theta_0, where centred */
    int64_t step;             /* t: the next step to be taken */
    int64_t segment_start;    /* s */
    double curve_time;        /* sum of eta over the steps taken */
    int64_t wanted;           /* the next step whose parameters the hooks want */
    bool diverged, refresh_now;
    bool begun;               /* the engine is within the segment: not while it linearises */
    bool resuming;            /* the state is not yet that which was carried */
    bool replays;             /* the segment begins again, and with it its solve */
    struct products products; /* of the segment's solve, or the step's, for engines that solve; carried */
    const struct trainer_hooks *hooks;
    size_t solver_iterations; /* Gauss-Newton: of the step taken, */
    double solver_residual;   /* for run_step_done */
};

/* What an engine tells of a step it took, and of the one after: run->step and curve_time move on.
 * loss: of the batch at f_lin before the step. Returns the hooks' answer: also that of between_steps, for which
 * the engine's own state must be at the new step (hooks NULL: neither is called). */
int run_step_done(struct run *run, const size_t *batch, size_t batch_size, double lr, double loss,
                  const struct trainer_hooks *hooks);

/* Asks hooks->between_steps. For engines that do long work without a step: the run must be as it was before that
 * work. Returns the hook's answer, positive to stop. */
int run_between_steps(struct run *run);

extern const struct engine_ops engine_tangent;   /* weight space: everything; also ordinary SGD */
extern const struct engine_ops engine_kernel;    /* function space: any loss and batch, Theta_s in memory */
extern const struct engine_ops engine_gauss_newton;   /* the trainer of that name, whose steps these are */
extern const struct engine_ops engine_filter;    /* spectral: half-MSE, full batch */

#endif
