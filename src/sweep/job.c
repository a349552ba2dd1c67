/* From keys to a job: what depends on several keys, the job's text and its identity. */
#include "sweep/job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/augment.h"
#include "schema.h"

/* K from the number of feature updates n: the largest with ceil(T/K) - 1 = n, or 0 where there is none. */
static double period_of_updates(double steps, double updates)
{
    if (updates == 0)
        return INFINITY;
    double period = ceil(steps / (updates + 1));
    return period >= 1 && ceil(steps / period) - 1 == updates ? period : 0;
}

/* Any two of steps, refresh_period and feature_updates give the third. */
static int resolve_updates(struct draft *d, const struct node *where, struct mistakes *mistakes)
{
    struct training_spec *t = &d->job.training;
    double updates = d->feature_updates;
    bool steps_given = key_given(d, "training.steps"), period_given = key_given(d, "training.refresh_period");
    if (isnan(updates)) {
        if (!steps_given)
            mistakes_add(mistakes, where->line, where->column,
                         "training.steps: expected a whole number >= 0, got nothing: add it");
        return steps_given ? 0 : -1;
    }
    if (updates != rint(updates)) {
        mistakes_add(mistakes, where->line, where->column, "training.feature_updates: expected a whole number >= 0, got %g", updates);
        return -1;
    }
    if (steps_given && period_given) {
        mistakes_add(mistakes, where->line, where->column, "training.feature_updates: expected at most two of steps, "
                     "refresh_period and feature_updates, got all three: remove one");
        return -1;
    }
    if (steps_given) {
        t->refresh_period = period_of_updates((double)t->steps, updates);
        if (t->refresh_period == 0) {
            mistakes_add(mistakes, where->line, where->column, "training.feature_updates: expected a number that a "
                         "constant period gives in %lld steps, got %g", (long long)t->steps, updates);
            return -1;
        }
        return 0;
    }
    if (!period_given || isinf(t->refresh_period)) {
        mistakes_add(mistakes, where->line, where->column, "training.steps: expected a whole number, or a finite "
                     "refresh_period beside feature_updates, got neither");
        return -1;
    }
    double steps = t->refresh_period * (updates + 1), most = key_find("training.steps")->max;
    if (steps > most) {
        mistakes_add(mistakes, where->line, where->column, "training.steps: expected refresh_period * (feature_updates + 1) "
                     "up to %g, got %g", most, steps);
        return -1;
    }
    t->steps = (int64_t)steps;
    return 0;
}

static bool is_gauss_newton(const struct draft *d)
{
    return key_given(d, "training.trainer") && d->job.training.trainer == TRAINER_GAUSS_NEWTON;
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
    if (tied && (!key_given(d, "training.refresh_period") || isinf(t->refresh_period)))
        mistakes_add(mistakes, where->line, where->column, "training.refresh_period: expected the finite K that the damping "
                     "of gauss-newton is tied to, got %s: add it, or set training.damping to a number",
                     key_given(d, "training.refresh_period") ? "inf" : "nothing");
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
    if (!key_given(d, "training.trainer"))
        t->trainer = t->refresh_period == 1 ? TRAINER_STANDARD : TRAINER_LINEARISED;
    if (t->trainer != TRAINER_GAUSS_NEWTON)
        t->damping = NAN;
    if (t->trainer == TRAINER_STANDARD || (t->trainer == TRAINER_GAUSS_NEWTON && !isnan(t->damping)))
        t->refresh_period = 1;
    else if (t->trainer == TRAINER_GAUSS_NEWTON)
        return;
    else if (t->refresh_period >= (double)t->steps && t->refresh_period != 1)
        t->refresh_period = INFINITY;
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
    size_t before = mistakes->n;
    if (d->job.data.target != TARGET_AUTO && (sprites || teacher))
        mistakes_add(mistakes, where->line, where->column, "data.target: expected only with dSprites, got data.set %s: "
                     "remove one", set);
    for (size_t i = 0; i < sizeof only / sizeof *only; i++)
        if (key_given(d, only[i].path) && !(sprites && only[i].sprites) && !(teacher && only[i].teacher))
            mistakes_add(mistakes, where->line, where->column, "%s: expected only with data.set %s, got data.set %s: "
                         "remove one", only[i].path, only[i].sprites && only[i].teacher ? "sprites or teacher"
                         : only[i].sprites ? "sprites" : "teacher", set);
    return mistakes->n > before ? -1 : 0;
}

/* Keys of these belong to the sweep, or are another way to say one that is printed. */
static bool printed(const struct key *key)
{
    return strncmp(key->path, "limits.", 7) != 0 && strcmp(key->path, "training.feature_updates") != 0;
}

/* One JSON object: {"architecture": {...}, "data": {...}, "training": {...}, "kernels": {...}}. */
static void write_text(const struct draft *d, struct text *out)
{
    static const char *const sections[][2] = {
        {"architectures.*.", "architecture"}, {"data.", "data"}, {"training.", "training"}, {"kernels.", "kernels"}};
    text_add(out, "{");
    for (size_t s = 0; s < sizeof sections / sizeof *sections; s++) {
        const char *separator = "", *prefix = sections[s][0];
        text_add(out, "%s\"%s\":{", s ? "," : "", sections[s][1]);
        if (s == 0) {
            text_add(out, "\"name\":");
            text_add_json_string(out, d->job.network.name);
            separator = ",";
        }
        bool in_seeds = false;
        for (size_t i = 0; i < n_keys; i++) {
            if (strncmp(keys[i].path, prefix, strlen(prefix)) != 0 || !printed(&keys[i]) || !key_applies(&keys[i], d))
                continue;
            const char *name = keys[i].path + strlen(prefix);
            bool seeds = strncmp(name, "seeds.", 6) == 0;
            if (seeds)
                name += 6;
            text_add(out, "%s%s", in_seeds && !seeds ? "}" : "", separator);
            text_add(out, "%s\"%s\":", seeds && !in_seeds ? "\"seeds\":{" : "", name);
            key_print(&keys[i], d, out);
            in_seeds = seeds;
            separator = ",";
        }
        text_add(out, in_seeds ? "}}" : "}");
    }
    text_add(out, "}");
}

/* Only what differs from the defaults, so that a key added later with a default leaves every id alone. */
static void write_id(struct draft *d)
{
    struct draft plain;
    struct text identity = {0}, own = {0}, standard = {0};
    draft_start(&plain);
    text_add(&identity, "architecture=%s\n", d->job.network.name);
    for (size_t i = 0; i < n_keys; i++) {
        if (!printed(&keys[i]) || !key_applies(&keys[i], d))
            continue;
        own.length = standard.length = 0;
        key_print(&keys[i], d, &own);
        key_print(&keys[i], &plain, &standard);
        if (strcmp(own.chars, standard.chars) != 0)
            text_add(&identity, "%s=%s\n", keys[i].path, own.chars);
    }
    hash_hex(identity.chars, identity.length, d->job.id);
    text_free(&identity);
    text_free(&own);
    text_free(&standard);
}

int draft_finish(struct draft *d, const struct node *where, struct mistakes *mistakes)
{
    size_t before = mistakes->n;
    require(d, "data.set", "the name of a data set", where, mistakes);
    bool gauss_newton = is_gauss_newton(d);
    if (gauss_newton && !isnan(d->job.training.damping) && !key_given(d, "training.lr"))
        d->job.training.lr = 1;
    else
        require(d, "training.lr", "a number > 0 or {of_limit: x}", where, mistakes);
    int updates = gauss_newton ? resolve_gauss_newton_steps(d, where, mistakes) : resolve_updates(d, where, mistakes);
    if (gauss_newton)
        check_gauss_newton(d, where, mistakes);
    if (d->job.training.batch > d->job.data.train && d->job.data.train != DATA_ALL)
        mistakes_add(mistakes, where->line, where->column, "training.batch: expected at most data.train = %lld, got %lld",
                     (long long)d->job.data.train, (long long)d->job.training.batch);
    if (d->job.training.loss == LOSS_CROSS_ENTROPY && d->job.data.task == TASK_REGRESSION)
        mistakes_add(mistakes, where->line, where->column,
                     "training.loss: expected half-mse for a regression task, got cross-entropy");
    struct text prefix = {0};
    text_add(&prefix, "architectures.%s.", d->job.network.name);
    network_check(prefix.chars, d, where, true, mistakes);
    text_free(&prefix);
    if (d->job.data.label_noise > 0 && d->job.data.task == TASK_REGRESSION)
        mistakes_add(mistakes, where->line, where->column,
                     "data.label_noise: expected 0 for a regression task, which has no labels, got %g", d->job.data.label_noise);
    if (d->job.training.centred && data_augments(&d->job.data.augment))
        mistakes_add(mistakes, where->line, where->column, "training.centred: expected false with data.augment, as the "
                     "initial outputs are kept for the images as they are, got true: set one of them to none or false");
    if (updates || mistakes->n > before)
        return -1;
    resolve_trainer(d);
    resolve_seeds(d);
    d->job.training.augmented = data_augments(&d->job.data.augment);
    d->feature_updates = training_feature_updates(&d->job.training);
    struct text text = {0};
    write_text(d, &text);
    d->job.text = text.chars;
    write_id(d);
    return 0;
}

static void parse_root(const struct node *root, struct draft *draft, struct mistakes *mistakes)
{
    static const char *const sections[] = {"architecture", "data", "training", "kernels"};
    for (size_t s = 0; s < 4; s++) {
        const struct node *section = node_get(root, sections[s]);
        char prefix[32];
        snprintf(prefix, sizeof prefix, "%s.", sections[s]);
        if (section)
            section_parse(prefix, section, draft, "name", mistakes);
        else
            mistakes_add(mistakes, 1, 1, "%s: expected this section in the text of a job, got nothing", sections[s]);
    }
    const struct node *name = node_get(node_get(root, "architecture"), "name");
    if (name && name->kind == NODE_SCALAR)
        snprintf(draft->job.network.name, sizeof draft->job.network.name, "%s", name->scalar);
}

int job_parse(struct job *job, const char *text, struct error *err)
{
    struct mistakes mistakes = {.file = "job"};
    struct tree tree;
    struct draft draft;
    int status = -1;
    memset(job, 0, sizeof *job);
    draft_start(&draft);
    if (tree_parse(&tree, text, strlen(text), false, &mistakes) == 0) {
        parse_root(tree.root, &draft, &mistakes);
        if (mistakes.n == 0 && draft_finish(&draft, tree.root, &mistakes) == 0) {
            *job = draft.job;
            status = 0;
        }
    }
    mistakes_report(&mistakes, err);
    mistakes_free(&mistakes);
    tree_free(&tree);
    return status;
}

void job_free(struct job *job)
{
    free(job->text);
    job->text = NULL;
}

void job_label(const struct job *job, char *text, size_t size)
{
    struct text t = {0};
    text_add(&t, "%s", job->network.name);
    if (job->training.trainer == TRAINER_GAUSS_NEWTON)
        text_add(&t, " gauss-newton");
    if (job->training.trainer == TRAINER_GAUSS_NEWTON && !isnan(job->training.damping)) {
        text_add(&t, " mu=");
        text_add_number(&t, job->training.damping);
    } else {
        text_add(&t, " K=");
        text_add_number(&t, job->training.refresh_period);
    }
    text_add(&t, " seed %lld", (long long)job->seed);
    snprintf(text, size, "%s", t.chars);
    text_free(&t);
}
