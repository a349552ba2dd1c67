#include "filter_space.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Products before a space is first judged, for each chain. */
enum { FIRST = 12 };
/* The last products may change theta by so many tolerances: what was found before them is worse by far. */
static const double AGREEMENT = 1000;
/* Rounding of the products leaves so many accuracies of |Theta alpha| as the residual of a step, however many
 * products are taken: 1 to 25 were seen, in single precision at K = 1e3 to 1e6. It is what stepping has too. */
static const double ROUNDING = 30;

int filter_space_create(struct filter_space *f, const struct mode_rule *rule, size_t n, size_t most,
                        double accuracy, struct error *err)
{
    *f = (struct filter_space){
        .rule = *rule,
        .n = n,
        .accuracy = accuracy,
        .krylov = lanczos_create(n, most, accuracy, err),
    };
    return f->krylov ? 0 : -1;
}

static void free_modes(struct filter_space *f)
{
    mem_free(f->lambda);
    for (size_t i = 0; i < PARTS; i++)
        mem_free(f->coordinate[i]);
    mem_free(f->alpha);
    mem_free(f->beta);
    mem_free(f->scratch);
    mem_free(f->y);
    mem_free(f->vectors);
    f->lambda = f->alpha = f->beta = f->scratch = f->y = f->vectors = NULL;
    memset(f->coordinate, 0, sizeof f->coordinate);
}

void filter_space_free(struct filter_space *f)
{
    lanczos_destroy(f->krylov);
    free_modes(f);
    for (size_t i = 0; i < FILTER_RUNGS; i++)
        mem_free(f->rung_y[i]);
}

void filter_space_clear(struct filter_space *f)
{
    lanczos_clear(f->krylov);
    f->n_chains = f->judged = 0;
    f->most_loss = f->rule.single ? 0.5 * FLT_MAX * FLT_MAX : INFINITY;   /* of each segment anew: it begins alike when resumed */
    for (size_t i = 0; i < PARTS; i++)
        f->chain[i] = -1;
}

int filter_space_begin(struct filter_space *f, enum filter_part part, const double *x, struct error *err)
{
    size_t i = 0;
    while (i < f->n && x[i] == 0)
        i++;
    if (i == f->n)
        return 0;
    f->products[f->n_chains] = 0;
    f->error[f->n_chains] = INFINITY;
    f->chain[part] = (int)f->n_chains++;
    return lanczos_begin(f->krylov, x, err);
}

/* Room for m modes. */
static int make_room(struct filter_space *f, size_t m, struct error *err)
{
    if (m <= f->room)
        return 0;
    size_t room = 2 * f->room > m ? 2 * f->room : m < 32 ? 32 : m;
    free_modes(f);
    f->room = 0;
    for (size_t i = 0; i < FILTER_RUNGS; i++) {
        double *y = mem_alloc(room, sizeof *y, err);
        if (!y)
            return -1;
        memcpy(y, f->rung_y[i] ? f->rung_y[i] : y, f->judged * sizeof *y);
        mem_free(f->rung_y[i]);
        f->rung_y[i] = y;
    }
    for (size_t i = 0; i < PARTS; i++)
        if (!(f->coordinate[i] = mem_alloc(room, sizeof(double), err)))
            return -1;
    if (!(f->lambda = mem_alloc(room, sizeof(double), err)) || !(f->alpha = mem_alloc(room, sizeof(double), err))
        || !(f->beta = mem_alloc(room, sizeof(double), err)) || !(f->y = mem_alloc(room, sizeof(double), err))
        || !(f->scratch = mem_alloc(4 * room, sizeof(double), err))
        || !(f->vectors = mem_alloc(room * room, sizeof(double), err)))
        return -1;
    f->room = room;
    return 0;
}

/* along (m) = vectors y: from V to the modes. */
static void to_modes(size_t m, const double *vectors, const double *y, double *along)
{
    for (size_t i = 0; i < m; i++) {
        double sum = 0;
        for (size_t j = 0; j < m; j++)
            sum += vectors[i * m + j] * y[j];
        along[i] = sum;
    }
}

/* y (m) = vectors^T along. */
static void from_modes(size_t m, const double *vectors, const double *along, double *y)
{
    memset(y, 0, m * sizeof *y);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < m; j++)
            y[j] += vectors[i * m + j] * along[i];
}

/* The space's eigenvectors, and the starting vectors along them. A space of nothing has one mode of zeros. */
static int find_modes(struct filter_space *f, struct error *err)
{
    size_t m = lanczos_size(f->krylov);
    if (make_room(f, m > 0 ? m : 1, err) != 0)
        return -1;
    f->lambda[0] = 0;
    if (m > 0 && lanczos_modes(f->krylov, f->lambda, f->vectors, err) != 0)
        return -1;
    for (size_t part = 0; part < PARTS; part++) {
        memset(f->coordinate[part], 0, f->room * sizeof(double));
        if (f->chain[part] < 0 || m == 0)
            continue;
        lanczos_coordinates(f->krylov, (size_t)f->chain[part], f->y);
        to_modes(m, f->vectors, f->y, f->coordinate[part]);
    }
    f->modes = (struct modes){m > 0 ? m : 1, f->lambda, f->coordinate[PART_R], f->coordinate[PART_P],
                              f->coordinate[PART_Q]};
    f->state = (struct mode_state){.alpha = f->alpha, .beta = f->beta};
    return 0;
}

/* h(0) after the steps from `from` to `to` is what came before and this. */
static double added_response(const struct mode_rule *rule, int64_t from, int64_t to)
{
    double sum = 0;
    if (rule->spec->schedule.kind == SCHEDULE_CONSTANT && from >= rule->spec->schedule.warmup)
        sum = (double)(to - from) * mode_rate(rule, from);
    else
        for (int64_t t = from; t < to; t++)
            sum += mode_rate(rule, t);
    return sum / (rule->rows * (1 - fmin(rule->momentum, 0.999999)));
}

/* Adds what chain j's remainder did to alpha from one rung to the next, relative to alpha's scale: the
 * integral of beta |y_tip| over h(0), with a power law between rungs since y_tip grows like one. */
static void add_debt(struct filter_space *f, size_t j, double h_before, double h, double scale)
{
    double tip = INFINITY, before = f->debt[j].tip / scale;
    if (f->products[j])
        tip = lanczos_remainder(f->krylov, j) * fabs(f->y[lanczos_tip(f->krylov, j)]) / scale;
    double power = before > 0 && tip > before && h_before > 0 ? log(tip / before) / log(h / h_before) : 0;
    f->debt[j].sum = f->debt[j].sum / scale + fmax(h * tip - h_before * before, 0) / (power + 1);
    f->debt[j].sum *= scale;
    f->debt[j].tip = tip * scale;
}

/* Compares alpha at the state with the rung's of before, and takes its place. h: h(0). */
static void judge_rung(struct filter_space *f, size_t rung, int64_t taken, double h_before, double h, double floor)
{
    size_t m = f->modes.n;
    double scale = 0, size = 0, moved = 0, moves = 0, drives = 0, largest_feature = 0, *old = f->scratch, *before = f->scratch + m;
    for (size_t i = 0; i < m; i++)
        scale = fmax(scale, fabs(f->alpha[i]));
    from_modes(m, f->vectors, f->alpha, f->y);
    memset(old, 0, m * sizeof *old);
    if (f->rung_step[rung] == f->state.step)
        memcpy(old, f->rung_y[rung], f->judged * sizeof *old);
    memcpy(f->rung_y[rung], f->y, m * sizeof *old);
    f->rung_step[rung] = f->state.step;
    if (!(scale > 0))
        return;
    to_modes(m, f->vectors, old, before);
    for (size_t i = 0; i < m; i++) {
        double a = f->alpha[i] / scale, change = a - before[i] / scale, lambda = fmax(f->lambda[i], 0);
        size += a * a;
        moved += lambda * a * a;
        moves += lambda * change * change;
        drives += lambda * lambda * a * a;
    }
    f->rounding += (h - h_before) * ROUNDING * f->accuracy * sqrt(drives) * scale;
    for (size_t j = 0; j < f->n_chains; j++) {
        add_debt(f, j, h_before, h, scale);
        if (f->products[j] >= (size_t)taken)   /* exact */
            f->debt[j].sum = 0;
        size_t tip = f->products[j] ? lanczos_tip(f->krylov, j) : 0;
        double debt = f->debt[j].sum / scale, feature = f->products[j] ? sqrt(lanczos_entry(f->krylov, tip, tip)) : 0;
        largest_feature = fmax(largest_feature, feature);
        if (f->products[j] && (debt * feature * scale <= floor || debt * scale <= f->rounding))
            continue;
        f->error[j] = fmax(f->error[j], fmax(debt / sqrt(size), debt * feature / sqrt(moved)));
    }
    if (sqrt(moves) * scale > fmax(floor, f->rounding * largest_feature))
        f->change = fmax(f->change, sqrt(moves / moved));
}

/* Fills f->error and f->change, at the rungs up to the end, or up to where the run diverges. */
static int judge(struct filter_space *f, int64_t s, int64_t end, double floor, struct error *err)
{
    double h = 0, least_decay = f->rule.decay > 0 ? 1 / (f->rule.rows * f->rule.decay) : INFINITY;
    size_t rungs = 1;
    if (find_modes(f, err) != 0)
        return -1;
    f->change = 0;
    memset(f->error, 0, sizeof f->error);
    memset(f->debt, 0, sizeof f->debt);
    f->rounding = 0;
    modes_start(&f->modes, s, &f->state);
    while (rungs < FILTER_RUNGS && (end - s) >> (2 * rungs) > 0)
        rungs++;
    for (size_t rung = rungs; rung-- > 0;) {
        int64_t from = f->state.step;
        bool reached = modes_advance(&f->rule, &f->modes, &f->state, s + ((end - s) >> (2 * rung)), f->most_loss,
                                     f->scratch);
        double h_before = h;
        h = fmin(h + added_response(&f->rule, from, f->state.step), least_decay);
        judge_rung(f, rung, f->state.step - s, h_before, h, floor);
        if (!reached)
            break;
    }
    f->judged = f->modes.n;
    modes_start(&f->modes, s, &f->state);
    return 0;
}

static bool can_extend(const struct filter_space *f, size_t chain, int64_t steps)
{
    return lanczos_remainder(f->krylov, chain) > 0 && f->products[chain] < (size_t)steps;
}

/* One product each to the chains that owe a tenth of the largest error or more, and so on for `more` products.
 * *any: was there one to take? */
static int extend(struct filter_space *f, size_t more, int64_t steps, bool *any, eigen_operator apply, void *context,
                  struct error *err)
{
    double worst = 0;
    for (size_t j = 0; j < f->n_chains; j++)
        if (can_extend(f, j, steps))
            worst = fmax(worst, f->error[j]);
    *any = false;
    for (bool again = true; again && more > 0;) {
        again = false;
        for (size_t j = 0; j < f->n_chains && more > 0; j++) {
            size_t before = lanczos_size(f->krylov);
            if (!can_extend(f, j, steps) || !(f->error[j] >= 0.1 * worst))
                continue;
            if (lanczos_extend(f->krylov, j, apply, context, err) != 0)
                return -1;
            if (lanczos_size(f->krylov) == before)
                continue;
            f->products[j]++;
            more--;
            *any = again = true;
        }
    }
    return 0;
}

/* How many products to take before the space is judged again: as many as the error seems to need by its
 * decrease over the last ones. */
static size_t next_products(size_t m, size_t last, double before, double error, double tolerance)
{
    double most = 4 + (double)m / 6, needed = most;
    if (error < before && error > tolerance && isfinite(before))
        needed = 1 + (double)last * log(error / tolerance) / log(before / error);
    return (size_t)fmin(most, fmax(needed, 4));
}

int filter_space_converge(struct filter_space *f, int64_t s, int64_t end, double tolerance, double floor,
                          eigen_operator apply, void *context, struct error *err)
{
    size_t more = FIRST * f->n_chains;
    double error = INFINITY;
    for (bool any = true, owes;;) {
        double before = error;
        if (extend(f, more, end - s, &any, apply, context, err) != 0 || judge(f, s, end, floor, err) != 0)
            return -1;
        error = 0;
        owes = false;
        for (size_t j = 0; j < f->n_chains; j++) {
            error = fmax(error, f->error[j]);
            owes = owes || can_extend(f, j, end - s);
        }
        if (!owes || (error <= tolerance && f->change <= AGREEMENT * tolerance))
            return 0;
        if (!any)
            return error_set(err, ERROR_JOB, "engine filter: after %zu products with the kernel the segment of %lld steps "
                             "from step %lld is right to %.1e, expected %.1e: set training.engine to tangent%s",
                             lanczos_size(f->krylov), (long long)(end - s), (long long)s, error, tolerance,
                             f->rule.single ? ", or training.precision to double" : "");
        more = next_products(lanczos_size(f->krylov), more, before, error, tolerance);
    }
}

void filter_space_vector(const struct filter_space *f, const double *along, double *x)
{
    if (lanczos_size(f->krylov) > 0)
        from_modes(f->modes.n, f->vectors, along, f->y);
    lanczos_combine(f->krylov, f->y, x);
}
