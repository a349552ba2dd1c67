#include "filter_space.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Products before a space is first judged. */
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
    f->dense = false;
    f->most_loss = f->rule.single ? 0.5 * FLT_MAX * FLT_MAX : INFINITY;   /* of each segment anew: it begins alike when resumed */
    for (size_t i = 0; i < PARTS; i++)
        f->chain[i] = -1;
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

static void set_modes(struct filter_space *f, size_t m)
{
    f->modes = (struct modes){m, f->lambda, f->coordinate[PART_R], f->coordinate[PART_P], f->coordinate[PART_Q]};
    f->state = (struct mode_state){.alpha = f->alpha, .beta = f->beta};
}

int filter_space_fill(struct filter_space *f, double *theta, struct error *err)
{
    if (make_room(f, f->n, err) != 0 || eigen_symmetric(f->n, theta, f->lambda, f->vectors, err) != 0)
        return -1;
    for (size_t part = 0; part < PARTS; part++)
        memset(f->coordinate[part], 0, f->n * sizeof(double));
    set_modes(f, f->n);
    f->dense = true;
    return 0;
}

int filter_space_begin(struct filter_space *f, enum filter_part part, const double *x, struct error *err)
{
    size_t i = 0;
    if (f->dense) {
        to_modes(f->n, f->vectors, x, f->coordinate[part]);
        return 0;
    }
    while (i < f->n && x[i] == 0)
        i++;
    if (i == f->n)
        return 0;
    f->part[f->n_chains] = part;
    f->products[f->n_chains] = 0;
    f->error[f->n_chains] = f->n_chains == 0 ? INFINITY : 0;   /* the others begin when they are seen to be owed */
    f->chain[part] = (int)f->n_chains++;
    return lanczos_begin(f->krylov, x, err);
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
    set_modes(f, m > 0 ? m : 1);
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

/* alpha at the state along row i of V. */
static double along_row(const struct filter_space *f, size_t i)
{
    double sum = 0;
    for (size_t k = 0; k < f->modes.n; k++)
        sum += f->vectors[k * f->modes.n + i] * f->alpha[k];
    return sum;
}

/* What the space leaves of the state's residual: for a chain its remainder times alpha at its tip, and at the tip
 * before, lest one is small by accident; all of a starting vector that has had no product. After K steps a
 * chain of K products or more has been at its tip in the last step only. */
static void note_remainders(struct filter_space *f, int64_t taken)
{
    const double part[PARTS] = {[PART_R] = 1, [PART_Q] = fabs(f->state.b), [PART_P] = fabs(f->state.a - 1)};
    for (size_t j = 0; j < f->n_chains; j++) {
        double at = part[f->part[j]];
        if (f->products[j])
            at = hypot(along_row(f, lanczos_tip(f->krylov, j)),
                       f->products[j] < (size_t)taken ? 0.5 * along_row(f, f->tip_before[j]) : 0);
        f->debt[j].now = (long double)lanczos_remainder(f->krylov, j) * at;
    }
}

/* Adds what chain j's remainder did to alpha from one rung to the next, relative to alpha's scale: the integral
 * of rem |y_tip| over h(0), with a power law between rungs where it grows, since y_tip grows like one. Where
 * weight decay forgets, h(0) is at its bound and the residual that stands now counts in full. */
static void add_debt(struct filter_space *f, size_t j, double h_before, double h, double scale)
{
    double before = (double)(f->debt[j].tip / scale), sum = (double)(f->debt[j].sum / scale);
    double tip = (double)(f->debt[j].now / scale);
    if (tip > before && before > 0)
        sum += (h * tip - h_before * before) / (log(tip / before) / log(h / h_before) + 1);
    else
        sum += (h - h_before) * fmax(tip, before);
    if (f->rule.decay > 0)
        sum = fmax(sum, h * fmax(tip, before));
    f->debt[j].sum = (long double)sum * scale;
    f->debt[j].tip = f->debt[j].now;
}

/* Compares alpha at the state with the rung's of before, and takes its place. h: h(0). */
static void judge_rung(struct filter_space *f, size_t rung, int64_t taken, double h_before, double h, double floor)
{
    size_t m = f->modes.n;
    double scale = 0, size = 0, moved = 0, moves = 0, drives = 0, largest_feature = 0;
    double *old = f->scratch, *before = f->scratch + m;
    for (size_t i = 0; i < m; i++)
        scale = fmax(scale, fabs(f->alpha[i]));
    from_modes(m, f->vectors, f->alpha, f->y);
    memset(old, 0, m * sizeof *old);
    if (f->rung_step[rung] == f->state.step)
        memcpy(old, f->rung_y[rung], f->judged * sizeof *old);
    memcpy(f->rung_y[rung], f->y, m * sizeof *old);
    f->rung_step[rung] = f->state.step;
    if (!(scale > 0)) {
        for (size_t j = 0; j < f->n_chains; j++)
            f->error[j] = f->products[j] ? f->error[j] : INFINITY;
        return;
    }
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
        size_t tip = f->products[j] ? lanczos_tip(f->krylov, j) : 0;
        double debt = (double)(f->debt[j].sum / scale);
        double feature = sqrt(f->products[j] ? lanczos_entry(f->krylov, tip, tip) : fmax(f->lambda[m - 1], 0));
        largest_feature = fmax(largest_feature, feature);
        if (debt * feature * scale <= floor || debt * scale <= f->rounding)
            continue;
        f->error[j] = fmax(f->error[j], fmax(debt / sqrt(size), debt * feature / sqrt(moved)));
    }
    if (!(f->n_chains == 1 && m >= (size_t)taken) && sqrt(moves) * scale > fmax(floor, f->rounding * largest_feature))
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
        int64_t from = f->state.step, to = s + ((end - s) >> (2 * rung));
        double h_before = h;
        bool reached = modes_advance(&f->rule, &f->modes, &f->state, to - 1, f->most_loss, f->scratch);
        note_remainders(f, to - s);
        reached = reached && modes_advance(&f->rule, &f->modes, &f->state, to, f->most_loss, f->scratch);
        h = fmin(h + added_response(&f->rule, from, f->state.step), least_decay);
        judge_rung(f, rung, f->state.step - s, h_before, h, floor);
        if (!reached)
            break;
    }
    f->judged = f->modes.n;
    modes_start(&f->modes, s, &f->state);
    return 0;
}

/* One product each to the chains that owe half of the largest error or more, and so on for `more` products.
 * *any: was there one to take? */
static int extend(struct filter_space *f, size_t more, size_t steps, bool *any, eigen_operator apply, void *context,
                  struct error *err)
{
    if (f->n_chains == 1 && lanczos_size(f->krylov) + more > steps)   /* K products are exact */
        more = steps - lanczos_size(f->krylov);
    *any = false;
    for (bool again = true; again && more > 0;) {
        double worst = 0;
        for (size_t j = 0; j < f->n_chains; j++)
            if (lanczos_remainder(f->krylov, j) > 0)
                worst = fmax(worst, f->error[j]);
        again = false;
        for (size_t j = 0; j < f->n_chains && more > 0; j++) {
            size_t before = lanczos_size(f->krylov), tip = f->products[j] ? lanczos_tip(f->krylov, j) : before;
            if (!(lanczos_remainder(f->krylov, j) > 0) || !(f->error[j] >= 0.5 * worst))
                continue;
            if (lanczos_extend(f->krylov, j, apply, context, err) != 0)
                return -1;
            if (lanczos_size(f->krylov) == before) {   /* the chain has ended, or the space is full */
                again = again || !(lanczos_remainder(f->krylov, j) > 0);
                continue;
            }
            f->products[j]++;
            f->tip_before[j] = tip;
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
    size_t more = FIRST;
    double error = INFINITY;
    if (f->dense) {
        modes_start(&f->modes, s, &f->state);
        return 0;
    }
    for (bool any = true, owes;;) {
        double before = error;
        if (extend(f, more, (size_t)(end - s), &any, apply, context, err) != 0 || judge(f, s, end, floor, err) != 0)
            return -1;
        error = 0;
        owes = false;
        for (size_t j = 0; j < f->n_chains; j++) {
            error += f->error[j];
            owes = owes || lanczos_remainder(f->krylov, j) > 0;
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
    if (f->dense) {
        from_modes(f->n, f->vectors, along, x);
        return;
    }
    if (lanczos_size(f->krylov) > 0)
        from_modes(f->modes.n, f->vectors, along, f->y);
    lanczos_combine(f->krylov, f->y, x);
}
