/* How far the rule of a file has come: read from outside, it decides as the run itself does. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/until.h"
#include "store/store.h"
#include "sweep/sweep.h"

/* The sweep in the file, whose rows must be the file's. */
static int load(struct sweep *sweep, const struct store_reader *reader, struct error *err)
{
    char *text = store_read_config(reader, "text", err), *name = text ? store_read_config(reader, "name", err) : NULL, **ids = NULL;
    size_t n = store_read_jobs(reader);
    int status = name && sweep_reload(sweep, name, text, err) == 0 ? store_read_texts(reader, "job_id", &ids, err) : -1;
    if (!status && sweep->n_jobs != n)
        status = error_set(err, ERROR_FORMAT, "expected the %zu jobs of the sweep in it, got %zu", sweep->n_jobs, n);
    for (size_t i = 0; i < n && !status; i++)
        if (strcmp(ids[i], sweep->jobs[i].id) != 0)
            status = error_set(err, ERROR_FORMAT, "job %zu: expected that of the sweep in the file, got another", i);
    store_free_texts(ids, n);
    free(text);
    free(name);
    return status;
}

static int settle(struct until *u, const struct store_reader *reader, struct error *err)
{
    double *status = NULL, *value = NULL;
    char **outcomes = NULL;
    size_t width;
    int failed = store_read_numbers(reader, "status", &status, &width, err)
                 || store_read_numbers(reader, variables[u->rule.metric].name, &value, &width, err)
                 || store_read_texts(reader, "outcome", &outcomes, err) ? -1 : 0;
    for (size_t i = 0; i < u->n_jobs && !failed; i++)
        if (status[i] == STATUS_DONE || status[i] == STATUS_FAILED)
            until_settle(u, i, status[i] == STATUS_DONE && strcmp(outcomes[i], "completed") == 0 ? value[i] : NAN);
    until_step(u);
    mem_free(status);
    mem_free(value);
    store_free_texts(outcomes, u->n_jobs);
    return failed;
}

int until_read(struct until *u, struct sweep *sweep, const struct store_reader *reader, struct error *err)
{
    struct until_rule rule;
    char *words = store_read_until(reader);
    *u = (struct until){0};
    *sweep = (struct sweep){0};
    if (!words)
        return 1;
    int status = until_parse(&rule, words, err) || load(sweep, reader, err) || until_init(u, &rule, sweep, err) || settle(u, reader, err)
                     ? error_prefix(err, "its rule (relin run --until)") : 0;
    free(words);
    return status;
}
