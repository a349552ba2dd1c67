/* Words of command lines: each line of an input is one. KEY=VALUE overrides a key of a sweep, and is a condition
 * of --where; any other word is tried as a value of the keys that are written as durations, ranges and rates. */
#include "jobs.h"
#include "sweep/where.h"

enum { MOST_WORDS = 12 };
static const char sweep_text[] =
    "data: {set: teacher, train: 64, test: 32}\narchitectures: {small: {type: mlp, widths: [16]}}\n"
    "grid: {refresh_period: [1, 10, inf], seed: 0..1}\ntraining: {steps: 60, lr: 0.05}\n";

size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    static const char *const seeds[] = {
        "training.steps=100\ngrid.seed=0..4\n", "2h30m\n", "limits.job_wall=90 min\ndata.train=[250, 1000]\n",
        "refresh_period=1,inf\n", "grid.training.lr=[{of_limit: 0.5}, 1e-3]\nkernels.store=metrics\n", "0.1..1 log 4\n",
        "architectures.small.widths=[8, 8]\ngrid.zip={training.momentum: [0, 0.9], seed: [1, 2]}\n",
    };
    if (n >= sizeof seeds / sizeof *seeds)
        return 0;
    return (size_t)snprintf((char *)out, room, "%s", seeds[n]);
}

static void try_where(const char *word)
{
    struct where where;
    struct error err = {0};
    if (where_parse(&where, word, &err))
        FUZZ_CLAIM(err.text[0]);
    for (size_t i = 0; i < where.n; i++) {
        where_fits(where.value[i], "inf", INFINITY);
        FUZZ_CLAIM(where_fits(where.value[i], where.value[i], NAN));
    }
    if (where.axis)
        where_names(where.axis, "training.momentum");
    where_free(&where);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"limits.job_wall=", "grid.seed=", "training.lr=", "training.schedule=",
                                       "grid.refresh_period=", "limits.checkpoint="};
    const char *words[MOST_WORDS];
    size_t n = 0;
    if (size > 1 << 14)
        return 0;
    char *text = malloc(size + 1), *made[MOST_WORDS], *save;
    FUZZ_CLAIM(text);
    memcpy(text, data, size);
    text[size] = 0;
    for (char *word = strtok_r(text, "\n", &save); word && n < MOST_WORDS; word = strtok_r(NULL, "\n", &save), n++) {
        made[n] = NULL;
        if (strchr(word, '=')) {
            try_where(word);
        } else {
            FUZZ_CLAIM(asprintf(&made[n], "%s%s", keys[n % (sizeof keys / sizeof *keys)], word) > 0);
            word = made[n];
        }
        words[n] = word;
    }
    fuzz_sweep((const uint8_t *)sweep_text, sizeof sweep_text - 1, words, n);
    for (size_t i = 0; i < n; i++)
        free(made[i]);
    free(text);
    return 0;
}
