#include "farm/campaign.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "farm/checkpoints.h"
#include "plan/predict.h"

/* Failed for good under a smaller limits.attempts than now: they may try again. */
static void revive_failed(struct campaign *campaign)
{
    for (size_t i = 0; i < campaign->sweep.n_jobs; i++)
        if (campaign->status[i] == STATUS_FAILED && campaign->attempts[i] < campaign->sweep.limits.attempts)
            campaign->status[i] = STATUS_PENDING;
}

/* Those of jobs that are done: a run that was killed between the two may have left one. */
static void remove_checkpoints(const struct campaign *campaign)
{
    for (size_t i = 0; i < campaign->sweep.n_jobs; i++)
        if (campaign->status[i] == STATUS_DONE)
            checkpoints_remove(campaign->path, campaign->sweep.jobs[i].id);
}

/* Which of the rows that are kept had diverged. */
static int count_diverged(struct campaign *campaign, struct error *err)
{
    char **outcomes;
    if (!campaign->n_reused)
        return 0;
    struct store_reader *reader = store_read_open(campaign->path, err);
    int failed = !reader || store_read_texts(reader, "outcome", &outcomes, err);
    if (!failed) {
        for (size_t i = 0; i < campaign->sweep.n_jobs; i++)
            campaign->n_diverged += campaign->status[i] == STATUS_DONE && strcmp(outcomes[i], "diverged") == 0;
        store_free_texts(outcomes, campaign->sweep.n_jobs);
    }
    store_read_close(reader);
    return failed ? -1 : 0;
}

static int build_file(struct campaign *campaign, const struct farm_options *options, int ranks, struct error *err)
{
    struct store_provenance provenance = {.command_line = options->command_line, .ranks = ranks};
    struct sweep *sweep = &campaign->sweep;
    struct text named = {0};
    text_add(&named, options->output ? "%s" : "%s.h5", options->output ? options->output : sweep->name);
    int failed = store_resolve(named.chars, campaign->path, err);
    text_free(&named);
    if (failed)
        return -1;
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

int campaign_open(struct campaign *campaign, const struct farm_options *options, const char *run, int ranks,
                  struct error *err)
{
    struct sweep *sweep = &campaign->sweep;
    if (sweep_load(sweep, options->sweep_path, options->overrides, options->n_overrides, err)
        || (options->parts && predict_part(sweep, options->data_root, options->part, options->parts, err))
        || sets_find(&campaign->sets, sweep, err)
        || sets_prepare(&campaign->sets, sweep, options->data_root, run, err)
        || build_file(campaign, options, ranks, err)
        || count_diverged(campaign, err))
        return -1;
    revive_failed(campaign);
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
    const uint64_t lengths[8] = {layout->eval, layout->refresh, layout->snapshot, layout->layer,
                                 layout->eigenvalue, layout->probe, layout->parameter, layout->kernel};
    memcpy(setup.layout, lengths, sizeof lengths);
    setup.job_wall = campaign->sweep.limits.job_wall;
    setup.checkpoint = campaign->sweep.limits.checkpoint;
    setup.attempts = campaign->sweep.limits.attempts;
    setup.n_sets = sets->n;
    snprintf(setup.run, sizeof setup.run, "%s", run);
    const char *root = options->data_root ? options->data_root : "";
    text_add_bytes(message, (const char *)&setup, sizeof setup);
    text_add_bytes(message, campaign->path, strlen(campaign->path) + 1);
    text_add_bytes(message, root, strlen(root) + 1);
    for (size_t i = 0; i < sets->n; i++) {
        const char *text = campaign->sweep.jobs[sets->first[i]].text;
        text_add_bytes(message, text, strlen(text) + 1);
    }
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
    sets_free(&campaign->sets);
    sweep_free(&campaign->sweep);
}
