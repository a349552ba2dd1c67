/* How an attempt at a job can fail: the classes, their limits, and the words for them in files, on command lines
 * and for people. Diverged is not among them: that is a result. */
#ifndef RELIN_SWEEP_FAILURE_H
#define RELIN_SWEEP_FAILURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sweep_limits;

/*  X(class, its word: `outcome` in the file, --retry; what to do about a job that failed for good so) */
#define FAILURES(X)                                                                                                     \
    X(CRASHED, "crashed", "a mistake in relin, or in a program of your own, or bad memory: run it alone on another "     \
      "machine, where `relin run ... --retry crashed` goes on from its checkpoint")                                     \
    X(OUT_OF_MEMORY, "out-of-memory", "run fewer ranks a node or a smaller network or batch (`relin plan` says what a " \
      "job needs), then `relin run ... --retry out-of-memory`")                                                         \
    X(WALL, "wall", "raise limits.job_wall, then `relin run ... --retry wall`: it goes on from its checkpoint")         \
    X(STOPPED, "stopped", "find out who ends it (a user, a batch system's limit), then `relin run ... --retry stopped`") \
    X(LOST, "lost", "its rank or node went down with it again and again: look there for want of memory or broken "     \
      "hardware, then `relin run ... --retry lost`")                                                                    \
    X(BAD_DATA, "bad-data", "correct the data or the key that the reason names, then `relin run ... --retry bad-data`")

enum failure_class {
#define X(id, word, advice) FAILURE_##id,
    FAILURES(X)
#undef X
    FAILURE_COUNT,
    FAILURE_UNKNOWN = FAILURE_COUNT      /* in a file of before there were classes */
};

const char *failure_word(enum failure_class class);      /* "failed" of FAILURE_UNKNOWN */
const char *failure_advice(enum failure_class class);
/* The class of a word, else FAILURE_UNKNOWN. */
enum failure_class failure_of(const char *word);
/* Does the attempt count as one of the job's own? Not where somebody or something else ended it. */
bool failure_is_own(enum failure_class class);
/* How many attempts may end so before the job is set aside. */
int64_t failure_limit(const struct sweep_limits *limits, enum failure_class class);
/* Reads "failed" (every class, those of old files too) or words with commas between. *classes: a bit each, 1 <<
 * class. Returns false where a word is none. */
bool failure_parse_classes(const char *words, unsigned *classes);

#endif
