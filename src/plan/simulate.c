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

/* The last job of each worker is committed, too. Returns when; empties the heap. */
static double commit_rest(double *heap, size_t n, double master, const struct farm_cost *farm)
{
    for (size_t w = 0; w < n && farm->commit > 0; w++) {
        master = fmax(master, heap[0]) + farm->commit;
        sink(heap, n, INFINITY);
    }
    return master;
}

int simulate_hand_out(size_t n, const double *seconds, size_t workers, size_t cores, const struct farm_cost *farm,
                      struct schedule_estimate *estimate, struct error *err)
{
    static const struct farm_cost nothing = {0};
    double sum = 0, last = 0, master = 0;
    if (!farm)
        farm = &nothing;
    /* workers beyond the jobs never get one */
    size_t busy = workers < n ? workers : n;
    double *free_at = mem_alloc(busy ? busy : 1, sizeof *free_at, err);
    if (!free_at)
        return -1;
    for (size_t i = 0; i < n; i++) {
        double asked = free_at[0];
        master = fmax(master, asked) + (i < busy ? farm->dispatch : farm->commit);
        double end = fmax(master, asked + (i < busy ? 0 : farm->change)) + seconds[i];
        sink(free_at, busy, end);
        sum += seconds[i];
        last = fmax(last, end);
    }
    /* the worker that is free first has nothing left to take from then on */
    double first_idle = busy && busy == workers ? free_at[0] : 0, tail = 0;
    for (size_t w = 0; w < busy; w++)
        tail += last - fmax(free_at[w], first_idle);
    tail += (double)(workers - busy) * last;
    last = fmax(last, commit_rest(free_at, busy, master, farm));
    mem_free(free_at);
    *estimate = (struct schedule_estimate){
        .makespan = last,
        .efficiency = last > 0 ? sum / ((double)workers * last) : 1,
        .core_seconds = (double)workers * (double)cores * last,
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
