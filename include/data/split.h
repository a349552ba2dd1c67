/* Which rows of a data set one job uses, and how inputs are normalised.
 *
 * Training, validation and probe rows come from the training pool, test rows from the
 * test pool. Every subset is class-balanced: counts of classes differ by at most one,
 * unless a class has no more rows: then all its rows are in, and the others share the
 * rest (so `all` takes all). Regression: plain draws without replacement. The probe and
 * the test rows depend on the data specification only, so they are the same for every
 * seed; every seed's training subset contains the probe's training half (its first rows)
 * and training and validation share no row. Of one seed, a smaller training subset is the
 * beginning of a larger one, and the validation rows are the same for both (once training
 * has the whole of the probe's half); a smaller test set is the beginning of a larger
 * one, and begins with the probe's test half.
 *
 * Label noise: exactly round(fraction * N) of the N training rows get another class, drawn uniformly
 * among the others. Which rows, and which class each gets, hangs on (seed, row of the pool) alone, so of
 * one seed a larger fraction mislabels all that a smaller one does, and a row that is mislabelled in a
 * smaller and in a larger training subset has the same wrong class in both; a few rows at the threshold
 * differ. Validation, test and the probe keep their true labels: the probe is the same for every seed. */
#ifndef RELIN_DATA_SPLIT_H
#define RELIN_DATA_SPLIT_H

#include "data/dataset.h"

enum data_part { PART_TRAIN, PART_VALIDATION, PART_TEST, PART_PROBE, PART_COUNT };

enum { DATA_MAX_CHANNELS = 64 };

struct split {
    const struct dataset *set;      /* borrowed */
    size_t count[PART_COUNT];
    /* (count) row numbers: of the training pool for train and validation, of the test pool
     * for test; the probe has its first probe_train rows in the training pool, the others in the test pool */
    size_t *row[PART_COUNT];
    size_t probe_train;
    int32_t *train_label;           /* (count of train) labels with noise, or NULL: those of the pool */
    struct augmentation augment;    /* of the training rows, where a batch is gathered for a step */
    size_t channels;                /* shape[0] of images, else 1 */
    double mean[DATA_MAX_CHANNELS]; /* x_network = (x_raw - mean[channel]) * scale[channel] */
    double scale[DATA_MAX_CHANNELS];
};

/* Draws the rows and measures the normalisation of one job. seed: the job's data seed.
 * probe: wanted probe size of each half; the halves are min(probe, train) and min(probe, test).
 * A standard deviation of 0 gives scale 1. Returns 0, or -1 with *err filled. */
int split_draw(struct split *split, const struct dataset *set, const struct data_spec *spec,
               uint64_t seed, size_t probe, struct error *err);

/* Another probe of drawn rows, which themselves stay as they are: the first of the training and of the
 * test rows, min(probe, count) of each. Beyond the size that split_draw was given the training half is
 * of the job's own subset, so it depends on the seed. Returns 0, or -1 with *err filled. */
int split_take_probe(struct split *split, size_t probe, struct error *err);

void split_free(struct split *split);

#endif
