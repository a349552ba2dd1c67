/* Drawing rows. Every subset is a prefix of an order of the pool in which the classes take
 * turns, so subsets are balanced, and a smaller subset of the same seed is part of a larger. */
#include "data/split.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"

enum { SUBSTREAM_TRAIN, SUBSTREAM_VALIDATION };

/* Rows of a pool in shuffled order, one queue a class. Regression: one class of all. */
struct deck {
    size_t classes;
    size_t *row;        /* (rows) class by class */
    size_t *next, *end; /* (classes) what is left of a class's queue in row[] */
    size_t *turn;       /* (classes) the classes in the order of their turns */
};

static void deck_free(struct deck *deck)
{
    mem_free(deck->row);
    mem_free(deck->next);
    mem_free(deck->end);
    mem_free(deck->turn);
}

static size_t class_of(const struct data_pool *pool, size_t row) { return pool->label ? (size_t)pool->label[row] : 0; }

/* Shuffles the rows of a pool into a deck. Returns 0, or -1 with *err filled; the caller frees always. */
static int deck_shuffle(struct deck *deck, const struct data_pool *pool, size_t classes, struct random *r,
                        struct error *err)
{
    size_t *order = mem_alloc(pool->rows, sizeof *order, err);
    *deck = (struct deck){
        .classes = classes,
        .row = mem_alloc(pool->rows, sizeof *deck->row, err),
        .next = mem_alloc(classes, sizeof *deck->next, err),
        .end = mem_alloc(classes, sizeof *deck->end, err),
        .turn = mem_alloc(classes, sizeof *deck->turn, err),
    };
    if (!order || !deck->row || !deck->next || !deck->end || !deck->turn) {
        mem_free(order);
        return -1;
    }
    for (size_t i = 0; i < pool->rows; i++) {
        order[i] = i;
        deck->end[class_of(pool, i)]++;
    }
    for (size_t c = 0, start = 0; c < classes; c++) {
        deck->next[c] = start;
        start += deck->end[c];
        deck->end[c] = deck->next[c];
        deck->turn[c] = c;
    }
    random_shuffle(r, deck->turn, classes);
    random_shuffle(r, order, pool->rows);
    for (size_t i = 0; i < pool->rows; i++)
        deck->row[deck->end[class_of(pool, order[i])]++] = order[i];
    mem_free(order);
    return 0;
}

/* The next row of a class that is not taken, or false. */
static bool deck_draw(struct deck *deck, size_t class, const unsigned char *taken, size_t *row)
{
    while (deck->next[class] < deck->end[class]) {
        *row = deck->row[deck->next[class]++];
        if (!taken[*row])
            return true;
    }
    return false;
}

/* Deals until row[] holds count rows, of which the first `dealt` are there already; held (classes)
 * says how many of each class those are. Marks what it deals as taken. A class whose rows run
 * out drops out, and the others go on: without that nothing breaks the balance. */
static void deck_deal(struct deck *deck, size_t *row, size_t dealt, size_t count, size_t *held, unsigned char *taken)
{
    size_t left = deck->classes;
    for (size_t level = 0; dealt < count; level++) {
        size_t still = 0;
        assert(left > 0);   /* counts were checked against the pool */
        for (size_t t = 0; t < left && dealt < count; t++) {
            size_t class = deck->turn[t];
            if (held[class] <= level) {
                if (!deck_draw(deck, class, taken, &row[dealt]))
                    continue;
                taken[row[dealt++]] = 1;
                held[class]++;
            }
            deck->turn[still++] = class;
        }
        left = still;
    }
}

/* Fills row[dealt..count-1] of one subset from a freshly shuffled pool. */
static int draw_rows(const struct data_pool *pool, size_t classes, struct random *r, size_t *row, size_t dealt,
                     size_t count, unsigned char *taken, struct error *err)
{
    struct deck deck = {0};
    size_t *held = mem_alloc(classes, sizeof *held, err);
    int result = held ? deck_shuffle(&deck, pool, classes, r, err) : -1;
    if (result == 0) {
        for (size_t i = 0; i < dealt; i++)
            held[class_of(pool, row[i])]++;
        deck_deal(&deck, row, dealt, count, held, taken);
    }
    deck_free(&deck);
    mem_free(held);
    return result;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static int draw_training_pool(struct split *split, size_t classes, uint64_t seed, unsigned char *taken,
                              struct error *err)
{
    struct random r;
    const struct data_pool *pool = &split->set->train;
    size_t *train = split->row[PART_TRAIN];
    random_start(&r, 0, RANDOM_PROBE, 0);
    if (draw_rows(pool, classes, &r, train, 0, split->probe_train, taken, err) != 0)
        return -1;
    /* Validation before training, so that it is the same for every size of the training set. */
    random_start(&r, seed, RANDOM_SUBSET, SUBSTREAM_VALIDATION);
    if (draw_rows(pool, classes, &r, split->row[PART_VALIDATION], 0, split->count[PART_VALIDATION], taken, err) != 0)
        return -1;
    random_start(&r, seed, RANDOM_SUBSET, SUBSTREAM_TRAIN);
    return draw_rows(pool, classes, &r, train, split->probe_train, split->count[PART_TRAIN], taken, err);
}

static int draw_all(struct split *split, uint64_t seed, struct error *err)
{
    struct random r;
    const struct dataset *set = split->set;
    size_t classes = set->task == TASK_CLASSIFICATION ? set->outputs : 1;
    unsigned char *train_taken = mem_alloc(set->train.rows, 1, err);
    unsigned char *test_taken = mem_alloc(set->test.rows, 1, err);
    int result = -1;
    if (!train_taken || !test_taken || draw_training_pool(split, classes, seed, train_taken, err) != 0)
        goto done;
    random_start(&r, 0, RANDOM_TEST, 0);
    result = draw_rows(&set->test, classes, &r, split->row[PART_TEST], 0, split->count[PART_TEST], test_taken, err);
done:
    mem_free(train_taken);
    mem_free(test_taken);
    return result;
}

/* Sums of (x - shift)^power over a channel of the training rows, in the order of the rows. */
static double channel_sum(const struct split *split, size_t channel, double shift, int power)
{
    const struct data_pool *pool = &split->set->train;
    size_t width = pool->features / split->channels;
    double sum = 0;
    for (size_t i = 0; i < split->count[PART_TRAIN]; i++) {
        const float *x = (const float *)pool->x + split->row[PART_TRAIN][i] * pool->features + channel * width;
        for (size_t k = 0; k < width; k++) {
            double centred = (double)x[k] - shift;
            sum += power == 1 ? centred : centred * centred;
        }
    }
    return sum;
}

/* Mean and variance of a channel of bytes/255, by counting values: exact sums in any order. */
static void byte_moments(const struct split *split, size_t channel, double *mean, double *variance)
{
    const struct data_pool *pool = &split->set->train;
    size_t width = pool->features / split->channels, seen[256] = {0};
    for (size_t i = 0; i < split->count[PART_TRAIN]; i++) {
        const unsigned char *x =
            (const unsigned char *)pool->x + split->row[PART_TRAIN][i] * pool->features + channel * width;
        for (size_t k = 0; k < width; k++)
            seen[x[k]]++;
    }
    double n = (double)(split->count[PART_TRAIN] * width);
    *mean = *variance = 0;
    for (int v = 0; v < 256; v++)
        *mean += (double)seen[v] * (v / 255.0) / n;
    for (int v = 0; v < 256; v++)
        *variance += (double)seen[v] * (v / 255.0 - *mean) * (v / 255.0 - *mean) / n;
}

static void measure_channels(struct split *split, enum data_normalise normalise)
{
    const struct data_pool *pool = &split->set->train;
    double n = (double)(split->count[PART_TRAIN] * (pool->features / split->channels));
    for (size_t c = 0; c < split->channels; c++) {
        double mean = 0, variance = 0;
        split->scale[c] = 1;
        if (normalise == NORMALISE_NONE)
            continue;
        if (pool->bytes) {
            byte_moments(split, c, &mean, &variance);
        } else {
            mean = channel_sum(split, c, 0, 1) / n;
            variance = channel_sum(split, c, mean, 2) / n;
        }
        split->mean[c] = mean;
        /* Of equal values the rounding of the mean may leave a variance that is not quite 0. */
        if (sqrt(variance) > 1e-12 * fabs(mean))
            split->scale[c] = 1 / sqrt(variance);
    }
}

/* --- label noise --- */

/* Fills wrong (outputs > 1) with another class than label, uniform among them; returns the row's rank
 * among those to be mislabelled: the least come first. Both hang on (seed, row) alone. */
static double mislabel(uint64_t seed, size_t row, int32_t label, size_t outputs, int32_t *wrong)
{
    struct random r;
    random_start(&r, seed, RANDOM_LABEL, row);
    double rank = random_uniform(&r);
    int32_t other = (int32_t)random_below(&r, outputs - 1);
    *wrong = other < label ? other : other + 1;
    return rank;
}

struct ranked {
    double rank;
    size_t position;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

static int draw_labels(struct split *split, double fraction, uint64_t seed, struct error *err)
{
    size_t n = split->count[PART_TRAIN], wanted = (size_t)round(fraction * (double)n);
    const int32_t *label = split->set->train.label;
    const size_t *row = split->row[PART_TRAIN];
    if (wanted == 0)
        return 0;
    struct ranked *order = mem_alloc(n, sizeof *order, err);
    split->train_label = order ? mem_alloc(n, sizeof *split->train_label, err) : NULL;
    for (size_t i = 0; split->train_label && i < n; i++) {
        int32_t wrong;
        split->train_label[i] = label[row[i]];
        order[i] = (struct ranked){mislabel(seed, row[i], label[row[i]], split->set->outputs, &wrong), i};
    }
    if (split->train_label) {
        qsort(order, n, sizeof *order, by_rank);
        for (size_t k = 0; k < wanted; k++) {
            size_t i = order[k].position;
            mislabel(seed, row[i], label[row[i]], split->set->outputs, &split->train_label[i]);
        }
    }
    mem_free(order);
    return split->train_label ? 0 : -1;
}

/* The probe's rows, of those that were drawn. */
static void take_probe(struct split *split)
{
    size_t test = split->count[PART_PROBE] - split->probe_train;
    memcpy(split->row[PART_PROBE], split->row[PART_TRAIN], split->probe_train * sizeof(size_t));
    memcpy(split->row[PART_PROBE] + split->probe_train, split->row[PART_TEST], test * sizeof(size_t));
}

int split_draw(struct split *split, const struct dataset *set, const struct data_spec *spec,
               uint64_t seed, size_t probe, struct error *err)
{
    *split = (struct split){.set = set, .channels = set->n_dims == 3 ? set->shape[0] : 1, .augment = spec->augment};
    if (dataset_check_counts(set, spec, err) != 0)
        return -1;
    size_t *count = split->count, pool = set->train.rows;
    count[PART_VALIDATION] = spec->validation == DATA_ALL ? pool - (size_t)spec->train : (size_t)spec->validation;
    count[PART_TRAIN] = spec->train == DATA_ALL ? pool - count[PART_VALIDATION] : (size_t)spec->train;
    count[PART_TEST] = spec->test == DATA_ALL ? set->test.rows : (size_t)spec->test;
    split->probe_train = smaller(probe, count[PART_TRAIN]);
    size_t probe_test = smaller(probe, count[PART_TEST]);
    count[PART_PROBE] = split->probe_train + probe_test;
    for (int part = 0; part < PART_COUNT; part++) {
        split->row[part] = mem_alloc(count[part], sizeof(size_t), err);
        if (!split->row[part])
            goto failed;
    }
    if (draw_all(split, seed, err) != 0 || draw_labels(split, spec->label_noise, seed, err) != 0)
        goto failed;
    take_probe(split);
    measure_channels(split, spec->normalise);
    return 0;
failed:
    split_free(split);
    return -1;
}

int split_take_probe(struct split *split, size_t probe, struct error *err)
{
    size_t train = smaller(probe, split->count[PART_TRAIN]), n = train + smaller(probe, split->count[PART_TEST]);
    size_t *row = mem_alloc(n, sizeof *row, err);
    if (!row)
        return -1;
    mem_free(split->row[PART_PROBE]);
    split->row[PART_PROBE] = row;
    split->count[PART_PROBE] = n;
    split->probe_train = train;
    take_probe(split);
    return 0;
}

void split_free(struct split *split)
{
    for (int part = 0; part < PART_COUNT; part++)
        mem_free(split->row[part]);
    mem_free(split->train_label);
    *split = (struct split){0};
}
