#include "farm/campaign.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "farm/checkpoints.h"
#include "farm/cores.h"
#include "farm/policy.h"
#include "plan/predict.h"

/* Those of jobs that are done: a run that was killed between the two may have left one. */
static void remove_checkpoints(const struct campaign *campaign)
{
    for (size_t i = 0; i < campaign->sweep.n_jobs; i++)
        if (campaign->status[i] == STATUS_DONE)
            checkpoints_remove(campaign->path, campaign->sweep.jobs[i].id);
}

/* A job that failed for good may try again where its class of failure is asked for (--retry), or where more
 * attempts are allowed than it has had. */
static bool may_retry(const struct campaign *campaign, size_t row, const char *outcome, const char *error,
                      unsigned retry)
{
    enum failure_class class = failure_of(outcome);
    if (retry & 1u << class)
        return true;
    int64_t limit = failure_limit(&campaign->sweep.limits, class);
    return class == FAILURE_LOST ? policy_losses(error) < limit : failure_is_own(class) && campaign->attempts[row] < limit;
}

static double checkpoint_of(void *context, size_t job)
{
    const struct campaign *campaign = context;
    return checkpoints_written(campaign->path, campaign->sweep.jobs[job].id);
}

/* What runs before this one did, and what one that was killed could not write of it any more. */
static int look_at_timeline(struct campaign *campaign, const struct store_reader *reader, const double *status,
                            const double *start, struct error *err)
{
    struct timeline_jobs jobs = {.n = campaign->sweep.n_jobs, .status = status, .start_time = start,
                                 .checkpoint = checkpoint_of, .context = campaign};
    struct error damage = {0};
    double *wall = NULL, *worker = NULL;
    size_t width;
    if (timeline_read(reader, &campaign->timeline, &damage)) {
        log_warning("%s: %s: what this run uses is not written down; see relin verify", campaign->path, damage.text);
        timeline_free(&campaign->timeline);
    }
    if (!campaign->timeline.present)
        return 0;
    int failed = store_read_numbers(reader, "wall_seconds", &wall, &width, err)
                 || store_read_numbers(reader, "worker", &worker, &width, err) ? -1 : 0;
    jobs.wall_seconds = wall;
    jobs.worker = worker;
    if (!failed)
        failed = timeline_reconcile(&campaign->timeline, &jobs, false, &campaign->timeline_changed, err);
    mem_free(wall);
    mem_free(worker);
    return failed;
}

/* What the file says of each row: what diverged, what was lost, what failed and may try again. */
static int look_at_rows(struct campaign *campaign, unsigned retry, struct error *err)
{
    size_t n = campaign->sweep.n_jobs, width, n_retried = 0;
    char **outcomes = NULL, **errors = NULL, **cores = NULL;
    double *status = NULL, *start = NULL;
    struct store_reader *reader = store_read_open(campaign->path, err);
    campaign->found = mem_alloc(n, sizeof *campaign->found, err);
    int failed = !reader || !campaign->found || store_read_texts(reader, "outcome", &outcomes, err)
                 || store_read_texts(reader, "error", &errors, err)
                 || (campaign->n_reused && store_read_texts(reader, "blas_core", &cores, err))
                 || store_read_numbers(reader, "status", &status, &width, err)
                 || store_read_numbers(reader, "start_time", &start, &width, err)
                 || look_at_timeline(campaign, reader, status, start, err);
    for (size_t i = 0; i < n && !failed; i++) {
        campaign->found[i] = (struct found_row){.status = (unsigned char)status[i], .start_time = start[i]};
        campaign->n_diverged += campaign->status[i] == STATUS_DONE && strcmp(outcomes[i], "diverged") == 0;
        if (campaign->status[i] == STATUS_FAILED && may_retry(campaign, i, outcomes[i], errors[i], retry)) {
            campaign->status[i] = STATUS_PENDING;
            n_retried++;
        } else if (campaign->status[i] == STATUS_PENDING && failure_of(outcomes[i]) == FAILURE_LOST) {
            campaign->found[i].losses = policy_losses(errors[i]);
        }
    }
    if (!failed && retry && !n_retried)
        log_warning("--retry: no job of this file failed in such a way: there is nothing to run again");
    if (!failed)
        cores_begin(campaign, cores);
    store_free_texts(outcomes, n);
    store_free_texts(errors, n);
    store_free_texts(cores, n);
    mem_free(status);
    mem_free(start);
    store_read_close(reader);
    return failed ? -1 : 0;
}

/* The numbers of rows that have ended, by which more seeds are asked for or not. */
static int look_at_values(struct campaign *campaign, struct error *err)
{
    struct until *until = &campaign->until;
    struct store_reader *reader = store_read_open(campaign->path, err);
    double *value = NULL;
    char **outcomes = NULL;
    size_t width;
    int failed = !reader || store_read_numbers(reader, variables[until->rule.metric].name, &value, &width, err)
                 || store_read_texts(reader, "outcome", &outcomes, err) ? -1 : 0;
    for (size_t i = 0; i < campaign->sweep.n_jobs && !failed; i++)
        if (campaign->status[i] == STATUS_DONE || campaign->status[i] == STATUS_FAILED)
            until_settle(until, i, campaign->status[i] == STATUS_DONE && strcmp(outcomes[i], "completed") == 0 ? value[i] : NAN);
    until_step(until);
    mem_free(value);
    store_free_texts(outcomes, campaign->sweep.n_jobs);
    store_read_close(reader);
    return failed;
}

static int find_path(struct campaign *campaign, const struct farm_options *options, struct error *err)
{
    struct text named = {0};
    text_add(&named, options->output ? "%s" : "%s.h5", options->output ? options->output : campaign->sweep.name);
    int failed = store_resolve(named.chars, campaign->path, err);
    text_free(&named);
    return failed;
}

/* The words of the rule: as asked for, else those of the file that is there. The caller frees. */
static char *find_rule(const struct campaign *campaign, const char *asked)
{
    struct error none;
    struct store_reader *reader = access(campaign->path, F_OK) == 0 ? store_read_open(campaign->path, &none) : NULL;
    char *rule = reader ? store_read_until(reader) : NULL;   /* what is wrong with the file, store_build says */
    if (reader)
        store_read_close(reader);
    if (!asked && rule)
        log_info("%s: seeds are added by its rule, %s", campaign->path, rule);
    if (!asked)
        return rule;
    free(rule);
    return strdup(asked);
}

/* Reads the sweep, with as many seeds as the rule may need. */
static int load_sweep(struct campaign *campaign, const struct farm_options *options, struct error *err)
{
    struct sweep *sweep = &campaign->sweep;
    struct until_rule rule;
    if (sweep_load(sweep, options->sweep_path, options->overrides, options->n_overrides, err) || find_path(campaign, options, err))
        return -1;
    char *words = find_rule(campaign, options->until);
    if (!words)
        return 0;
    struct text all = {0};
    int status = until_parse(&rule, words, err)
                 || until_load(sweep, &rule, options->sweep_path, options->overrides, options->n_overrides, err)
                 || until_init(&campaign->until, &rule, sweep, err) ? error_prefix(err, "--until") : 0;
    if (!status) {
        until_write(&rule, &all);
        sweep->until = all.chars;
        campaign->by_until = true;
    }
    free(words);
    return status;
}

static int build_file(struct campaign *campaign, const struct farm_options *options, int ranks, struct error *err)
{
    struct store_provenance provenance = {.command_line = options->command_line, .ranks = ranks};
    struct sweep *sweep = &campaign->sweep;
    campaign->status = mem_alloc(sweep->n_jobs, sizeof *campaign->status, err);
    campaign->attempts = mem_alloc(sweep->n_jobs, sizeof *campaign->attempts, err);
    if (!campaign->status || !campaign->attempts || store_lock(campaign->path, err))
        return -1;
    campaign->locked = true;
    for (size_t i = 0; i < sweep->n_jobs; i++)
        job_plan_engine(&sweep->jobs[i], campaign->sets.job_set[i]);
    if (store_adopt_engines(campaign->path, sweep, err) || store_adopt_measured(campaign->path, sweep, err))
        return -1;
    sweep_layout(sweep, campaign->sets.job_set, &campaign->layout);
    if (store_build(campaign->path, sweep, campaign->sets.job_set, &campaign->layout, &provenance,
                    campaign->status, campaign->attempts, &campaign->n_reused, err))
        return -1;
    return 0;
}

/* Where the programs of a sweep work: absolute, as it holds on other ranks too. */
static int find_folder(struct campaign *campaign, const char *sweep_path, struct error *err)
{
    char *path = realpath(sweep_path, NULL);
    char *slash = path ? strrchr(path, '/') : NULL;
    if (slash)
        *(slash == path ? slash + 1 : slash) = 0;
    int failed = !slash || snprintf(campaign->folder, sizeof campaign->folder, "%s", path) >= (int)sizeof campaign->folder;
    free(path);
    return failed ? error_set_errno(err, ERROR_FILE, "%s: its folder cannot be found", sweep_path) : 0;
}

int campaign_open(struct campaign *campaign, const struct farm_options *options, const char *run, int ranks,
                  struct error *err)
{
    struct sweep *sweep = &campaign->sweep;
    if (load_sweep(campaign, options, err)
        || find_folder(campaign, options->sweep_path, err)
        || (options->parts && predict_part(sweep, options->data_root, options->part, options->parts, err))
        || sets_find(&campaign->sets, sweep, err)
        || sets_prepare(&campaign->sets, sweep, options->data_root, run, err)
        || build_file(campaign, options, ranks, err)
        || look_at_rows(campaign, options->retry, err)
        || (campaign->by_until && look_at_values(campaign, err)))
        return -1;
    remove_checkpoints(campaign);
    campaign->seconds = mem_alloc(sweep->n_jobs, sizeof *campaign->seconds, err);
    if (!campaign->seconds)
        return -1;
    for (size_t i = 0; i < sweep->n_jobs; i++) {
        struct job_cost cost;
        job_predict(&sweep->jobs[i], campaign->sets.job_set[i], &cost);
        campaign->seconds[i] = cost.seconds;
    }
    if (sweep->n_duplicates)
        log_info("%zu cells of the grid are the same job as another and run once", sweep->n_duplicates);
    return 0;
}

void campaign_describe(const struct campaign *campaign, const struct farm_options *options, const char *run,
                       struct text *message)
{
    const struct result_layout *layout = &campaign->layout;
    const struct sets *sets = &campaign->sets;
    struct wire_setup setup;
    memset(&setup, 0, sizeof setup);
    const uint64_t lengths[9] = {layout->eval, layout->refresh, layout->snapshot, layout->layer,
                                 layout->eigenvalue, layout->probe, layout->parameter, layout->kernel, layout->metric};
    memcpy(setup.layout, lengths, sizeof lengths);
    setup.job_wall = campaign->sweep.limits.job_wall;
    setup.checkpoint = campaign->sweep.limits.checkpoint;
    setup.grace = campaign->sweep.limits.grace;
    setup.patience = campaign->sweep.limits.patience;
    setup.n_sets = sets->n;
    snprintf(setup.run, sizeof setup.run, "%s", run);
    char *absolute = options->data_root ? realpath(options->data_root, NULL) : NULL;
    const char *root = absolute ? absolute : options->data_root ? options->data_root : "";
    text_add_bytes(message, (const char *)&setup, sizeof setup);
    text_add_bytes(message, campaign->path, strlen(campaign->path) + 1);
    text_add_bytes(message, root, strlen(root) + 1);
    text_add_bytes(message, campaign->folder, strlen(campaign->folder) + 1);
    for (size_t i = 0; i < sets->n; i++) {
        const char *text = campaign->sweep.jobs[sets->first[i]].text;
        text_add_bytes(message, text, strlen(text) + 1);
    }
    free(absolute);
}

void campaign_close(struct campaign *campaign)
{
    if (campaign->locked) {
        checkpoints_remove_folder(campaign->path);
        store_unlock(campaign->path);
    }
    mem_free(campaign->status);
    mem_free(campaign->attempts);
    mem_free(campaign->seconds);
    timeline_free(&campaign->timeline);
    mem_free(campaign->timeline_changed);
    mem_free(campaign->found);
    until_free(&campaign->until);
    sets_free(&campaign->sets);
    sweep_free(&campaign->sweep);
}
