/* When workers were busy: one stretch an attempt of a job, from the file's timeline, or, in files of before there was
 * one, from what the jobs say of their last attempt. */
#ifndef RELIN_ANALYSIS_REPORT_STRETCHES_H
#define RELIN_ANALYSIS_REPORT_STRETCHES_H

#include "report.h"

struct stretch {
    uint32_t file;
    double worker, from, to;           /* rank; Unix seconds */
    size_t attempts, failed, lost;     /* lost: with its worker, or stopped: run again */
};

struct stretches {
    size_t n, workers;
    struct stretch *at;                /* (n), by file, worker, time */
    bool whole;                        /* of all files the timeline: all attempts */
    double first, last, busy, work;    /* Unix; seconds of all workers; seconds during which any was busy */
};

/* Those of all jobs of the files, whatever --where. Returns 0, or -1 with *err filled. The caller frees s->at. */
int stretches_read(const struct report *r, struct stretches *s, struct error *err);
/* Neighbours of one worker become one until there are at most so many. */
void stretches_merge(struct stretches *s, size_t most);

#endif
