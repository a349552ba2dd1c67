#include "plan/choose.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

/* Cores are worth asking for as long as they are busy for most of the time, and for no less than some minutes. */
static const double LEAST_EFFICIENCY = 0.9, SHORT_ENOUGH = 600;
/* Programs must start, data be read. */
static const double START_SECONDS = 120, LEAST_MINUTES = 5;
/* Beside its arrays a job has its rank, its spawner and the libraries. */
static const double PROCESS_BYTES = 200e6, MEMORY_MARGIN = 1.25;

double choose_minutes(double seconds_p95, double drain)
{
    double minutes = (seconds_p95 + START_SECONDS + drain) / 60;
    return 5 * ceil(fmin(fmax(minutes, LEAST_MINUTES), CHOOSE_MOST_MINUTES) / 5);
}

size_t choose_rounds(double seconds_p95, double minutes, double drain)
{
    double usable = 60 * minutes - START_SECONDS - drain;
    return usable > 0 && seconds_p95 > usable ? (size_t)ceil(seconds_p95 / usable) : 1;
}

double choose_memory(double bytes, double data_bytes)
{
    return MEMORY_MARGIN * (bytes + data_bytes) + PROCESS_BYTES;
}

size_t choose_megabytes(double bytes, double data_bytes, size_t cores)
{
    return 64 * (size_t)ceil(choose_memory(bytes, data_bytes) / (double)cores / 64e6);
}

size_t choose_merge_megabytes(double data_bytes)
{
    return 64 * (size_t)ceil((2 * PROCESS_BYTES + MEMORY_MARGIN * data_bytes) / 64e6);
}

size_t choose_balanced(const struct allocation *candidates, size_t n)
{
    size_t best = 0;
    while (best + 1 < n && candidates[best].makespan > SHORT_ENOUGH
           && candidates[best + 1].efficiency >= LEAST_EFFICIENCY)
        best++;
    return best;
}

int choose_candidates(const struct forecast *f, size_t parts, struct allocation candidates[CHOOSE_CANDIDATES], size_t *n, struct error *err)
{
    *n = 0;
    for (size_t tasks = 1; tasks <= CHOOSE_MOST_TASKS && *n < CHOOSE_CANDIDATES && (tasks == 1 || tasks * parts <= f->n); tasks *= 2)
        candidates[(*n)++] = (struct allocation){.workers = tasks * parts};
    return forecast_allocations(f, candidates, *n, err);
}

static void add(struct choice *choices, size_t *n, const struct allocation *allocation, const char *why)
{
    for (size_t i = 0; i < *n; i++)
        if (choices[i].allocation.workers == allocation->workers && choices[i].allocation.cores == allocation->cores)
            return;
    choices[(*n)++] = (struct choice){
        .allocation = *allocation, .why = why, .minutes = choose_minutes(allocation->makespan_p95, CHOOSE_DRAIN_SECONDS)};
}

size_t choose_worthwhile(const struct allocation *candidates, size_t n, struct choice choices[CHOICES_MOST])
{
    double shortest = INFINITY;
    size_t n_choices = 0, fits = n, fast = 0, balanced = choose_balanced(candidates, n);
    for (size_t i = 0; i < n; i++)
        shortest = fmin(shortest, candidates[i].makespan);
    for (size_t i = n; i-- > 0;) {
        if (choose_rounds(candidates[i].makespan_p95, CHOOSE_MOST_MINUTES, CHOOSE_DRAIN_SECONDS) == 1)
            fits = i;
        if (candidates[i].makespan <= 1.1 * shortest)
            fast = i;
    }
    for (size_t i = 0; i < n; i++) {
        if (i == balanced)
            add(choices, &n_choices, &candidates[i], "busy for most of the time");
        if (i == fits)
            add(choices, &n_choices, &candidates[i], "the smallest that needs one allocation only");
        if (i == fast)
            add(choices, &n_choices, &candidates[i], "as fast as it gets, within a tenth");
    }
    return n_choices;
}

void choose_print_time(double minutes, char *text, size_t size)
{
    minutes = ceil(minutes);
    snprintf(text, size, "%.0f:%02.0f:00", floor(minutes / 60), fmod(minutes, 60));
}
