#include "plan/lessons.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/forecast.h"
#include "plan/record.h"

/* By formula alone: what jobs are assumed to miss it by, beside the speed of the machine, which they share (forecast_make). */
static const double FORMULA_SPREAD = 0.2, FORMULA_BYTES_SPREAD = 0.1;
/* One run does not say how the next one differs on the same machine: assumed. Several do, but hardly to less than the other. */
static const double NEXT_RUN = 0.1, LEAST_COMMON = 0.05;

struct key {
    const char *architecture, *engine;
    size_t threads;
    double formula;
};

struct sample {
    struct key key;
    char *architecture, *engine;     /* owned */
    double seconds, bytes_ratio;     /* NaN: not known */
    size_t file;
};

struct learned {
    enum lesson_level level;
    struct key key;                  /* of its samples, which own the texts */
    struct lesson lesson;
};

static int compare_numbers(double x, double y)
{
    return x < y ? -1 : x > y;
}

/* By what the level looks at; cells of a network, networks of an engine, then stand together. */
static int compare_keys(const struct key *a, const struct key *b, enum lesson_level level)
{
    int by = level < LESSON_ANY ? strcmp(a->engine, b->engine) : 0;
    if (!by && level < LESSON_ENGINE)
        by = strcmp(a->architecture, b->architecture);
    if (!by && level < LESSON_ENGINE)
        by = compare_numbers((double)a->threads, (double)b->threads);
    return by || level > LESSON_CELL ? by : compare_numbers(a->formula, b->formula);
}

static int compare_samples(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return compare_keys(&x->key, &y->key, LESSON_CELL);
}

static int compare_learned(const void *a, const void *b)
{
    const struct learned *x = a, *y = b;
    return x->level != y->level ? (x->level < y->level ? -1 : 1) : compare_keys(&x->key, &y->key, x->level);
}

int lessons_add(struct lessons *l, const char *architecture, const char *engine, size_t threads, double formula,
                double seconds, double bytes_ratio, struct error *err)
{
    if (l->n == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 64;
        struct sample *more = realloc(l->samples, capacity * sizeof *more);
        if (!more)
            return error_set(err, ERROR_MEMORY, "%zu jobs of earlier runs", capacity);
        l->samples = more;
        l->capacity = capacity;
    }
    struct sample *s = &l->samples[l->n];
    *s = (struct sample){.architecture = strdup(architecture), .engine = strdup(engine), .seconds = seconds,
                         .bytes_ratio = bytes_ratio, .file = l->files};
    s->key = (struct key){s->architecture, s->engine, threads, formula};
    l->n++;   /* lessons_free frees what there is of it */
    return s->architecture && s->engine ? 0 : error_set(err, ERROR_MEMORY, "a job's names");
}

int lessons_add_file(struct lessons *l, const char *path, const char *data_root, struct error *err)
{
    struct record record;
    int status = record_read(&record, path, data_root, err);
    for (size_t i = 0; i < record.n && !status; i++) {
        const struct recorded_job *job = &record.jobs[i];
        size_t threads = (size_t)job->job.training.threads;
        l->wall_seconds += job->seconds;
        l->cpu_seconds += job->cpu_seconds / (double)threads;
        if (job->usual && job->cost.seconds > 0)
            status = lessons_add(l, job->job.network->name, job_engine_name(&job->job), threads,
                                 job->cost.seconds / forecast_speedup(threads), job->seconds,
                                 job->bytes / job->cost.bytes, err);
        else
            l->left_out++;
    }
    /* the least that was seen: of a busy machine's, the rest is its other work */
    if (!status && !isnan(record.change))
        l->farm.change = l->farm.change > 0 ? fmin(l->farm.change, record.change) : record.change;
    l->files++;
    record_free(&record);
    return status;
}

/* Standard deviation of n numbers with these sums of them and of their squares. */
static double deviation(double n, double sum, double squares)
{
    return n > 1 ? sqrt(fmax(0, squares - sum * sum / n) / (n - 1)) : 0;
}

/* Samples first to end-1 say the same. offset: by how much the jobs of each run took longer, as a logarithm: the run's own
 * error, not the job's. */
static void learn(struct lessons *l, enum lesson_level level, size_t first, size_t end, const double *offset)
{
    double n = (double)(end - first), measured = 0, formula = 0, sum = 0, squares = 0;
    double known = 0, bytes = 0, bytes_squares = 0;
    if (end - first < LESSON_JOBS)
        return;
    for (size_t i = first; i < end; i++) {
        const struct sample *s = &l->samples[i];
        double ratio = log(s->seconds / s->key.formula) - offset[s->file];
        measured += s->seconds;
        formula += s->key.formula;
        sum += ratio;
        squares += ratio * ratio;
        if (s->bytes_ratio > 0) {
            known++;
            bytes += log(s->bytes_ratio);
            bytes_squares += log(s->bytes_ratio) * log(s->bytes_ratio);
        }
    }
    l->learned[l->n_learned++] = (struct learned){
        .level = level,
        .key = l->samples[first].key,
        .lesson = {
            .jobs = end - first,
            .factor = measured / formula,
            .spread = deviation(n, sum, squares),
            .bytes_factor = known > 0 ? exp(bytes / known) : 1,
            .bytes_spread = known > 1 ? deviation(known, bytes, bytes_squares) : FORMULA_BYTES_SPREAD,
        },
    };
}

static void learn_all(struct lessons *l, const double *offset)
{
    l->n_learned = 0;
    for (enum lesson_level level = LESSON_CELL; level < LESSON_NONE; level++)
        for (size_t first = 0, end; first < l->n; first = end) {
            for (end = first + 1; end < l->n; end++)
                if (compare_keys(&l->samples[first].key, &l->samples[end].key, level) != 0)
                    break;
            learn(l, level, first, end, offset);
        }
}

/* How far apart are the runs: of each the seconds measured over those that all runs together let expect. expected is of
 * the same size as offset, zeros. */
static void compare_runs(struct lessons *l, double *offset, double *expected)
{
    double n = 0, sum = 0, squares = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct sample *s = &l->samples[i];
        struct lesson lesson;
        lessons_find(l, s->key.architecture, s->key.engine, s->key.threads, s->key.formula, &lesson);
        offset[s->file] += s->seconds;
        expected[s->file] += lesson.factor * s->key.formula;
    }
    for (size_t file = 0; file <= l->files; file++)
        if (expected[file] > 0) {
            offset[file] = log(offset[file] / expected[file]);
            n++;
            sum += offset[file];
            squares += offset[file] * offset[file];
        }
    l->common = n > 1 ? fmax(LEAST_COMMON, deviation(n, sum, squares) * sqrt(1 + 1 / n)) : NEXT_RUN;
}

void lessons_set_farm(struct lessons *l)
{
    double change = l->farm.change > 0 ? l->farm.change : FARM_CHANGE;
    l->farm = (struct farm_cost){.change = change, .dispatch = FARM_DISPATCH, .commit = FARM_COMMIT};
}

int lessons_end(struct lessons *l, struct error *err)
{
    if (l->n < LESSON_JOBS)
        return error_set(err, ERROR_USAGE, "expected at least %d jobs that were completed at their first attempt, got %zu",
                         LESSON_JOBS, l->n);
    lessons_set_farm(l);
    qsort(l->samples, l->n, sizeof *l->samples, compare_samples);
    l->learned = mem_alloc(LESSON_NONE * l->n, sizeof *l->learned, err);
    double *offset = mem_alloc(2 * (l->files + 1), sizeof *offset, err);
    if (l->learned && offset) {
        learn_all(l, offset);
        compare_runs(l, offset, offset + l->files + 1);
        learn_all(l, offset);
    }
    mem_free(offset);
    return l->n_learned ? 0 : -1;
}

void lessons_free(struct lessons *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->samples[i].architecture);
        free(l->samples[i].engine);
    }
    free(l->samples);
    mem_free(l->learned);
    *l = (struct lessons){0};
}

enum lesson_level lessons_find(const struct lessons *l, const char *architecture, const char *engine, size_t threads,
                               double formula, struct lesson *lesson)
{
    struct learned wanted = {.key = {architecture, engine, threads, formula}};
    for (enum lesson_level level = LESSON_CELL; l && l->n_learned && level < LESSON_NONE; level++) {
        wanted.level = level;
        const struct learned *found = bsearch(&wanted, l->learned, l->n_learned, sizeof wanted, compare_learned);
        if (found) {
            *lesson = found->lesson;
            return level;
        }
    }
    *lesson = (struct lesson){.factor = l && l->machine > 0 ? l->machine : 1, .spread = FORMULA_SPREAD, .bytes_factor = 1,
                              .bytes_spread = FORMULA_BYTES_SPREAD};
    return LESSON_NONE;
}

const char *lesson_level_name(enum lesson_level level)
{
    static const char *const names[] = {"the same cell", "the same network", "the same engine", "other engines", "formula"};
    return names[level];
}
