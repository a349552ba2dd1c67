#include "sweep/core_refresh.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/gather.h"
#include "train/loss.h"

int refresh_log_create(struct refresh_log *log, const struct problem *problem, const struct job *job,
                       struct result *result, struct error *err)
{
    const struct training_spec *spec = problem->spec;
    double refreshes = spec->trainer == TRAINER_STANDARD ? 0 : training_most_updates(spec);
    size_t room = result->layout.refresh, rows = problem->split->count[PART_TRAIN];
    size_t values = rows * problem->net->outputs;
    *log = (struct refresh_log){.problem = problem, .job = job, .result = result, .solver_iterations = NAN,
                                .solver_residual = NAN};
    if (refreshes < 1 || room == 0)
        return 0;
    if (!(log->numbers = mem_alloc(room + 1, sizeof *log->numbers, err)))
        return -1;
    log->n = training_log_steps((int64_t)refreshes - 1, (int64_t)room, log->numbers);
    if (training_is_exact(spec) && !(log->start = mem_alloc(problem->net->n_parameters, sizeof(real), err)))
        return -1;
    if (!(log->targets = mem_alloc(values, sizeof(real), err))
        || !(log->f_lin = mem_alloc(values, sizeof(real), err))
        || !(log->f = mem_alloc(values, sizeof(real), err))
        || !(log->f_start = mem_alloc(values, sizeof(real), err)))
        return -1;
    gather_targets(problem->split, PART_TRAIN, NULL, 0, rows, log->targets);
    return 0;
}

void refresh_log_destroy(struct refresh_log *log)
{
    mem_free(log->numbers);
    mem_free(log->start);
    mem_free(log->targets);
    mem_free(log->f_lin);
    mem_free(log->f);
    mem_free(log->f_start);
    memset(log, 0, sizeof *log);
}

static bool next_is(const struct refresh_log *log, int64_t number)
{
    return log->written < log->n && log->numbers[log->written] == number;
}

/* theta_s of the segment that ends with refresh `number` is theta now. */
static void begin_segment(struct refresh_log *log, const struct moment *moment, int64_t number)
{
    if (log->start && next_is(log, number))
        memcpy(log->start, moment->theta, log->problem->net->n_parameters * sizeof(real));
}

void refresh_log_moment(struct refresh_log *log, const struct moment *moment)
{
    if (moment->step == 0)
        begin_segment(log, moment, 0);
}

void refresh_log_step(struct refresh_log *log, const struct step_record *record)
{
    bool solved = log->problem->spec->trainer == TRAINER_GAUSS_NEWTON;
    log->solver_iterations = solved ? (double)record->solver_iterations : NAN;
    log->solver_residual = solved ? record->solver_residual : NAN;
}

void refresh_log_carry(struct refresh_log *log, struct checkpoint *c)
{
    int64_t steps = log->problem->spec->steps;
    checkpoint_carry_within(c, &log->written, 0, log->n);
    checkpoint_carry_within(c, &log->seen, 0, steps);
    checkpoint_carry_within(c, &log->segment, 0, steps);
    checkpoint_carry(c, &log->solver_iterations, sizeof log->solver_iterations);
    checkpoint_carry(c, &log->solver_residual, sizeof log->solver_residual);
    if (log->start)
        checkpoint_carry(c, log->start, log->problem->net->n_parameters * sizeof(real));
}

static double distance(size_t n, const real *x, const real *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
    return sqrt(sum);
}

static double norm(size_t n, const real *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return sqrt(sum);
}

/* eta_t (lambda_max/N + decay) / (2 (1 + momentum)) at the new linearisation point. NaN where numbers
 * overflow: the run is about to diverge, which is a result and no failure. */
static int stability_ratio(const struct problem *problem, const struct moment *moment, double *ratio,
                           struct error *err)
{
    const struct training_spec *spec = problem->spec;
    double lambda = NAN, rows = (double)problem->split->count[PART_TRAIN];
    struct error why = {0};
    if (stability_lambda_max(problem, moment->theta, &lambda, &why) != 0) {
        if (why.code != ERROR_JOB)
            return error_set(err, why.code, "%s", why.text);
        lambda = NAN;
    }
    double eta = training_has_eta(spec) ? training_lr(spec, problem->lr, moment->step) : NAN;
    *ratio = eta * (lambda / rows + spec->weight_decay)
           / (2 * (1 + spec->momentum));
    return 0;
}

static bool stability_wanted(const struct refresh_log *log, const struct moment *moment)
{
    double rows = (double)log->problem->split->count[PART_TRAIN];
    int64_t batch = log->problem->spec->batch;
    if (log->job->stability != STABILITY_AUTO)
        return log->job->stability == STABILITY_ALWAYS;
    return stability_is_cheap((double)(moment->step - log->segment), batch == BATCH_FULL ? rows : (double)batch, rows);
}

static int record(struct refresh_log *log, const struct moment *moment, size_t index, struct error *err)
{
    const struct problem *problem = log->problem;
    const struct result *result = log->result;
    size_t rows = problem->split->count[PART_TRAIN], outputs = problem->net->outputs;
    size_t values = rows * outputs, parameters = problem->net->n_parameters;
    const real *start = log->start ? log->start : moment->theta_s;
    struct moment then = {.step = moment->step, .theta = start, .theta_s = start};
    struct score now, before;
    if (evaluate_part(problem, moment, PART_TRAIN, &now, log->f_lin, log->f, err) != 0
        || evaluate_part(problem, &then, PART_TRAIN, &before, NULL, log->f_start, err) != 0)
        return -1;
    result_i64(result, VAR_REFRESH_STEP)[index] = moment->step;
    result_f64(result, VAR_REFRESH_GAP)[index] =
        distance(values, log->f, log->f_lin) / distance(values, log->f_lin, log->f_start);
    result_f64(result, VAR_REFRESH_LOSS_JUMP)[index] = now.loss_network - now.loss;
    result_f64(result, VAR_REFRESH_ACCURACY_JUMP)[index] = now.accuracy_network - now.accuracy;
    result_f64(result, VAR_REFRESH_PARAMETER_CHANGE)[index] =
        distance(parameters, moment->theta, start) / norm(parameters, start);
    /* the losses' gradients are the residuals over N: the ratio of their norms is the residuals' */
    loss_gradient(problem->spec->loss, rows, outputs, log->f_lin, log->targets, log->f_lin);
    loss_gradient(problem->spec->loss, rows, outputs, log->f_start, log->targets, log->f_start);
    result_f64(result, VAR_REFRESH_CONVERGENCE)[index] = norm(values, log->f_lin) / norm(values, log->f_start);
    result_f64(result, VAR_REFRESH_SOLVER_ITERATIONS)[index] = log->solver_iterations;
    result_f64(result, VAR_REFRESH_SOLVER_RESIDUAL)[index] = log->solver_residual;
    if (stability_wanted(log, moment))
        return stability_ratio(problem, moment, &result_f64(result, VAR_REFRESH_STABILITY_RATIO)[index], err);
    return 0;
}

int refresh_log_record(struct refresh_log *log, const struct moment *moment, struct error *err)
{
    int64_t number = log->seen++;
    if (next_is(log, number) && record(log, moment, (size_t)log->written++, err) != 0)
        return -1;
    begin_segment(log, moment, number + 1);
    log->segment = moment->step;
    return 0;
}
