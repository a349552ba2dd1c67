/* The keys of a sweep file, in ONE table: it parses, checks, prints and describes them. */
#ifndef RELIN_SWEEP_SCHEMA_H
#define RELIN_SWEEP_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "sweep/program.h"
#include "sweep/sweep.h"
#include "tree.h"

enum { COMMAND_SIZE = 2048, METRICS_SIZE = 1024, PARAMETERS_MOST = 32, PARAMETER_SIZE = 256 };

/* A user's own keys, sorted by name, each value as JSON: texts, so that drafts can be copied. */
struct parameters {
    size_t n;
    struct parameter {
        char name[OWN_NAME_SIZE], json[PARAMETER_SIZE];
    } list[PARAMETERS_MOST];
};

enum { KEYS_MOST = 128 };

/* A job on its way: values, and which keys were given. Of what jobs share it has its own; job.network and
 * job.training.refresh.at are set by draft_finish. */
struct draft {
    struct job job;
    struct network_spec network;
    int64_t refresh_at[REFRESH_MOST_STEPS];   /* job.training.refresh.count of them */
    double feature_updates;        /* NaN: not given */
    struct sweep_limits limits;
    char command[COMMAND_SIZE];    /* of trainer: {command: [...]}: its words as a JSON list */
    char metrics[METRICS_SIZE];    /* names as a JSON list; empty: none */
    struct parameters parameters;
    bool given[KEYS_MOST];         /* by key number */
};

enum key_kind {
    KIND_WHOLE,        /* int64_t in [min, max] */
    KIND_AUTO_WHOLE,   /* int64_t in [min, max], or auto (-1) */
    KIND_COUNT,        /* int64_t in [min, max], or all */
    KIND_BATCH,        /* int64_t >= 1, or full */
    KIND_REAL,         /* double in [min, max] */
    KIND_AUTO_REAL,    /* the same, or auto (NaN) */
    KIND_PERIOD,       /* double: whole >= 1, or inf */
    KIND_CHOICE,       /* enum; choices "a|b=0|c": without a number, the position */
    KIND_BOOL,
    KIND_STABILITY,    /* enum stability: true, false, auto */
    KIND_NAME,         /* char[64] */
    KIND_LR,           /* training.lr, lr_of_limit */
    KIND_SCHEDULE,     /* struct schedule */
    KIND_REFRESH,      /* training.refresh, refresh_period */
    KIND_DAMPING,      /* double in [min, max], or tied (NaN) */
    KIND_WIDTHS,       /* list of whole numbers */
    KIND_CHANNELS,     /* the same, of a network's stages */
    KIND_NORM,         /* a choice; batch normalisation is refused with the reason */
    KIND_LAYERS,       /* list of layers and residual blocks */
    KIND_AUGMENT,      /* struct augmentation */
    KIND_DURATION,     /* double seconds, or none */
    KIND_TRAINER,      /* a choice, or {command: [words]} */
    KIND_PARAMETER,    /* parameters: one of them by its path, printed all together */
};

struct key {
    const char *path;              /* "training.steps"; architecture keys: "architectures.*.widths" */
    enum key_kind kind;
    size_t offset;                 /* in struct draft */
    double min, max;
    const char *choices;           /* KIND_CHOICE */
    const char *standard;          /* the default as written in a file; NULL: none, "": see meaning */
    const char *meaning;
};

extern const struct key keys[];
extern const size_t n_keys;

/* The key of a path ("architectures.NAME.widths" and "architecture.widths" find the starred one), or NULL. */
const struct key *key_find(const char *path);
/* The nearest known path to one that is not, or NULL when none is near. */
const char *key_nearest(const char *path);
bool key_given(const struct draft *draft, const char *path);

/* All defaults. */
void draft_start(struct draft *draft);
/* Parses node into the draft; a mistake is recorded under the name `path`. Returns 0 or -1. */
int key_parse(const struct key *key, const char *path, const struct node *node, struct draft *draft,
              struct mistakes *mistakes);
/* Does a key of an architecture concern its type? true for all other keys. */
bool key_applies(const struct key *key, const struct draft *draft);
/* Keys of an architecture that were given in its section, but do not belong to its type. Returns 0 or -1. */
int network_check_keys(const char *prefix, const struct draft *draft, const struct node *section, struct mistakes *mistakes);
/* Values that the architecture's type does not allow. section: the map they were given in, for the place.
 * complete: what is missing is a mistake too. Returns 0 or -1. */
int network_check(const char *prefix, const struct draft *draft, const struct node *section, bool complete,
                  struct mistakes *mistakes);
/* The value as JSON. */
void key_print(const struct key *key, const struct draft *draft, struct text *out);

/* Parses the keys of a section (a map node), unknown keys and all; prefix "training.", with the section's
 * own mistakes. skip: a key that is not of the table, or NULL. */
void section_parse(const char *prefix, const struct node *map, struct draft *draft, const char *skip,
                   struct mistakes *mistakes);

/* Keys that only some data sets know: elsewhere they would change nothing but the job's id. */
int draft_check_set(const struct draft *draft, const struct node *where, struct mistakes *mistakes);

/* Any two of steps, refresh_period and feature_updates give the third; refresh stands in place of the last two.
 * Returns 0, or -1 with a mistake recorded. */
int draft_resolve_updates(struct draft *draft, const struct node *where, struct mistakes *mistakes);
/* The sections of a job's text (root of its JSON), but what was measured beyond. */
void draft_parse_job(const struct node *root, struct draft *draft, struct mistakes *mistakes);

/* Is the trainer a program of the user's own? */
bool draft_is_program(const struct draft *draft);
/* The sections parameters and metrics of a sweep file, or of a job's text. */
void parameters_parse(const struct node *map, struct draft *draft, struct mistakes *mistakes);
void metrics_parse(const struct node *list, struct draft *draft, struct mistakes *mistakes);
/* Is the key one that a program is told of? Not the network or data that nobody named, nor settings of ours. */
bool program_key_concerns(const struct key *key, const struct draft *draft);
/* As draft_finish, of a job that is a program: seeds, the text and the id are left to do. Returns 0 or -1. */
int draft_finish_program(struct draft *draft, const struct node *where, struct mistakes *mistakes);

/* The text of a finished draft's job, and the identity that is its hash. */
void draft_write(struct draft *draft);

/* Resolves what depends on several keys (K, T, feature updates, trainer, seeds, counts) and checks it;
 * writes job.text and job.id. where: the position mistakes get. Returns 0 or -1. */
int draft_finish(struct draft *draft, const struct node *where, struct mistakes *mistakes);

#endif
