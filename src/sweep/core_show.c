/* What an observer of a run is shown beside its steps. */
#include "base/error.h"
#include "base/memory.h"
#include "data/gather.h"
#include "sweep/core_run.h"

static double *doubles(const real *values, size_t n, struct error *err)
{
    double *copy = mem_alloc(n, sizeof *copy, err);
    for (size_t i = 0; copy && i < n; i++)
        copy[i] = (double)values[i];
    return copy;
}

/* The probe's values at every layer boundary, as the network computes them in its precision. */
int run_show_layers(struct run *run, const struct moment *moment)
{
    const struct network *net = run->net;
    size_t n = run->e->split->count[PART_PROBE], boundaries = net->n_layers + 1;
    int answer = -1;
    struct error *err = &run->error;
    real *x = mem_alloc(n * net->inputs, sizeof *x, err);
    struct tape *tape = tape_create(net, n, false, err);
    size_t *features = mem_alloc(boundaries, sizeof *features, err);
    double **values = mem_alloc(boundaries, sizeof *values, err);
    if (!x || !tape || !features || !values)
        goto done;
    gather_inputs(run->e->split, PART_PROBE, NULL, 0, n, x);
    network_forward(net, moment->theta, x, n, tape);
    for (size_t b = 0; b < boundaries; b++) {
        features[b] = b == 0 ? net->inputs : net->layers[b - 1].outputs;
        if (!(values[b] = doubles(tape->value[b], n * features[b], err)))
            goto done;
    }
    answer = heed(run, run->observer->layers(run->observer->context, widen(run, moment->theta), boundaries,
                                             features, (const double *const *)values, n));
done:
    for (size_t b = 0; values && b < boundaries; b++)
        mem_free(values[b]);
    mem_free(values);
    mem_free(features);
    tape_destroy(tape);
    mem_free(x);
    return answer;
}

/* Outputs of a part at the end, f and f_lin, in double. */
static int final_outputs(struct run *run, const struct moment *moment, enum data_part part, double **f,
                         double **f_lin)
{
    size_t n = run->e->split->count[part] * run->net->outputs;
    int answer = -1;
    struct score score;
    real *network = mem_alloc(n, sizeof *network, &run->error);
    real *linear = mem_alloc(n, sizeof *linear, &run->error);
    if (network && linear
        && evaluate_part(&run->problem, moment, part, &score, linear, network, &run->error) == 0
        && (*f = doubles(network, n, &run->error)) && (*f_lin = doubles(linear, n, &run->error)))
        answer = 0;
    mem_free(network);
    mem_free(linear);
    return answer;
}

int run_show_end(struct run *run, const struct moment *moment)
{
    double *train_f = NULL, *train_f_lin = NULL, *test_f = NULL, *test_f_lin = NULL;
    int answer = -1;
    if (final_outputs(run, moment, PART_TRAIN, &train_f, &train_f_lin) == 0
        && final_outputs(run, moment, PART_TEST, &test_f, &test_f_lin) == 0)
        answer = heed(run, run->observer->finish(run->observer->context, widen(run, moment->theta),
                                                 run->net->n_parameters, train_f, train_f_lin, test_f,
                                                 test_f_lin));
    mem_free(train_f);
    mem_free(train_f_lin);
    mem_free(test_f);
    mem_free(test_f_lin);
    return answer;
}
