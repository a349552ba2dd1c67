#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checkpoint.h"
#include "base/error.h"
#include "base/memory.h"
#include "data/gather.h"
#include "sweep/core_run.h"

_Static_assert(PART_TRAIN == 0 && PART_VALIDATION == 1 && PART_TEST == 2
               && VAR_TEST_LOSS - VAR_TRAIN_LOSS == PART_TEST && VAR_TRAIN_ACCURACY - VAR_TRAIN_LOSS == 3
               && VAR_TRAIN_LOSS_NETWORK - VAR_TRAIN_LOSS == 6 && VAR_TRAIN_ACCURACY_NETWORK - VAR_TRAIN_LOSS == 9
               && VAR_CURVE_TEST_ACCURACY_NETWORK - VAR_CURVE_TRAIN_LOSS == 11,
               "scores are written by the distances of their identifiers");

static void write_scores(struct run *run, enum variable_id first, size_t index, enum data_part part,
                         const struct score *score)
{
    const struct result *result = run->e->result;
    result_f64(result, first + part)[index] = score->loss;
    result_f64(result, first + part + 3)[index] = score->accuracy;
    result_f64(result, first + part + 6)[index] = score->loss_network;
    result_f64(result, first + part + 9)[index] = score->accuracy_network;
}

static bool evaluation_due(const struct run *run, int64_t step)
{
    return run->evaluated < run->n_evals && run->eval_steps[run->evaluated] == step;
}

/* A point of the curves and, at T, the final scores: the same numbers. */
static int evaluate(struct run *run, const struct moment *moment)
{
    const struct result *result = run->e->result;
    bool on_curve = evaluation_due(run, moment->step);
    size_t index = (size_t)run->evaluated;
    for (enum data_part part = PART_TRAIN; part <= PART_TEST; part++) {
        struct score score;
        if (evaluate_part(&run->problem, moment, part, &score, NULL, NULL, &run->error) != 0)
            return -1;
        if (on_curve)
            write_scores(run, VAR_CURVE_TRAIN_LOSS, index, part, &score);
        if (moment->step == run->spec->steps)
            write_scores(run, VAR_TRAIN_LOSS, 0, part, &score);
    }
    if (on_curve) {
        result_i64(result, VAR_STEP)[index] = moment->step;
        result_f64(result, VAR_CURVE_TIME)[index] = moment->curve_time;
        run->evaluated++;
    }
    return 0;
}

static int measure_kernels(struct run *run, const struct moment *moment)
{
    struct kernel_series *kernels = run->e->kernels;
    int64_t step = moment->step, last = run->spec->steps - 1, segment = run->refreshes.seen;
    if (!kernels || !kernel_series_due(kernels, step))
        return 0;
    /* after the last step eta is that of the last step */
    double eta = training_has_eta(run->spec) ? training_lr(run->spec, run->problem.lr, step > last && last >= 0 ? last : step)
                                             : NAN;
    int answer = kernel_series_network(kernels, step, eta, widen(run, moment->theta), &run->error);
    if (answer != 0)
        return heed(run, answer);
    bool wanted = kernel_series_wants_linearised(kernels, step, segment);
    return kernel_series_linearised(kernels, step, eta, segment, wanted ? widen(run, moment->theta_s) : NULL,
                                    &run->error);
}

static int show_start(struct run *run)
{
    const struct experiment_observer *observer = run->observer;
    const struct network *net = run->net;
    return observer->start ? heed(run, observer->start(observer->context, run->e->job->network, net->tensors,
                                                       net->n_tensors, run->e->split,
                                                       widen(run, run->theta), net->n_parameters)) : 0;
}

static int at_moment(void *context, const struct moment *moment)
{
    struct run *run = context;
    bool last = moment->step == run->spec->steps;
    int answer = 0;
    if (run->observer->steps_done)
        *run->observer->steps_done = moment->step;
    refresh_log_moment(&run->refreshes, moment);
    if ((last || evaluation_due(run, moment->step)) && (answer = evaluate(run, moment)) != 0)
        return answer;
    if ((answer = measure_kernels(run, moment)) != 0)
        return answer;
    if (run->observer->layers && moment->step == run->observer->at_step
        && (answer = run_show_layers(run, moment)) != 0)
        return answer;
    return last && run->observer->finish ? run_show_end(run, moment) : 0;
}

/* The steps at which something is measured, and the last. */
static int64_t next_moment(void *context, int64_t step)
{
    struct run *run = context;
    int64_t next = run->spec->steps;
    if (run->evaluated < run->n_evals && run->eval_steps[run->evaluated] < next)
        next = run->eval_steps[run->evaluated];
    if (run->e->kernels && kernel_series_next(run->e->kernels, step) < next)
        next = kernel_series_next(run->e->kernels, step);
    if (run->observer->layers && run->observer->at_step >= step && run->observer->at_step < next)
        next = run->observer->at_step;
    return next;
}

static int before_refresh(void *context, const struct moment *moment)
{
    struct run *run = context;
    if (run->observer->steps_done)
        *run->observer->steps_done = moment->step;
    return refresh_log_record(&run->refreshes, moment, &run->error);
}

static int after_step(void *context, const struct step_record *record)
{
    struct run *run = context;
    const struct experiment_observer *observer = run->observer;
    refresh_log_step(&run->refreshes, record);
    if (observer->steps_done)
        *observer->steps_done = record->step + 1;
    if (!observer->step)
        return 0;
    return heed(run, observer->step(observer->context, record->step, record->batch, record->batch_size, record->lr,
                                    record->refresh, record->loss));
}

/* Everything of the run but the trainer's state. First the result: it has what was resolved and measured. */
static void carry(struct run *run, struct checkpoint *c)
{
    checkpoint_carry_flag(c, &run->settled);
    if (!run->settled) {
        products_carry(&run->limit, c);
        return;
    }
    checkpoint_carry(c, run->e->result->block, result_size(&run->e->result->layout));
    if (checkpoint_is_read(c))
        result_end_texts(run->e->result);
    checkpoint_carry_within(c, &run->evaluated, 0, run->n_evals);
    refresh_log_carry(&run->refreshes, c);
    if (run->e->kernels)
        kernel_series_carry(run->e->kernels, c);
}

/* state: NULL before training has begun. able: there is a state to be kept. */
static int keep(struct run *run, const struct trainer_state *state, bool able)
{
    struct keeper *keeper = &run->e->keeper;
    bool stops = keeper_stops(keeper);
    enum keep what = !able ? KEEP_NOTHING : stops ? KEEP_FILE : keeper_due(keeper);
    if (what != KEEP_NOTHING) {
        struct checkpoint *c = keeper_begin(keeper);
        if (c) {
            carry(run, c);
            if (state)
                trainer_carry(state, c);
        }
        keeper_commit(keeper, what);
    }
    return stops;
}

static int between_steps(void *context, const struct trainer_state *state)
{
    return keep(context, state, state != NULL);
}

static int between_products(void *context)
{
    return keep(context, NULL, true);
}

/* Returns 0, 1 where it was stopped, or -1 with *err filled. */
static int measure_limit(struct run *run, double *lambda, struct error *err)
{
    const struct product_watch watch = {&run->limit, between_products, run};
    int answer = run->e->keeper.options ? stability_watched(&run->problem, run->theta, &watch, lambda, err)
                                        : stability_lambda_max(&run->problem, run->theta, lambda, err);
    return answer < 0 ? error_prefix(err, "training.lr: of_limit") : answer;
}

/* eta, or its multiple of the limit 2 (1 + momentum)/(lambda_max/N + decay) at theta_0. */
static int resolve_lr(struct run *run, struct error *err)
{
    int answer;
    const struct training_spec *spec = run->spec;
    double lambda = NAN, rows = (double)run->e->split->count[PART_TRAIN];
    run->problem.lr = spec->lr;
    if (run->settled) {
        run->problem.lr = *result_f64(run->e->result, VAR_LEARNING_RATE);
        return 0;
    }
    if (spec->lr_of_limit) {
        if ((answer = measure_limit(run, &lambda, err)) != 0)
            return answer;
        run->problem.lr = spec->lr * 2 * (1 + spec->momentum) / (lambda / rows + spec->weight_decay);
        if (!isfinite(run->problem.lr))
            return error_set(err, ERROR_JOB, "training.lr: of_limit: expected a kernel at initialisation with a "
                             "positive largest eigenvalue, got %g; give training.lr as a number", lambda);
    }
    *result_f64(run->e->result, VAR_LEARNING_RATE) = run->problem.lr;
    *result_f64(run->e->result, VAR_LAMBDA_MAX_INITIAL) = lambda;
    run->settled = true;
    return 0;
}

/* Takes up what was kept: of training, which then goes on from it, or of the solve before it. */
static int take_up(struct run *run, struct error *err)
{
    struct experiment *e = run->e;
    carry(run, e->keeper.resume);
    if (checkpoint_check(e->keeper.resume, !run->settled, err) != 0)
        return -1;
    if (!run->settled)
        keeper_end(&e->keeper, ERROR_NONE);
    else if (e->kernels)
        kernel_series_restart(e->kernels, widen(run, run->theta));
    products_rewind(&run->limit);
    return 0;
}

/* Returns 0, 1 where the run was stopped meanwhile, or -1 with *err filled. */
static int prepare(struct run *run, struct error *err)
{
    const struct experiment *e = run->e;
    const struct job *job = e->job;
    size_t evaluations = job_most_evaluations(job);
    if (!(run->net = network_create(job->network, image_of(e->split->set), e->split->set->outputs, err)))
        return -1;
    size_t parameters = run->net->n_parameters;
    bool wide = sizeof(real) < sizeof(double)
             && (e->kernels || run->observer->start || run->observer->layers || run->observer->finish);
    if (!(run->theta = mem_alloc(parameters, sizeof(real), err))
        || !(run->theta_s = mem_alloc(parameters, sizeof(real), err))
        || (job->training.centred && !(run->theta_0 = mem_alloc(parameters, sizeof(real), err)))
        || (wide && !(run->wide = mem_alloc(parameters, sizeof(double), err)))
        || !(run->eval_steps = mem_alloc(evaluations + 1, sizeof *run->eval_steps, err)))
        return -1;
    network_init(run->net, job->training.seed_init, run->theta);
    if (run->theta_0)
        memcpy(run->theta_0, run->theta, parameters * sizeof(real));
    run->problem = (struct problem){.net = run->net, .split = e->split, .spec = run->spec, .lr = NAN, .theta_0 = run->theta_0};
    assert(job->kernels.parameters != PARAMETERS_FINAL || parameters <= e->result->layout.parameter);
    if (evaluations > 0 && (run->n_evals = job_evaluation_steps(job, run->eval_steps, err)) < 0)
        return -1;
    assert((uint64_t)run->n_evals <= e->result->layout.eval);   /* sweep_layout's promise */
    if (refresh_log_create(&run->refreshes, &run->problem, job, e->result, err) != 0)
        return -1;
    if (run->spec->lr_of_limit && e->keeper.options
        && products_create(&run->limit, stability_product_bytes(&run->problem), STABILITY_PRODUCTS, err) != 0)
        return -1;
    if (e->keeper.resume && take_up(run, err) != 0)
        return -1;
    return resolve_lr(run, err);
}

/* theta_T - theta_0; the buffer of theta_s takes the initial parameters, drawn anew. */
static void write_parameter_change(struct run *run)
{
    const struct result *result = run->e->result;
    float *slab = result_f32(result, VAR_PARAMETER_CHANGE);
    if (!slab || run->e->job->kernels.parameters != PARAMETERS_FINAL)
        return;
    network_init(run->net, run->e->job->training.seed_init, run->theta_s);
    for (size_t i = 0; i < result->layout.parameter; i++)
        slab[i] = i < run->net->n_parameters ? (float)((double)run->theta[i] - run->theta_s[i]) : 0;
}

static void write_outcome(struct run *run, const struct training_outcome *outcome)
{
    struct result *result = run->e->result;
    char why[128];
    bool diverged = outcome->end == TRAINING_DIVERGED;
    *result_i64(result, VAR_STEPS_DONE) = outcome->steps_done;
    *result_i64(result, VAR_REFRESHES_DONE) = run->refreshes.seen;
    /* the last step can be the one that breaks it: no step after it would notice */
    if (outcome->end == TRAINING_COMPLETED && !isfinite(*result_f64(result, VAR_TRAIN_LOSS)))
        diverged = true;
    if (diverged) {
        snprintf(why, sizeof why, "diverged: the training loss was not finite at step %lld (learning rate %g)",
                 (long long)outcome->steps_done, run->problem.lr);
        result_set_text(result, VAR_ERROR, why);
        for (enum variable_id id = VAR_TRAIN_LOSS; id <= VAR_TEST_ACCURACY_NETWORK; id++)
            *result_f64(result, id) = NAN;
    } else if (outcome->end == TRAINING_COMPLETED) {
        write_parameter_change(run);
        if (run->e->kernels)
            kernel_series_finish(run->e->kernels);
    }
    result_set_text(result, VAR_OUTCOME, diverged ? "diverged"
                    : outcome->end == TRAINING_COMPLETED ? "completed" : "stopped");
}

int experiment_train(struct experiment *e, struct error *err)
{
    int answer = -1;
    struct run run = {.e = e, .observer = e->observer, .spec = &e->job->training};
    bool each_step = e->observer->step || run.spec->trainer == TRAINER_GAUSS_NEWTON;   /* whose solves are logged */
    struct trainer_hooks hooks = {&run, at_moment, next_moment, before_refresh, each_step ? after_step : NULL,
                                  e->keeper.options ? between_steps : NULL, NULL};
    struct training_outcome outcome = {.end = TRAINING_STOPPED};
    if ((answer = prepare(&run, err)) < 0)
        goto done;
    products_free(&run.limit);
    hooks.resume = e->keeper.resume;
    if (answer == 0)
        answer = show_start(&run);
    if (answer == 0)
        answer = trainer_run(&run.problem, run.theta, run.theta_s, &hooks, &outcome, err);
    if (answer >= 0)
        write_outcome(&run, &outcome);
    else if (run.error.code != ERROR_NONE && err)
        *err = run.error;
    answer = answer < 0 ? -1 : 0;
done:
    products_free(&run.limit);
    refresh_log_destroy(&run.refreshes);
    network_destroy(run.net);
    mem_free(run.theta);
    mem_free(run.theta_s);
    mem_free(run.theta_0);
    mem_free(run.wide);
    mem_free(run.eval_steps);
    return answer;
}
