/* What rank 0 knows of a run before anything is handed out: the sweep, its data, its file. */
#ifndef RELIN_FARM_CAMPAIGN_H
#define RELIN_FARM_CAMPAIGN_H

#include "farm/farm.h"
#include "farm/sets.h"
#include "farm/wire.h"
#include "plan/until.h"
#include "store/store.h"
#include "store/timeline.h"

/* What the file said of a row when it was opened. */
struct found_row {
    unsigned char status;            /* enum job_status */
    int64_t losses;                  /* of its rank or run, while it did not get on */
    double start_time;               /* Unix seconds, of the last attempt */
};

struct campaign {
    struct sweep sweep;
    struct sets sets;
    struct result_layout layout;
    char path[STORE_PATH_SIZE];      /* the result file; of a symbolic link, what it points to */
    char folder[STORE_PATH_SIZE];    /* of the sweep file */
    bool locked;
    unsigned char *status;           /* (jobs) enum job_status */
    int32_t *attempts;               /* (jobs) starts so far */
    struct found_row *found;         /* (jobs) */
    struct timeline timeline;        /* of the runs before, brought up to date; freed once the run has begun */
    unsigned char *timeline_changed; /* (its attempts) what of it is to be written again */
    double *seconds;                 /* (jobs) predicted */
    bool by_until;                   /* rows have their turn as the rule says */
    struct until until;
    char blas_core[17];              /* kernels that the first of its jobs ran on; empty: none has */
    bool blas_mixed;                 /* it was told that others ran on others */
    size_t n_reused, n_diverged;     /* rows that need no run; of them diverged */
};

/* Reads the sweep, prepares the data on this node, locks and builds the file. Returns 0, or -1 with
 * *err filled. The caller closes, after -1 too. */
int campaign_open(struct campaign *campaign, const struct farm_options *options, const char *run, int ranks,
                  struct error *err);
/* What the other ranks must know (struct wire_setup and texts). */
void campaign_describe(const struct campaign *campaign, const struct farm_options *options, const char *run,
                       struct text *message);
/* Gives the lock back and frees. */
void campaign_close(struct campaign *campaign);

#endif
