/* Read-outs of a part of the data, in blocks of rows. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "data/gather.h"
#include "train/loss.h"
#include "train/trainer.h"

struct readout {
    struct tape *tape;
    real *targets, *f, *f_lin, *difference;   /* (rows of a block, outputs) */
};

static void subtract(size_t n, const real *x, real *from)
{
    for (size_t i = 0; i < n; i++)
        from[i] -= x[i];
}

/* f and f_lin of n rows whose inputs are in tape->input. */
static void read_block(const struct problem *p, const struct moment *m, size_t n, struct readout *r)
{
    const struct network *net = p->net;
    size_t count = n * net->outputs;
    memcpy(r->f, network_forward(net, m->theta, r->tape->input, n, r->tape), count * sizeof *r->f);
    if (m->delta) {
        const real *f_s = network_forward(net, m->theta_s, r->tape->input, n, r->tape);
        network_jvp(net, m->theta_s, r->tape, m->delta, r->difference);
        for (size_t i = 0; i < count; i++)
            r->f_lin[i] = f_s[i] + r->difference[i];
    } else {
        memcpy(r->f_lin, r->f, count * sizeof *r->f);
    }
    if (p->spec->centred) {
        const real *f_0 = network_forward(net, p->theta_0, r->tape->input, n, r->tape);
        subtract(count, f_0, r->f);
        subtract(count, f_0, r->f_lin);
    }
}

static int readout_create(const struct network *net, size_t rows, struct readout *r, struct error *err)
{
    size_t row = net->outputs * sizeof(real);
    return (r->tape = tape_create(net, rows, true, err)) && (r->targets = mem_alloc(rows, row, err))
           && (r->f = mem_alloc(rows, row, err)) && (r->f_lin = mem_alloc(rows, row, err))
           && (r->difference = mem_alloc(rows, row, err)) ? 0 : -1;
}

static void readout_free(struct readout *r)
{
    tape_destroy(r->tape);
    mem_free(r->targets);
    mem_free(r->f);
    mem_free(r->f_lin);
    mem_free(r->difference);
}

int evaluate_part(const struct problem *p, const struct moment *m, enum data_part part,
                  struct score *score, real *f_lin, real *f, struct error *err)
{
    size_t rows = p->split->count[part], outputs = p->net->outputs;
    size_t block = network_block_rows(p->net, rows < READOUT_ROWS ? rows : READOUT_ROWS, READOUT_BYTES);
    bool classes = p->split->set->task == TASK_CLASSIFICATION;
    enum loss loss = p->spec->loss;
    double sum = 0, correct = 0, sum_network = 0, correct_network = 0;
    struct readout r = {0};
    int result = -1;
    *score = (struct score){NAN, NAN, NAN, NAN};
    if (rows == 0)
        return 0;
    if (readout_create(p->net, block, &r, err) != 0)
        goto done;
    for (size_t first = 0; first < rows; first += block) {
        size_t n = rows - first < block ? rows - first : block;
        gather_inputs(p->split, part, NULL, first, n, r.tape->input);
        gather_targets(p->split, part, NULL, first, n, r.targets);
        read_block(p, m, n, &r);
        loss_sums(loss, n, outputs, r.f_lin, r.targets, &sum, &correct);
        loss_sums(loss, n, outputs, r.f, r.targets, &sum_network, &correct_network);
        if (f_lin)
            memcpy(f_lin + first * outputs, r.f_lin, n * outputs * sizeof *f_lin);
        if (f)
            memcpy(f + first * outputs, r.f, n * outputs * sizeof *f);
    }
    double count = (double)rows;
    *score = (struct score){
        .loss = sum / count,
        .accuracy = classes ? correct / count : NAN,
        .loss_network = sum_network / count,
        .accuracy_network = classes ? correct_network / count : NAN,
    };
    result = 0;
done:
    readout_free(&r);
    return result;
}
