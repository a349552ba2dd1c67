/* Notes: what the reader must know to believe the numbers. */
#include <math.h>
#include <string.h>

#include "moment.h"
#include "must.h"
#include "print.h"
#include "print_parts.h"

static void note_readout(const struct cells *c, const char *mark, struct text *out)
{
    if (!c->of->two_readouts)
        return;
    if (c->question.readout == READOUT_LINEAR)
        text_add(out, "%sf_lin is the model being trained and is the result; f_theta is the network at the same "
                      "parameters (--readout network).\n", mark);
    else
        text_add(out, "%sf_theta inside an unfinished segment is not the model being trained: no claim rests on "
                      "it (--readout linear is the default).\n", mark);
}

/* Does an axis that is averaged over tell jobs of a cell apart? */
static bool varies(const struct cells *c, size_t axis)
{
    for (size_t k = 0; k < c->n_cells; k++)
        for (size_t i = 1; i < c->cell[k].count; i++)
            if (c->of->at[c->cell[k].first + i].level[axis] != c->of->at[c->cell[k].first].level[axis])
                return true;
    return false;
}

/* A t interval knows nothing of where an accuracy ends. */
static bool leaves_range(const struct cells *c)
{
    for (size_t i = 0; i < c->n_cells; i++)
        if (c->cell[i].value.high > 1 || c->cell[i].value.low < 0)
            return c->question.is_accuracy;
    return false;
}

static void note_intervals(const struct cells *c, const char *mark, struct text *out)
{
    if (!stats_have_quantiles()) {
        text_add(out, "%sintervals are missing: relin-summary was built without GSL (Debian: libgsl-dev).\n", mark);
        return;
    }
    size_t n = 0;
    text_add(out, "%s[ ] are 95 %% t intervals over ", mark);
    for (size_t i = 0; i < c->n_units; i++)
        if (varies(c, c->unit[i]))
            text_add(out, "%s%s", n++ ? ", " : "", c->of->axes[c->unit[i]].name);
    text_add(out, "%s%s: the randomness of training, with one test set for all.\n", n ? "" : "seed",
             n > 1 ? ", taken as independent" : "");
    if (leaves_range(c))
        text_add(out, "%ssome leave what an accuracy can be, 0 to 100 %%, of which a t interval knows nothing: so near the end its level "
                      "is not sure.\n", mark);
}

static void note_jobs(const struct cells *c, const char *mark, struct text *out)
{
    size_t failed = 0, diverged = 0, missing = 0;
    for (size_t i = 0; i < c->n_cells; i++) {
        failed += c->cell[i].failed;
        diverged += c->cell[i].diverged;
        missing += c->cell[i].missing;
    }
    text_add(out, "%s%zu jobs: %zu failed, %zu diverged, %zu pending or running.\n", mark, c->of->n, failed, diverged,
             missing);
    if (c->of->n_skipped > c->of->n_reserved)
        text_add(out, "%s%zu more were skipped: their cells are known well enough without them.\n", mark,
                 c->of->n_skipped - c->of->n_reserved);
    if (c->of->n_reserved)
        text_add(out, "%s%zu more are in reserve: of these, those run that --until finds to be needed.\n", mark, c->of->n_reserved);
    if (missing)
        text_add(out, "%smeans are over the jobs that have ended.\n", mark);
    if (failed)
        text_add(out, "%sfailed jobs are in no mean: `relin status FILE.h5` has the reasons.\n", mark);
    if (diverged)
        text_add(out, "%sdiverged jobs are in no mean, and a K with one is never shown to suffice.\n", mark);
}

/* Means over different seeds differ by more than K: where few seeds are unlike many, the curve says other than the answer. */
static void note_seeds(const struct cells *c, const char *mark, struct text *out)
{
    size_t least = SIZE_MAX, most = 0;
    for (size_t i = 0; i < c->n_cells; i++) {
        const struct cell *cell = &c->cell[i];
        size_t n = cell->value.n, base = cell->against == SIZE_MAX ? n : c->cell[cell->against].value.n;
        if (n == 0 || base == 0 || n == base)
            continue;
        least = n < least ? n : least;
        least = base < least ? base : least;
        most = n > most ? n : most;
        most = base > most ? base : most;
    }
    if (most)
        text_add(out, "%smeans are over %zu to %zu runs of a cell, so not all over the same: compare a cell with the baseline by its "
                      "difference, which is over common seeds.\n", mark, least, most);
}

/* A metric that no finished job has: accuracies of a regression, validation without such a set. */
static void note_empty(const struct cells *c, const char *mark, struct text *out)
{
    size_t ended = 0, counted = 0;
    for (size_t i = 0; i < c->n_cells; i++) {
        const struct cell *cell = &c->cell[i];
        ended += cell->count - cell->failed - cell->diverged - cell->missing;
        counted += cell->value.n;
    }
    if (ended > 0 && counted == 0)
        text_add(out, "%sno job has the metric %s: for a regression take --metric test_loss.\n", mark,
                 c->question.metric);
}

static void note_definition(const struct cells *c, const char *mark, struct text *out)
{
    bool any = false;
    for (size_t g = 0; g < c->n_groups; g++)
        any = any || print_tells_answer(c, &c->group[g]);
    if (!any)
        return;
    text_add(out, "%s\"N [lo, N] suffice\": N from the largest K shown to be enough, tested from K=", mark);
    print_period(c->question.baseline, out);
    text_add(out, " upwards until the lower end of a paired difference's interval passes -");
    print_margin(c, out);
    text_add(out, "; fewer than lo, from K=inf downwards, are shown not to be enough. With 95 %% confidence the "
                  "fewest that suffice lie in [lo, N], if more updates never hurt between the Ks of the grid.\n");
}

/* Are there cells that are not compared in the order of K? */
static bool has_others(const struct cells *c)
{
    for (size_t i = 0; i < c->n_cells; i++)
        if (c->cell[i].schedule || c->cell[i].solves)
            return true;
    return false;
}

static void note_others(const struct cells *c, const char *mark, struct text *out)
{
    if (c->pairs_trainers)
        text_add(out, "%sa Gauss-Newton run is compared with the linearised run of the same K, seed and time: one step "
                      "for a segment of K.\n", mark);
    if (has_others(c))
        text_add(out, "%s\"enough\" of a %s is judged by its own interval, each by itself: among several the chance "
                      "of one error is larger; Holm's p counts all of a table.\n", mark,
                 c->pairs_trainers ? "Gauss-Newton run" : "schedule");
    for (size_t i = 0; i < c->n_cells && c->question.moment.kind < MOMENT_TRAIN_LOSS; i++)
        if (c->cell[i].updates_least < c->cell[i].updates_most && !isnan(c->cell[i].updates)) {
            text_add(out, "%supdates of a gap schedule are those that happened: mean (least-most) over the jobs.\n", mark);
            break;
        }
}

/* Which evaluations were read: they differ where jobs are of different length, or where each comes there in its own time. */
static void note_moment(const struct cells *c, const char *mark, struct text *out)
{
    const struct moment *moment = &c->question.moment;
    if (moment->kind == MOMENT_END)
        return;
    static const char *const how[] = {"", "the last evaluation not after it",
                                      "the first evaluation at which f_lin has that training loss",
                                      "the last evaluation with at most so many updates before it",
                                      "the evaluation of each job that is best on its validation set (the first of equals)"};
    double least = NAN, most = NAN;
    size_t unreached = 0;
    for (size_t i = 0; i < c->of->n; i++) {
        if (c->of->at[i].status == STATUS_DONE || moment->kind == MOMENT_STEP) {
            least = fmin(least, c->of->at[i].at);   /* fmin passes over NaN */
            most = fmax(most, c->of->at[i].at);
        }
        unreached += c->of->at[i].unreached;
    }
    text_add(out, "%sat ", mark);
    if (moment->kind == MOMENT_STEP)
        text_add(out, "step %.15g", moment->value);
    else
        moment_write(moment, out);
    text_add(out, ": read at %s, ", how[moment->kind]);
    if (isnan(least))
        text_add(out, "of which no job has one yet.\n");
    else if (least == most)
        text_add(out, "step %.15g; feature updates are those before it.\n", least);
    else
        text_add(out, "steps %.15g to %.15g; feature updates are those before it.\n", least, most);
    if (unreached)
        text_add(out, "%s%zu jobs never came there: they are in no mean, and a K with one is never shown to suffice.\n",
                 mark, unreached);
}

/* How few pairs can be told apart by the sign-flip test, counting the family: in the group whose best comparison has
 * the fewest. */
static void note_power(const struct cells *c, const char *mark, struct text *out)
{
    const struct group *least = NULL;
    if (c->of->until)
        return;
    for (size_t g = 0; g < c->n_groups; g++)
        if (c->group[g].pairs_most > 0 && (!least || c->group[g].pairs_most < least->pairs_most))
            least = &c->group[g];
    if (least && least->pairs_most < least->pairs_needed)
        text_add(out, "%swith %zu common seeds and %zu %s the smallest Holm-adjusted p is %.2g: no difference can "
                      "be significant at 0.05; %zu seeds are needed.\n", mark, least->pairs_most, least->family,
                 has_others(c) ? "comparisons" : "Ks", least->p_least, least->pairs_needed);
}

/* Whether the baseline's training loss was still falling: medians over its runs. */
static void note_convergence(const struct cells *c, const struct group *g, const char *mark, struct text *out)
{
    if (g->baseline == SIZE_MAX)
        return;
    const struct cell *cell = &c->cell[g->baseline];
    double *fall = must(malloc(2 * cell->count * sizeof *fall)), *share = fall + cell->count;
    size_t n = 0;
    for (size_t i = 0; i < cell->count; i++) {
        const struct observation *x = &c->of->at[cell->first + i];
        if (x->status != STATUS_DONE || x->diverged || !(x->loss_half > 0) || !(x->loss_first > 0))
            continue;
        fall[n] = 1 - x->loss_last / x->loss_half;
        share[n++] = x->loss_last / x->loss_first;
    }
    struct stats_summary falls, shares;
    stats_summarise(fall, n, &falls);
    stats_summarise(share, n, &shares);
    free(fall);
    if (n == 0 || falls.median <= 0.05 || shares.median <= 0.01)
        return;
    text_add(out, "%s", mark);
    cells_name_group(c, g, out);
    text_add(out, ": the baseline has not converged: its training loss fell by %.0f %% in the second half of "
                  "training and ended at %.2g of its start (medians); the answer holds for this many steps.\n",
             100 * falls.median, shares.median);
}

/* Seeds that were added by a rule. */
static void note_until(const struct cells *c, const char *mark, struct text *out)
{
    if (c->of->until)
        text_add(out, "%sseeds were added cell by cell until intervals were narrow (%s): intervals only, no p-values, since a test "
                      "after looking again and again is none.\n", mark, c->of->until);
}

static void note_convergences(const struct cells *c, const char *mark, struct text *out)
{
    for (size_t g = 0; g < c->n_groups; g++)
        note_convergence(c, &c->group[g], mark, out);
}

static void note_files(const struct cells *c, const char *mark, struct text *out)
{
    if (c->of->n_repeated)
        text_add(out, "%s%zu jobs are in several files and count once.\n", mark, c->of->n_repeated);
    if (c->of->n_conflicts)
        text_add(out, "%sCONFLICT: %zu of these have other results there; those of the file named first count (%s).\n", mark,
                 c->of->n_conflicts, c->of->conflict);
}

/* What was chosen for each cell of a group: "wide: training_lr tuned: 0.3 at K=1, 0.1 at K=5". */
static void note_tuned(const struct cells *c, const char *mark, struct text *out)
{
    if (c->n_tuned == 0)
        return;
    text_add(out, "%stuned: each cell has the values with the least mean validation loss of f_lin over the seeds %s, which are "
                  "not among those of the table.\n", mark, c->of->tuning_seeds);
    for (size_t g = 0; g < c->n_groups; g++) {
        text_add(out, "%s", mark);
        cells_name_group(c, &c->group[g], out);
        text_add(out, ":");
        for (size_t i = c->group[g].first; i < c->group[g].first + c->group[g].count; i++) {
            text_add(out, "%s", i == c->group[g].first ? "" : ";");
            for (size_t t = 0; t < c->n_tuned; t++) {
                text_add(out, " ");
                cells_name_level(c->of->axes[c->tuned[t]].name, print_level_of(c, &c->cell[i], c->tuned[t])->label, out);
            }
            if (c->cell[i].schedule)
                text_add(out, " at %s", c->cell[i].schedule);
            else if (c->by_period) {
                text_add(out, " at K=");
                print_period(c->cell[i].period, out);
            }
        }
        text_add(out, ".\n");
    }
}

static void note_across(const struct cells *c, const char *mark, struct text *out)
{
    if (!c->across)
        return;
    text_add(out, "%sacross tasks: P(better) is the mean over tasks of the Mann-Whitney probability that a run with K beats "
                  "one of the baseline (ties count half); the interquartile mean is over all tasks' runs; intervals by "
                  "bootstrap stratified by task, so they hold for these tasks and not for others.\n", mark);
}

/* --- all ------------------------------------------------------------------- */

static const struct {
    const char *about;
    void (*write)(const struct cells *c, const char *mark, struct text *out);
} notes[] = {
    {"readout", note_readout}, {"intervals", note_intervals}, {"definition", note_definition},
    {"moment", note_moment}, {"others", note_others}, {"jobs", note_jobs}, {"seeds", note_seeds}, {"files", note_files},
    {"metric", note_empty}, {"across", note_across}, {"tuning", note_tuned}, {"power", note_power}, {"until", note_until}, {"convergence", note_convergences},
};

const char *print_note(const struct cells *c, size_t kind, const char *mark, struct text *out)
{
    if (kind >= sizeof notes / sizeof *notes)
        return NULL;
    notes[kind].write(c, mark, out);
    return notes[kind].about;
}

void print_notes(const struct cells *c, const char *mark, struct text *out)
{
    for (size_t kind = 0; print_note(c, kind, mark, out); kind++)
        ;
}
