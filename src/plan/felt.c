#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "plan/quantile.h"
#include "plan/record.h"
#include "plan/study.h"

/* Accuracies as a share; half a point. */
static const double HALF_WIDTH = 0.005;
enum { LEAST_SEEDS = 3, MOST_SEEDS = 1000000 };

double felt_seeds(double deviation, double half)
{
    /* the t interval of n numbers; n grows until it is narrow enough, which it is not where the normal one, cheaper, is not */
    for (double n = 2; n < MOST_SEEDS; n = n < 100 ? n + 1 : ceil(1.01 * n))
        if (1.9599 * deviation / sqrt(n) <= half && student_quantile(0.975, n - 1) * deviation / sqrt(n) <= half)
            return n;
    return MOST_SEEDS;
}

/* A finished job by what it is but for its seed. */
struct seeded {
    struct text cell;
    double accuracy, core_seconds;
};

/* The job's text without its seeds: they stand as "seed":3 and "seeds":{...}, both in training. */
static void name_cell(const char *text, struct text *cell)
{
    while (*text) {
        const char *seed = strstr(text, "\"seed\":"), *seeds = strstr(text, "\"seeds\":{");
        const char *at = !seed || (seeds && seeds < seed) ? seeds : seed;
        if (!at) {
            text_add(cell, "%s", text);
            return;
        }
        text_add_bytes(cell, text, (size_t)(at - text));
        text = at + (at == seeds ? strcspn(at, "}") : strcspn(at, ",}"));
    }
}

static int by_cell(const void *a, const void *b)
{
    return strcmp(((const struct seeded *)a)->cell.chars, ((const struct seeded *)b)->cell.chars);
}

static void add_cell(struct felt *felt, const struct seeded *jobs, size_t n)
{
    double sum = 0, squares = 0, cost = 0, count = (double)n;
    if (n < LEAST_SEEDS)
        return;
    for (size_t i = 0; i < n; i++) {
        sum += jobs[i].accuracy;
        squares += jobs[i].accuracy * jobs[i].accuracy;
        cost += jobs[i].core_seconds / count;
    }
    double seeds = felt_seeds(sqrt(fmax(0, squares - sum * sum / count) / (count - 1)), HALF_WIDTH);
    felt->cells++;
    felt->seeds += count;
    felt->seed_core_seconds += cost;
    felt->curve_core_seconds += isnan(sum) ? NAN : seeds * cost;
    felt->curve_seeds = isnan(sum) ? NAN : fmax(felt->curve_seeds, seeds);
}

static int find_pauses(struct felt *felt, const struct record *records, size_t n, size_t jobs, struct error *err)
{
    double *pauses = mem_alloc(jobs, sizeof *pauses, err);
    if (!pauses)
        return -1;
    for (size_t r = 0; r < n; r++)
        for (size_t p = 1; p < records[r].n_phases; p++)
            pauses[felt->pauses++] = records[r].phases[p].start - records[r].phases[p - 1].end;
    sort_numbers(pauses, felt->pauses);
    felt->pause_seconds = sorted_quantile(pauses, felt->pauses, 0.5);
    mem_free(pauses);
    return 0;
}

int felt_make(struct felt *felt, const struct record *records, size_t n, struct error *err)
{
    size_t jobs = 0, all = 0;
    *felt = (struct felt){0};
    for (size_t r = 0; r < n; r++)
        all += records[r].n;
    struct seeded *seeded = mem_alloc(all, sizeof *seeded, err);
    if (!seeded)
        return -1;
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < records[r].n; i++) {
            const struct recorded_job *job = &records[r].jobs[i];
            if (!job->usual)
                continue;
            seeded[jobs] = (struct seeded){.accuracy = job->accuracy,
                                           .core_seconds = job->seconds * (double)job->job.training.threads};
            name_cell(job->job.text, &seeded[jobs++].cell);
        }
    qsort(seeded, jobs, sizeof *seeded, by_cell);
    for (size_t first = 0, end; first < jobs; first = end) {
        for (end = first + 1; end < jobs && by_cell(&seeded[first], &seeded[end]) == 0; end++)
            ;
        add_cell(felt, &seeded[first], end - first);
    }
    felt->seeds = felt->cells > 0 ? felt->seeds / felt->cells : NAN;
    for (size_t i = 0; i < jobs; i++)
        text_free(&seeded[i].cell);
    mem_free(seeded);
    return find_pauses(felt, records, n, all, err);
}
