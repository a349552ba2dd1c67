#define _GNU_SOURCE
#include "farm/queue.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

/* Shortest first, since the queue is taken from its end; of equals the later row first. */
static int compare_seconds(const void *a, const void *b, void *context)
{
    const double *seconds = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (seconds[i] != seconds[j])
        return seconds[i] < seconds[j] ? -1 : 1;
    return i > j ? -1 : i < j;
}

static void reverse(size_t *rows, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        size_t row = rows[i];
        rows[i] = rows[n - 1 - i];
        rows[n - 1 - i] = row;
    }
}

int queue_init(struct queue *queue, const size_t *rows, size_t n, const double *seconds, const char *order,
               struct error *err)
{
    *queue = (struct queue){.length = n, .capacity = n, .seconds = seconds, .order = *order};
    queue->rows = mem_alloc(n, sizeof *rows, err);
    if (!queue->rows)
        return -1;
    for (size_t i = 0; i < n; i++) {
        queue->rows[i] = rows[i];
        queue->waiting += seconds[rows[i]];
    }
    if (strcmp(order, "longest") == 0) {
        qsort_r(queue->rows, n, sizeof *queue->rows, compare_seconds, (void *)(size_t)seconds);
    } else if (strcmp(order, "file") == 0) {
        reverse(queue->rows, n);
    } else if (strcmp(order, "random") == 0) {
        struct random random;   /* another order each time is the point */
        random_start(&random, (uint64_t)(clock_unix() * 1e6) ^ (uint64_t)getpid(), RANDOM_TEST, 0);
        random_shuffle(&random, queue->rows, n);
    } else {
        return error_set(err, ERROR_USAGE, "--order: expected longest, file or random, got %s", order);
    }
    return 0;
}

int queue_room(struct queue *queue, size_t capacity, struct error *err)
{
    size_t *rows = mem_alloc(capacity, sizeof *rows, err);
    assert(capacity >= queue->length);
    if (!rows)
        return -1;
    if (queue->length)
        memcpy(rows, queue->rows, queue->length * sizeof *rows);
    mem_free(queue->rows);
    queue->rows = rows;
    queue->capacity = capacity;
    return 0;
}

/* Does row i go out before row k? */
static bool goes_first(const struct queue *queue, size_t i, size_t k)
{
    if (queue->order == 'l' && queue->seconds[i] != queue->seconds[k])
        return queue->seconds[i] > queue->seconds[k];
    return i < k;
}

void queue_add(struct queue *queue, const size_t *rows, size_t n)
{
    size_t old = queue->length, at = old + n;
    struct queue more;
    struct error err;
    assert(at <= queue->capacity);
    static const char *const names[] = {"longest", "file", "random"};
    const char *name = queue->order == 'l' ? names[0] : queue->order == 'f' ? names[1] : names[2];
    if (!n || queue_init(&more, rows, n, queue->seconds, name, &err)) {
        for (size_t i = 0; i < n; i++)   /* without memory in the order they came */
            queue_push(queue, rows[i]);
        return;
    }
    while (n > 0)   /* two stacks become one, from what goes first down */
        if (old > 0 && !goes_first(queue, more.rows[n - 1], queue->rows[old - 1]))
            queue->rows[--at] = queue->rows[--old];
        else
            queue->rows[--at] = more.rows[--n];
    queue->length += more.length;
    queue->waiting += more.waiting;
    queue_free(&more);
}

void queue_free(struct queue *queue)
{
    mem_free(queue->rows);
}

size_t queue_pop(struct queue *queue)
{
    assert(queue->length > 0);
    size_t row = queue->rows[--queue->length];
    queue->waiting -= queue->seconds[row];
    return row;
}

void queue_push(struct queue *queue, size_t row)
{
    assert(queue->length < queue->capacity);   /* a row is in the queue or handed out, never both */
    queue->rows[queue->length++] = row;
    queue->waiting += queue->seconds[row];
}

static size_t position(const struct queue *queue, size_t row)
{
    size_t at = 0;
    while (at < queue->length && queue->rows[at] != row)
        at++;
    assert(at < queue->length);
    return at;
}

void queue_demote(struct queue *queue, size_t row)
{
    memmove(queue->rows + 1, queue->rows, position(queue, row) * sizeof *queue->rows);
    queue->rows[0] = row;
}

void queue_remove(struct queue *queue, size_t row)
{
    size_t at = position(queue, row);
    queue->length--;
    memmove(queue->rows + at, queue->rows + at + 1, (queue->length - at) * sizeof *queue->rows);
    queue->waiting -= queue->seconds[row];
}

void queue_learn(struct queue *queue, size_t row, double seconds)
{
    queue->measured += seconds;
    queue->predicted += queue->seconds[row];
}

static double scale(const struct queue *queue)
{
    return queue->measured > 0 && queue->predicted > 0 ? queue->measured / queue->predicted : 1;
}

double queue_predict(const struct queue *queue, size_t row)
{
    return queue->seconds[row] * scale(queue);
}

double queue_waiting(const struct queue *queue)
{
    return queue->length ? queue->waiting * scale(queue) : 0;
}
