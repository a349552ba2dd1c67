/* The order in which rows are handed out, and how long they are expected to take. */
#ifndef RELIN_FARM_QUEUE_H
#define RELIN_FARM_QUEUE_H

#include <stddef.h>

struct error;

struct queue {
    size_t *rows;            /* a stack: the next one is last */
    size_t length, capacity;
    char order;              /* the first letter of its name */
    const double *seconds;   /* borrowed: predicted, by row, before calibration */
    double waiting;          /* sum over the rows of the queue */
    double measured, predicted;   /* sums over the rows that ended */
};

/* order: "longest" (predicted first), "file" or "random". rows: n row numbers, copied; seconds is
 * indexed by row and borrowed. Returns 0, or -1 with *err filled. The caller frees with queue_free. */
int queue_init(struct queue *queue, const size_t *rows, size_t n, const double *seconds, const char *order,
               struct error *err);
void queue_free(struct queue *queue);

/* The next row. The queue is not empty. */
size_t queue_pop(struct queue *queue);
/* Room for so many rows, at least as many as there are. Returns 0, or -1 with *err filled. */
int queue_room(struct queue *queue, size_t capacity, struct error *err);
/* Further rows, each at its place in the order. */
void queue_add(struct queue *queue, const size_t *rows, size_t n);
/* Puts a row back, to be the next one: it has waited before. */
void queue_push(struct queue *queue, size_t row);

/* Of a row that is in the queue: makes it the last one; takes it out. */
void queue_demote(struct queue *queue, size_t row);
void queue_remove(struct queue *queue, size_t row);

/* A row took this long: predictions are scaled by measured over predicted. */
void queue_learn(struct queue *queue, size_t row, double seconds);
/* Calibrated prediction of a row. */
double queue_predict(const struct queue *queue, size_t row);
/* Calibrated sum over the rows that wait. */
double queue_waiting(const struct queue *queue);

#endif
