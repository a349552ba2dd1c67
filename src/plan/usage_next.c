/* What is left, and what to ask for next time, by what was used. */
#include <math.h>

#include "plan/choose.h"
#include "plan/usage.h"

/* As `relin submit` asks before anything was measured; the measured time may be out by less. */
static const double TIME_MARGIN = 1.1;

struct usage_advice usage_advise(const struct usage *usage, size_t jobs)
{
    const struct usage_run *last = usage->n_runs ? &usage->runs[usage->n_runs - 1] : NULL;
    struct usage_advice advice = {.seconds = NAN, .bytes = NAN, .cores = NAN};
    double startup = 0, data = 0, longest = 0;
    if (!last || !usage->done)
        return advice;
    for (size_t r = 0; r < usage->n_runs; r++) {
        const struct usage_run *u = &usage->runs[r];
        startup = fmax(startup, u->workers ? (u->seconds[USE_STARTUP] + u->seconds[USE_CLOSING]) / (double)u->workers : 0);
        data = fmax(data, u->record.data_bytes);
    }
    for (size_t i = 0; i < usage->n_cells; i++)
        longest = fmax(longest, usage->cells[i].longest);
    advice.workers = last->workers ? last->workers : 1;
    double mean = usage->job_seconds / (double)usage->done;
    double efficiency = usage_efficiency(usage->seconds, usage->makespan_seconds);
    double work = mean * (double)jobs / (double)advice.workers / (efficiency > 0 ? efficiency : 1);
    advice.seconds = startup + TIME_MARGIN * fmax(work, longest) + CHOOSE_DRAIN_SECONDS;
    advice.bytes = usage->bytes > 0 ? choose_memory(usage->bytes, data) : NAN;
    advice.cores = isfinite(usage->busy) ? fmax(1, round(usage->busy)) : NAN;
    return advice;
}

/* --- what is left --------------------------------------------------------------------------- */

/* Mean and variance of n numbers by their sums. */
static double variance(double n, double sum, double squares)
{
    return n > 1 ? fmax(0, (squares - sum * sum / n) / (n - 1)) : NAN;
}

struct usage_estimate usage_left(const struct usage *usage)
{
    const struct usage_run *run = usage->n_runs ? &usage->runs[usage->n_runs - 1] : NULL;
    double n = 0, sum = 0, squares = 0, work = 0, reserve = 0, uncertain = 0, longest = 0;
    for (size_t i = 0; i < usage->n_cells; i++) {
        n += (double)usage->cells[i].done;
        sum += usage->cells[i].seconds;
        squares += usage->cells[i].squares;
    }
    double workers = run && run->live ? (double)run->workers : (double)usage->running;   /* without a timeline: as many as run */
    if (workers == 0 || n == 0)
        return (struct usage_estimate){NAN, NAN, NAN};
    for (size_t i = 0; i < usage->n_cells; i++) {
        const struct usage_cell *cell = &usage->cells[i];
        double done = (double)cell->done, running = (double)cell->running;
        double waiting = (double)(cell->jobs - cell->done - cell->failed - cell->reserved) - running, left = waiting + running;
        double mean = done > 0 ? cell->seconds / done : sum / n;
        double spread = variance(done, cell->seconds, cell->squares);
        if (isnan(spread))
            spread = n > 1 ? variance(n, sum, squares) : mean * mean;
        reserve += (double)cell->reserved * mean;
        work += waiting * mean + fmax(0, running * mean - cell->elapsed);
        uncertain += left * spread + left * left * spread / fmax(done, 1);
        if (waiting > 0)
            longest = fmax(longest, mean);
    }
    return (struct usage_estimate){fmax(work / workers, longest), 2 * sqrt(uncertain) / workers,
                                   fmax((work + reserve) / workers, longest)};
}
