/* From keys to a job: what depends on several keys. */
#include "sweep/job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/share.h"
#include "data/augment.h"
#include "schema.h"
#include "values.h"

/* Adds a mistake of the cell at where. */
#define mistake(...) mistakes_add(mistakes, where->line, where->column, __VA_ARGS__)

static bool is_gauss_newton(const struct draft *d)
{
    return d->job.training.trainer == TRAINER_GAUSS_NEWTON && key_given(d, "training.trainer");
}

/* Every step of Gauss-Newton is a feature update: K is what its damping is tied to, and no period. */
static int resolve_gauss_newton_steps(struct draft *d, const struct node *where, struct mistakes *mistakes)
{
    double updates = d->feature_updates;
    bool steps_given = key_given(d, "training.steps");
    if (isnan(updates) == steps_given) {
        d->job.training.steps = steps_given ? d->job.training.steps : (int64_t)updates + 1;
        if (steps_given || updates == rint(updates))
            return 0;
    }
    mistakes_add(mistakes, where->line, where->column, "training.steps: expected for gauss-newton either a whole number, "
                 "or feature_updates = steps - 1, got %s", steps_given ? "both" : isnan(updates) ? "neither" : "a fraction");
    return -1;
}

static void check_gauss_newton(const struct draft *d, const struct node *where, struct mistakes *mistakes)
{
    const struct training_spec *t = &d->job.training;
    bool tied = isnan(t->damping);
    if (t->batch != BATCH_FULL)
        mistakes_add(mistakes, where->line, where->column, "training.batch: expected full for gauss-newton, which solves "
                     "over all training rows, got %lld", (long long)t->batch);
    if (data_augments(&d->job.data.augment))
        mistakes_add(mistakes, where->line, where->column, "data.augment: expected none for gauss-newton, which solves over "
                     "the training rows as they are: drop it, or set training.trainer to standard or linearised");
    bool period = key_given(d, "training.refresh_period") || key_given(d, "training.refresh");
    if (t->refresh.kind != REFRESH_PERIOD)
        mistake("training.refresh: expected refresh_period for gauss-newton, every step of which is a feature update: "
                "remove it");
    else if (tied && (!period || isinf(t->refresh_period)))
        mistakes_add(mistakes, where->line, where->column, "training.refresh_period: expected the finite K that the damping "
                     "of gauss-newton is tied to, got %s: add it, or set training.damping to a number",
                     period ? "inf" : "nothing");
    if (tied && (t->schedule.kind != SCHEDULE_CONSTANT || t->schedule.warmup))
        mistakes_add(mistakes, where->line, where->column, "training.schedule: expected constant for gauss-newton with tied "
                     "damping, where lr only says what it is tied to: set training.damping to a number, or drop it");
    if (!tied && t->lr_of_limit)
        mistakes_add(mistakes, where->line, where->column, "training.lr: expected a number for gauss-newton with a given "
                     "damping, where it scales the step, got {of_limit: %g}", t->lr);
}

/* What has no meaning for a trainer takes its default, so that a job is one whatever stands there. */
static void resolve_trainer(struct draft *d)
{
    struct training_spec *t = &d->job.training;
    if (!is_gauss_newton(d))
        training_canonicalise_refresh(t);
    if (!key_given(d, "training.trainer"))
        t->trainer = training_is_exact(t) ? TRAINER_STANDARD : TRAINER_LINEARISED;
    if (t->trainer != TRAINER_GAUSS_NEWTON)
        t->damping = NAN;
    if (t->trainer == TRAINER_STANDARD || (t->trainer == TRAINER_GAUSS_NEWTON && !isnan(t->damping))) {
        t->refresh_period = 1;
        t->refresh = (struct refresh_schedule){.kind = REFRESH_PERIOD};
    }
}

static void resolve_seeds(struct draft *d)
{
    struct training_spec *t = &d->job.training;
    uint64_t seed = (uint64_t)d->job.seed;
    if (!key_given(d, "training.seeds.init"))
        t->seed_init = seed;
    if (!key_given(d, "training.seeds.data"))
        t->seed_data = seed;
    if (!key_given(d, "training.seeds.batch"))
        t->seed_batch = seed;
    if (!key_given(d, "training.seeds.augment"))
        t->seed_augment = seed;
}

static int require(const struct draft *d, const char *path, const char *what, const struct node *where,
                   struct mistakes *mistakes)
{
    if (key_given(d, path))
        return 0;
    mistakes_add(mistakes, where->line, where->column, "%s: expected %s, got nothing: add it", path, what);
    return -1;
}

int draft_check_set(const struct draft *d, const struct node *where, struct mistakes *mistakes)
{
    static const struct { const char *path; bool sprites, teacher; } only[] = {
        {"data.pool", true, true}, {"data.set_seed", true, true}, {"data.image_size", true, false},
        {"data.teacher", false, true}, {"data.inputs", false, true}, {"data.outputs", false, true},
        {"data.indices", false, true}, {"data.noise", false, true},
    };
    const char *set = d->job.data.set;
    bool sprites = strcmp(set, "sprites") == 0, teacher = strcmp(set, "teacher") == 0;
    size_t before = mistakes->made;
    if (d->job.data.target != TARGET_AUTO && (sprites || teacher))
        mistakes_add(mistakes, where->line, where->column, "data.target: expected only with dSprites, got data.set %s: "
                     "remove one", set);
    for (size_t i = 0; i < sizeof only / sizeof *only; i++)
        if (key_given(d, only[i].path) && !(sprites && only[i].sprites) && !(teacher && only[i].teacher))
            mistakes_add(mistakes, where->line, where->column, "%s: expected only with data.set %s, got data.set %s: "
                         "remove one", only[i].path, only[i].sprites && only[i].teacher ? "sprites or teacher"
                         : only[i].sprites ? "sprites" : "teacher", set);
    return mistakes->made > before ? -1 : 0;
}

/* Of relin's own trainers. */
static int finish_own(struct draft *d, const struct node *where, struct mistakes *mistakes)
{
    size_t before = mistakes->made;
    if (!d->network.name[0])
        mistake("architectures: expected a map of names to networks beside a trainer that is no command, got nothing: add it");
    require(d, "data.set", "the name of a data set", where, mistakes);
    bool gauss_newton = is_gauss_newton(d);
    if (gauss_newton && !isnan(d->job.training.damping) && !key_given(d, "training.lr"))
        d->job.training.lr = 1;
    else
        require(d, "training.lr", "a number > 0 or {of_limit: x}", where, mistakes);
    int updates = gauss_newton ? resolve_gauss_newton_steps(d, where, mistakes) : draft_resolve_updates(d, where, mistakes);
    if (gauss_newton)
        check_gauss_newton(d, where, mistakes);
    if (d->job.training.batch > d->job.data.train && d->job.data.train != DATA_ALL)
        mistakes_add(mistakes, where->line, where->column, "training.batch: expected at most data.train = %lld, got %lld",
                     (long long)d->job.data.train, (long long)d->job.training.batch);
    if (d->job.training.loss == LOSS_CROSS_ENTROPY && d->job.data.task == TASK_REGRESSION)
        mistakes_add(mistakes, where->line, where->column,
                     "training.loss: expected half-mse for a regression task, got cross-entropy");
    struct text prefix = {0};
    text_add(&prefix, "architectures.%s.", d->network.name);
    network_check(prefix.chars, d, where, true, mistakes);
    text_free(&prefix);
    if (d->job.data.label_noise > 0 && d->job.data.task == TASK_REGRESSION)
        mistakes_add(mistakes, where->line, where->column,
                     "data.label_noise: expected 0 for a regression task, which has no labels, got %g", d->job.data.label_noise);
    if (d->job.training.centred && data_augments(&d->job.data.augment))
        mistakes_add(mistakes, where->line, where->column, "training.centred: expected false with data.augment, as the "
                     "initial outputs are kept for the images as they are, got true: set one of them to none or false");
    if (updates || mistakes->made > before)
        return -1;
    resolve_trainer(d);
    d->job.training.augmented = data_augments(&d->job.data.augment);
    const struct training_spec *t = &d->job.training;
    if (d->job.engine != ENGINE_AUTO)   /* the baseline K = 1 stands in a sweep of any engine: it has no segments */
        d->job.training.engine = t->trainer == TRAINER_LINEARISED ? d->job.engine : ENGINE_TANGENT;
    const char *refusal = training_engine_exists(t->engine) ? training_engine_refusal(t, t->engine)
                          : "this version of relin has no such engine: set training.engine to tangent or auto";
    if (refusal) {
        mistake("training.engine: expected one that can step this job, got %s: %s", training_engine_name(t->engine), refusal);
        return -1;
    }
    return 0;
}

int draft_finish(struct draft *d, const struct node *where, struct mistakes *mistakes)
{
    d->job.training.refresh.at = d->refresh_at;
    int failed = draft_is_program(d) ? draft_finish_program(d, where, mistakes) : finish_own(d, where, mistakes);
    if (failed)
        return -1;
    resolve_seeds(d);
    d->feature_updates = training_feature_updates(&d->job.training);
    d->job.network = share_hold(&d->network, sizeof d->network);
    size_t listed = d->job.training.refresh.kind == REFRESH_AT ? (size_t)d->job.training.refresh.count : 0;
    d->job.training.refresh.at = share_hold(d->refresh_at, listed * sizeof *d->refresh_at);
    draft_write(d);
    return 0;
}

void draft_parse_job(const struct node *root, struct draft *draft, struct mistakes *mistakes)
{
    static const char *const sections[] = {"architecture", "data", "training", "kernels"};
    const struct node *trainer = node_get(node_get(root, "training"), "trainer");
    bool command = trainer && trainer->kind == NODE_MAP;
    for (size_t s = 0; s < 4; s++) {
        const struct node *section = node_get(root, sections[s]);
        char prefix[32];
        snprintf(prefix, sizeof prefix, "%s.", sections[s]);
        if (section)
            section_parse(prefix, section, draft, "name", mistakes);
        else if (!command || strcmp(sections[s], "training") == 0)
            mistakes_add(mistakes, 1, 1, "%s: expected this section in the text of a job, got nothing", sections[s]);
    }
    if (node_get(root, "parameters"))
        parameters_parse(node_get(root, "parameters"), draft, mistakes);
    if (node_get(root, "metrics"))
        metrics_parse(node_get(root, "metrics"), draft, mistakes);
    const struct node *planned = node_get(root, "engine_planned");
    for (int engine = ENGINE_TANGENT; planned && engine < ENGINE_COUNT; engine++)
        if (planned->kind == NODE_SCALAR && strcmp(planned->scalar, training_engine_name((enum engine)engine)) == 0)
            draft->job.training.engine = (enum engine)engine;
    if (planned && draft->job.training.engine == ENGINE_AUTO)
        node_refuse(planned, "engine_planned: expected tangent, kernel or filter", mistakes);
    /* Version 0.1.0 had one engine, printed auto as that, and knew no ridge. */
    if (draft->job.engine == ENGINE_TANGENT && !node_get(node_get(root, "kernels"), "ridge")) {
        draft->job.engine = ENGINE_AUTO;
        draft->job.training.engine = ENGINE_TANGENT;
    }
    const struct node *name = node_get(node_get(root, "architecture"), "name");
    if (name && name->kind == NODE_SCALAR)
        snprintf(draft->network.name, sizeof draft->network.name, "%s", name->scalar);
}

const char *job_engine_name(const struct job *job)
{
    enum engine engine = job->training.engine;
    if (job->training.trainer != TRAINER_LINEARISED)
        return training_trainer_name(job->training.trainer);
    return training_engine_name(engine == ENGINE_AUTO ? ENGINE_TANGENT : engine);
}

void job_free(struct job *job)
{
    free(job->text);
    share_drop(job->network);
    share_drop(job->training.refresh.at);
    job->text = NULL;
    job->network = NULL;
    job->training.refresh.at = NULL;
}

void job_label(const struct job *job, char *text, size_t size)
{
    struct text t = {0};
    const struct training_spec *training = &job->training;
    bool solves = training->trainer == TRAINER_GAUSS_NEWTON;
    if (training->trainer == TRAINER_COMMAND) {
        program_describe(job, &t);
        snprintf(text, size, "%s", t.chars);
        text_free(&t);
        return;
    }
    text_add(&t, "%s%s ", job->network->name, solves ? " gauss-newton" : "");
    if (solves && !isnan(training->damping)) {
        text_add(&t, "mu=");
        text_add_number(&t, training->damping);
    } else if (training->refresh.kind == REFRESH_PERIOD) {
        text_add(&t, "K=");
        text_add_number(&t, training->refresh_period);
    } else {
        training_refresh_label(training, &t);
    }
    text_add(&t, " seed %lld", (long long)job->seed);
    snprintf(text, size, "%s", t.chars);
    text_free(&t);
}
