#include "plan/simulate.h"

#include <math.h>

#include "base/error.h"
#include "base/memory.h"

/* Puts `time` at the root of the heap of free times (smallest first) and lets it sink. */
static void sink(double *heap, size_t n, double time)
{
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n)
            break;
        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= time)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = time;
}

int simulate_hand_out(size_t n, const double *seconds, size_t workers, size_t cores,
                      struct schedule_estimate *estimate, struct error *err)
{
    double sum = 0, last = 0;
    double *free_at = mem_alloc(workers, sizeof *free_at, err);
    if (!free_at)
        return -1;
    for (size_t i = 0; i < n; i++) {
        double end = free_at[0] + seconds[i];
        sink(free_at, workers, end);
        sum += seconds[i];
        last = fmax(last, end);
    }
    /* the worker that is free first has nothing left to take from then on */
    double first_idle = free_at[0], tail = 0;
    for (size_t w = 0; w < workers; w++)
        tail += last - fmax(free_at[w], first_idle);
    mem_free(free_at);
    *estimate = (struct schedule_estimate){
        .makespan = last,
        .efficiency = last > 0 ? sum / ((double)workers * last) : 1,
        .core_seconds = (double)(workers * cores) * last,
        .tail_seconds = tail,
    };
    return 0;
}

double simulate_saturation(size_t n, const double *seconds)
{
    double sum = 0, longest = 0;
    for (size_t i = 0; i < n; i++) {
        sum += seconds[i];
        longest = fmax(longest, seconds[i]);
    }
    return longest > 0 ? sum / longest : 0;
}
