/* The table of keys. Parsing and printing of values: values.c. */
#include "schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ENDING(class) IN(limits.attempts_ending[FAILURE_##class])
#define IN(member) offsetof(struct draft, member)
#define BIG 1e15

const struct key keys[] = {
    {"data.set", KIND_NAME, IN(job.data.set), 0, 0, NULL, NULL,
     "mnist, fashion-mnist, cifar-10, dsprites: folders under RELIN_DATA; NAME of a NAME.npz or NAME.h5 there; or sprites, "
     "teacher (made from a seed); relin data lists them"},
    {"data.train", KIND_COUNT, IN(job.data.train), 1, BIG, NULL, "1000", "training examples, class-balanced, drawn by the seed; or all"},
    {"data.validation", KIND_COUNT, IN(job.data.validation), 0, BIG, NULL, "0", "validation examples, apart from the training ones"},
    {"data.test", KIND_COUNT, IN(job.data.test), 0, BIG, NULL, "all", "test examples, the same for every seed"},
    {"data.task", KIND_CHOICE, IN(job.data.task), 0, 0, "classification|regression", "classification", "what is predicted"},
    {"data.normalise", KIND_CHOICE, IN(job.data.normalise), 0, 0, "channel|none", "channel",
     "subtract the training subset's mean and divide by its standard deviation, one scalar each per channel"},
    {"data.augment", KIND_AUGMENT, IN(job.data.augment), 1, 1000, NULL, "none",
     "none, or a map of {crop: pixels} and {flip: true}: training images are shifted and mirrored anew at every step"},
    {"data.label_noise", KIND_REAL, IN(job.data.label_noise), 0, 1, NULL, "0",
     "fraction of the training labels that are replaced by another class; validation, test and probe keep theirs"},
    {"data.target", KIND_CHOICE, IN(job.data.target), 0, 0, "auto|orientation|scale|position|shape", "auto",
     "dSprites: what is predicted; auto: the shape, or with data.task regression the orientation"},
    {"data.pool", KIND_WHOLE, IN(job.data.pool), 1, 1e8, NULL, "10000", "procedural sets: examples in the training pool, and in the test pool"},
    {"data.set_seed", KIND_WHOLE, IN(job.data.set_seed), 0, BIG, NULL, "0", "procedural sets: what the pools are drawn from, apart from the job's seed"},
    {"data.image_size", KIND_CHOICE, IN(job.data.image_size), 0, 0, "32=32|64=64", "32", "sprites: pixels a side"},
    {"data.teacher", KIND_CHOICE, IN(job.data.teacher), 0, 0, "multi-index|network", "multi-index", "teacher: what makes the targets"},
    {"data.inputs", KIND_WHOLE, IN(job.data.inputs), 1, 1e6, NULL, "32", "teacher: dimension of the inputs"},
    {"data.outputs", KIND_WHOLE, IN(job.data.outputs), 1, 10000, NULL, "2", "teacher: targets, or classes"},
    {"data.indices", KIND_WHOLE, IN(job.data.indices), 1, 1e6, NULL, "3", "teacher: directions that matter (multi-index), or hidden width (network)"},
    {"data.noise", KIND_REAL, IN(job.data.noise), 0, 1e6, NULL, "0", "teacher: standard deviation added to the training targets"},

    {"architectures.*.type", KIND_CHOICE, IN(network.type), 0, 0, "mlp|cnn|lenet|myrtle|resnet|layers", "mlp", "kind of network; layers: as the key layers lists them"},
    {"architectures.*.widths", KIND_WIDTHS, IN(network), 1, 1e6, NULL, "[]", "mlp, cnn: widths of the hidden dense layers; [] in an mlp is a linear model"},
    {"architectures.*.channels", KIND_CHANNELS, IN(network), 1, 65536, NULL, "[32, 64, 64]", "cnn: channels of its stages"},
    {"architectures.*.window", KIND_WHOLE, IN(network.window), 1, 63, NULL, "3", "cnn: pixels a side of the convolutions' windows, an odd number"},
    {"architectures.*.convolutions", KIND_WHOLE, IN(network.convolutions), 1, 16, NULL, "1", "cnn: convolutions a stage, each followed by the activation"},
    {"architectures.*.pooling", KIND_CHOICE, IN(network.pooling), 0, 0, "max=0|average=1|none=2|auto=3", "auto", "cnn, lenet: at the end of stages; auto: max in a cnn, average in a lenet"},
    {"architectures.*.pool", KIND_WHOLE, IN(network.pool), 1, 63, NULL, "2", "cnn: pixels a side of the pooling windows, and between them"},
    {"architectures.*.pooled", KIND_AUTO_WHOLE, IN(network.pooled), 0, 16, NULL, "auto", "cnn: how many stages, from the first, end in pooling; auto: all but the last"},
    {"architectures.*.head", KIND_CHOICE, IN(network.head), 0, 0, "global|flatten", "global", "cnn: what the dense layers see: averages over the image, or all places"},
    {"architectures.*.depth", KIND_WHOLE, IN(network.depth), 1, 1000, NULL, "", "myrtle: 5, 7 or 10; resnet: 8, 14, 20 or 32"},
    {"architectures.*.norm", KIND_NORM, IN(network.norm), 0, 0, "auto|none|layer|group", "auto",
     "cnn, resnet: normalisation after each convolution; auto: group in a resnet, none in a cnn; none in a resnet scales branches by 1/sqrt(blocks)"},
    {"architectures.*.groups", KIND_WHOLE, IN(network.groups), 1, 65536, NULL, "4", "cnn, resnet: groups of channels of norm: group"},
    {"architectures.*.width_multiplier", KIND_REAL, IN(network.width_multiplier), 1e-6, 1e6, NULL, "1",
     "cnn, lenet, myrtle, resnet: of all numbers of channels, rounded to whole numbers >= 1"},
    {"architectures.*.layers", KIND_LAYERS, IN(network), 0, 0, NULL, "[]",
     "layers: a list of conv: {channels, window, stride, padding}, dense: width, activation, activation: kind, pool: {type, window, stride}, global_pool, flatten, "
     "norm: layer, norm: {type: group, groups}, {residual: [...], shortcut: identity | projection | [...], scale}; the dense layer to the outputs follows by itself"},
    {"architectures.*.activation", KIND_CHOICE, IN(network.activation), 0, 0, "relu|tanh|erf|gelu", "relu", "activation of the hidden layers"},
    {"architectures.*.parameterisation", KIND_CHOICE, IN(network.parameterisation), 0, 0, "standard|ntk", "standard",
     "standard: weights ~ N(0, sigma_w^2/fan_in); ntk: weights ~ N(0, 1), factor sigma_w/sqrt(fan_in) in the forward pass"},
    {"architectures.*.sigma_w", KIND_AUTO_REAL, IN(network.sigma_w), 1e-6, 1e6, NULL, "auto", "scale of the weights; auto: sqrt(2) for relu and gelu, else 1"},
    {"architectures.*.sigma_b", KIND_REAL, IN(network.sigma_b), 0, 1e6, NULL, "0", "scale of the biases"},
    {"architectures.*.bias", KIND_BOOL, IN(network.bias), 0, 0, NULL, "true", "do layers have biases; those right before a normalisation never do, its shifts are theirs"},

    {"training.trainer", KIND_TRAINER, IN(job.training.trainer), 0, 0, "standard|linearised|gauss-newton", "",
     "standard (SGD; K has no meaning and is 1), linearised, or gauss-newton, whose steps are damped Gauss-Newton steps; by default standard where K = 1, else linearised; "
     "{command: [words]} is a program of your own, see below. trainer: beside training: is the same"},
    {"training.damping", KIND_DAMPING, IN(job.training.damping), 0, 1e15, NULL, "tied",
     "gauss-newton: mu in (Theta + mu I), beside lr that scales the step, 1 by default; or tied, mu = N (1 - momentum)/(lr K) for K = refresh_period: a step for K of SGD"},
    {"training.engine", KIND_CHOICE, IN(job.engine), 0, 0, "auto|tangent|kernel|filter", "auto",
     "how a segment of linearised training is stepped; auto: the cheapest that can, by the formulas of relin plan; the result file keeps the choice"},
    {"training.refresh_period", KIND_PERIOD, IN(job.training.refresh_period), 1, BIG, NULL, "1", "K: steps between feature updates; inf: never"},
    {"training.refresh", KIND_REFRESH, IN(job.training), 0, 0, NULL, "",
     "in place of refresh_period: a period, or {at: [steps]}, {log: n} log-spaced refreshes, {first: m, every: k}, or {gap: x, check: n}: "
     "where |f_theta - f_lin| > x |f_lin - f_s| on the step's batch, looked at every n steps (default 1)"},
    {"training.feature_updates", KIND_REAL, IN(feature_updates), 0, BIG, NULL, "", "feature updates of the whole run, in place of refresh_period or steps"},
    {"training.loss", KIND_CHOICE, IN(job.training.loss), 0, 0, "half-mse|cross-entropy", "half-mse", "training objective"},
    {"training.steps", KIND_WHOLE, IN(job.training.steps), 0, 1e12, NULL, NULL, "T: training steps"},
    {"training.batch", KIND_BATCH, IN(job.training.batch), 1, BIG, NULL, "full", "rows a step, or full"},
    {"training.lr", KIND_LR, IN(job.training.lr), 0, 1e9, NULL, NULL,
     "learning rate eta, or {of_limit: x}, x times the stability limit at initialisation"},
    {"training.schedule", KIND_SCHEDULE, IN(job.training.schedule), 0, 0, NULL, "constant",
     "constant, or a map of {step: {every: n, factor: x}} or {cosine: {final: x}}, and {warmup: steps}"},
    {"training.momentum", KIND_REAL, IN(job.training.momentum), 0, 0.999999, NULL, "0", "heavy-ball momentum"},
    {"training.momentum_at_refresh", KIND_CHOICE, IN(job.training.momentum_at_refresh), 0, 0, "keep|reset", "keep", "the momentum buffer at a feature update"},
    {"training.weight_decay", KIND_REAL, IN(job.training.weight_decay), 0, 1e6, NULL, "0", "lambda in the gradient's term lambda*theta"},
    {"training.centred", KIND_BOOL, IN(job.training.centred), 0, 0, NULL, "false", "train f - f at initialisation"},
    {"training.evaluations", KIND_WHOLE, IN(job.training.evaluations), 1, 10000, NULL, "24", "points of the curves, log-spaced"},
    {"training.precision", KIND_CHOICE, IN(job.training.precision), 0, 0, "single|double", "single", "of the training; kernels are always double"},
    {"training.threads", KIND_WHOLE, IN(job.training.threads), 1, 1024, NULL, "1", "BLAS threads of a job; changes the last bits"},
    {"training.seed", KIND_WHOLE, IN(job.seed), 0, BIG, NULL, "0", "of all random streams"},
    {"training.seeds.init", KIND_WHOLE, IN(job.training.seed_init), 0, BIG, NULL, "", "seed of the initial weights, by default training.seed"},
    {"training.seeds.data", KIND_WHOLE, IN(job.training.seed_data), 0, BIG, NULL, "", "seed of the subsets"},
    {"training.seeds.batch", KIND_WHOLE, IN(job.training.seed_batch), 0, BIG, NULL, "", "seed of the order of mini-batches"},
    {"training.seeds.augment", KIND_WHOLE, IN(job.training.seed_augment), 0, BIG, NULL, "", "seed of augmentation"},

    {"kernels.probe", KIND_WHOLE, IN(job.kernels.probe), 0, 20000, NULL, "128", "probe inputs from the training set, and as many from the test set; at most as many as these have rows"},
    {"kernels.snapshots", KIND_WHOLE, IN(job.kernels.snapshots), 0, 10000, NULL, "12", "kernel snapshots, log-spaced, the first at 0, the last at T"},
    {"kernels.path_points", KIND_WHOLE, IN(job.kernels.path_points), 0, 10000, NULL, "24", "measuring times of the kernel path length, common to all K"},
    {"kernels.mode", KIND_CHOICE, IN(job.kernels.mode), 0, 0, "trace|full|sum_of_logits", "trace",
     "trace: sum over outputs divided by their number C; full: every pair of outputs, a square of C times the inputs; sum_of_logits: of the sum of outputs, over C"},
    {"kernels.store", KIND_CHOICE, IN(job.kernels.store), 0, 0, "kernels|metrics", "kernels", "kernels: the matrices too; metrics: the numbers only"},
    {"kernels.ridge", KIND_REAL, IN(job.kernels.ridge), 0, 1e6, NULL, "1e-6", "ridge of kernel regression on the snapshot kernel, in units of its mean diagonal"},
    {"kernels.parameters", KIND_CHOICE, IN(job.kernels.parameters), 0, 0, "none|final", "none",
     "final: keep theta_T - theta_0 of every job, for the alignment of parameters"},
    {"kernels.stability", KIND_STABILITY, IN(job.stability), 0, 0, NULL, "auto",
     "measure the stability ratio at every logged refresh, a Lanczos run each; auto: where the segment is so long that it costs at most 5 %"},

    {"parameters.*", KIND_PARAMETER, 0, 0, 0, NULL, "", "keys of your own program, by any name: a number, true, false or a text each; part of the job's id"},

    {"limits.job_wall", KIND_DURATION, IN(limits.job_wall), 1e-3, BIG, NULL, "none", "longest wall time of a job: 30s, 15m, 2h, 1d"},
    {"limits.checkpoint", KIND_DURATION, IN(limits.checkpoint), 1e-3, BIG, NULL, "5m",
     "a running job writes its state so often (or each 128 times what the last writing took, if that is longer), and when a run is "
     "asked to stop, and goes on from there: 30s, 15m, 2h, 1d; none: never"},
    {"limits.attempts", KIND_WHOLE, IN(limits.attempts), 1, 1000, NULL, "3",
     "how often a job may fail in one way before it is set aside, where no key below says otherwise"},
    {"limits.attempts_crashed", KIND_AUTO_WHOLE, ENDING(CRASHED), 1, 1000, NULL, "auto", "of these: crashed; auto: limits.attempts"},
    {"limits.attempts_out_of_memory", KIND_AUTO_WHOLE, ENDING(OUT_OF_MEMORY), 1, 1000, NULL, "auto", "could get no memory; auto: limits.attempts"},
    {"limits.attempts_wall", KIND_AUTO_WHOLE, ENDING(WALL), 1, 1000, NULL, "1",
     "stopped at limits.job_wall; each further one goes on from the checkpoint; auto: limits.attempts"},
    {"limits.attempts_bad_data", KIND_AUTO_WHOLE, ENDING(BAD_DATA), 1, 1000, NULL, "1", "refused its data or keys; auto: limits.attempts"},
    {"limits.attempts_stopped", KIND_AUTO_WHOLE, ENDING(STOPPED), 1, 100000, NULL, "20",
     "ended by somebody from outside; not counted where the job had got on (a newer checkpoint); auto: limits.attempts"},
    {"limits.attempts_lost", KIND_AUTO_WHOLE, ENDING(LOST), 1, 100000, NULL, "10",
     "lost with its rank, node or run without having got on, over all runs; within one run limits.attempts is enough; auto: limits.attempts"},
    {"limits.grace", KIND_DURATION, IN(limits.grace), 0, 3600, NULL, "10s",
     "a program of your own that is asked to stop (TERM) is killed after so long; none: an hour"},
    {"limits.expected", KIND_DURATION, IN(limits.expected), 1e-3, BIG, NULL, "none",
     "how long a program of your own takes, for relin plan and the time left; none: not known"},
    {"limits.patience", KIND_DURATION, IN(limits.patience), 1, 1e6, NULL, "2m",
     "a rank that is silent so long counts as lost and its jobs are given to others; none: never"},
};
const size_t n_keys = sizeof keys / sizeof *keys;
_Static_assert(sizeof keys / sizeof *keys <= KEYS_MOST, "one flag a key");

/* Does a path match a key's, with * for one name? "architecture.x" is the JSON form of "architectures.*.x". */
static bool matches(const char *pattern, const char *path)
{
    const char *star = strchr(pattern, '*');
    if (!star)
        return strcmp(pattern, path) == 0;
    if (!star[1])   /* any name that is one */
        return strncmp(pattern, path, (size_t)(star - pattern)) == 0 && path[star - pattern] && !strchr(path + (star - pattern), '.');
    if (strncmp(path, "architecture.", 13) == 0)
        return strcmp(star + 2, path + 13) == 0;
    size_t head = (size_t)(star - pattern);
    const char *last = strrchr(path, '.');
    return strncmp(pattern, path, head) == 0 && last && last > path + head && strcmp(star + 1, last) == 0;
}

/* Where a path may match: it begins and ends as the key does, but for a last *. */
static bool may_match(size_t key, const char *path, size_t length)
{
    static unsigned char ends[sizeof keys / sizeof *keys];   /* of all keys, once: jobs ask for some hundred keys each */
    if (!ends[key])
        ends[key] = (unsigned char)keys[key].path[strlen(keys[key].path) - 1];
    return keys[key].path[0] == path[0] && (ends[key] == '*' || ends[key] == (unsigned char)path[length - 1]);
}

const struct key *key_find(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < n_keys && length; i++)
        if (may_match(i, path, length) && matches(keys[i].path, path))
            return &keys[i];
    return NULL;
}

/* The distance, or `least` where it is not less: what differs so much in length is not looked at. */
static size_t distance_below(size_t least, const char *a, const char *b)
{
    size_t m = strlen(a), n = strlen(b);
    if ((m > n ? m - n : n - m) >= least)
        return least;
    size_t distance = text_distance(a, b);
    return distance < least ? distance : least;
}

const char *key_nearest(const char *path)
{
    const char *best = NULL, *own = strrchr(path, '.');
    size_t least = 1 + (strlen(path) / 4 > 3 ? strlen(path) / 4 : 3);   /* from here on nothing is near */
    for (size_t i = 0; i < n_keys; i++) {
        /* compare last parts inside one section, whole paths otherwise */
        const char *other = strrchr(keys[i].path, '.');
        bool same = own && strchr(path, '.') && strncmp(path, keys[i].path, strcspn(path, ".")) == 0
                    && keys[i].path[strcspn(path, ".")] == '.';
        size_t distance = same ? distance_below(least, own, other) : distance_below(least, path, keys[i].path);
        if (!own)
            distance = distance_below(distance, path, other + 1);
        if (distance < least) {
            least = distance;
            best = keys[i].path;
        }
    }
    return best;
}

bool key_given(const struct draft *draft, const char *path)
{
    const struct key *key = key_find(path);
    return key && draft->given[key - keys];
}

static void make_standard(struct draft *draft)
{
    struct mistakes none = {0};
    memset(draft, 0, sizeof *draft);
    for (size_t i = 0; i < n_keys; i++) {
        if (!keys[i].standard || !keys[i].standard[0])
            continue;
        struct tree tree;
        if (tree_parse(&tree, keys[i].standard, strlen(keys[i].standard), true, &none) == 0)
            key_parse(&keys[i], keys[i].path, tree.root, draft, &none);
        tree_free(&tree);
    }
    memset(draft->given, 0, sizeof draft->given);
    draft->feature_updates = NAN;
    for (int engine = 0; engine < ENGINE_COUNT; engine++)
        draft->job.engine_seconds[engine] = NAN;
    mistakes_free(&none);
}

/* The defaults are parsed once: every job of a large grid asks for them. */
void draft_start(struct draft *draft)
{
    static struct draft standard;
    static bool made;
    if (!made)
        make_standard(&standard);
    made = true;
    *draft = standard;
}

void section_parse(const char *prefix, const struct node *map, struct draft *draft, const char *skip,
                   struct mistakes *mistakes)
{
    char path[300];
    if (map->kind != NODE_MAP) {
        snprintf(path, sizeof path, "%.*s: expected a map of keys", (int)strlen(prefix) - 1, prefix);
        node_refuse(map, path, mistakes);
        return;
    }
    for (size_t i = 0; i < map->n; i++) {
        if (skip && strcmp(map->key[i]->scalar, skip) == 0)
            continue;
        snprintf(path, sizeof path, "%s%.100s", prefix, map->key[i]->scalar);
        const struct key *key = key_find(path);
        if (key) {
            key_parse(key, path, map->value[i], draft, mistakes);
        } else if (strcmp(path, "training.seeds") == 0) {
            section_parse("training.seeds.", map->value[i], draft, NULL, mistakes);
        } else {
            const char *nearest = key_nearest(path);
            mistakes_add(mistakes, map->key[i]->line, map->key[i]->column,
                         "%s: expected a known key, got '%s'%s%s%s", path, map->key[i]->scalar,
                         nearest ? " (did you mean " : " (relin plan --keys lists them)", nearest ? nearest : "",
                         nearest ? "?)" : "");
        }
    }
}
