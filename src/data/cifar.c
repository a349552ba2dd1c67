/* CIFAR-10, binary version (Krizhevsky 2009): a folder with data_batch_1.bin to data_batch_5.bin, whichever
 * of them are there, in this order the training pool, and test_batch.bin, the test pool. Records of 3,073
 * bytes: a label of 0 to 9, then the image (3, 32, 32), red, green and blue planes line by line. */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"
#include "data/source.h"

enum { CHANNELS = 3, SIDE = 32, IMAGE = CHANNELS * SIDE * SIDE, RECORD = 1 + IMAGE, CLASSES = 10, BATCHES = 5 };

/* Path of a batch, 1 to 5, or of the test batch, 0. False: no such file. */
static bool batch_path(const char *folder, int batch, char path[PATH_MAX])
{
    struct stat status;
    char name[24] = "test_batch.bin";
    if (batch)
        snprintf(name, sizeof name, "data_batch_%d.bin", batch);
    return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX && stat(path, &status) == 0;
}

static bool cifar_claims(const char *folder)
{
    char path[PATH_MAX];
    for (int batch = 0; batch <= BATCHES; batch++)
        if (batch_path(folder, batch, path))
            return true;
    return false;
}

/* Adds the records of a file to *rows. */
static int count_records(const char *path, size_t *rows, struct error *err)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set_errno(err, ERROR_DATA, "%s: could not be opened", path);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_DATA, "%s: expected a regular file, got something else", path);
    long long size = (long long)status.st_size, whole = size / RECORD;
    if (size == 0 || size % RECORD != 0)
        return error_set(err, ERROR_DATA, "%s: expected records of %d bytes, so %lld or %lld bytes, got %lld: truncated, "
                         "or not CIFAR-10's binary version; fetch it again", path, RECORD,
                         (whole ? whole : 1) * RECORD, (whole + 1) * RECORD, size);
    *rows += (size_t)whole;
    return 0;
}

static int cifar_measure(const struct data_spec *spec, const char *folder, struct set_shape *shape,
                         struct error *err)
{
    char path[PATH_MAX];
    *shape = (struct set_shape){.bytes = true, .task = spec->task, .outputs = CLASSES, .n_dims = 3,
                                .shape = {CHANNELS, SIDE, SIDE}};
    if (spec->task != TASK_CLASSIFICATION)
        return error_set(err, ERROR_DATA, "%s: expected data.task classification, as CIFAR-10 has labels, got regression",
                         folder);
    for (int batch = 1; batch <= BATCHES; batch++)
        if (batch_path(folder, batch, path) && count_records(path, &shape->rows[POOL_TRAIN], err) != 0)
            return -1;
    if (shape->rows[POOL_TRAIN] == 0)
        return error_set(err, ERROR_DATA, "%s: expected one or more of data_batch_1.bin to data_batch_5.bin, got none",
                         folder);
    if (!batch_path(folder, 0, path))
        return error_set(err, ERROR_DATA, "%s: expected a file test_batch.bin, got none", folder);
    return count_records(path, &shape->rows[POOL_TEST], err);
}

/* Reads records until the file ends; first: the row of its first one; *next: the row after its last. */
static int read_batch(const char *path, size_t first, size_t rows, const struct pool_memory *memory, size_t *next,
                      struct error *err)
{
    unsigned char label;
    size_t row = first;
    int result = -1;
    FILE *file = fopen(path, "rb");
    if (!file)
        return error_set_errno(err, ERROR_DATA, "%s: could not be opened", path);
    while (fread(&label, 1, 1, file) == 1) {
        if (row >= rows || fread((unsigned char *)memory->x + row * IMAGE, 1, IMAGE, file) != IMAGE) {
            error_set(err, ERROR_DATA, "%s: expected the records of %d bytes of a moment ago, got others: the file "
                      "changes while it is read", path, RECORD);
            goto done;
        }
        if (label >= CLASSES) {
            error_set(err, ERROR_DATA, "%s: record %zu: expected a label of 0 to %d, got %d: corrupt, or another set",
                      path, row - first, CLASSES - 1, label);
            goto done;
        }
        memory->label[row++] = label;
    }
    if (ferror(file)) {
        error_set_errno(err, ERROR_DATA, "%s: could not be read", path);
        goto done;
    }
    *next = row;
    result = 0;
done:
    fclose(file);
    return result;
}

static int cifar_fill(const struct data_spec *spec, const char *folder, const struct set_shape *shape,
                      const struct pool_memory memory[POOL_COUNT], struct error *err)
{
    char path[PATH_MAX];
    size_t next[POOL_COUNT] = {0};
    (void)spec;
    for (int batch = 0; batch <= BATCHES; batch++) {
        enum pool_kind pool = batch == 0 ? POOL_TEST : POOL_TRAIN;
        if (batch_path(folder, batch, path)
            && read_batch(path, next[pool], shape->rows[pool], &memory[pool], &next[pool], err) != 0)
            return -1;
    }
    for (int pool = 0; pool < POOL_COUNT; pool++)
        if (next[pool] != shape->rows[pool])
            return error_set(err, ERROR_DATA, "%s: expected %zu records as a moment ago, got %zu: its files change while "
                             "they are read", folder, shape->rows[pool], next[pool]);
    return 0;
}

const struct data_source source_cifar = {
    .name = "cifar-10",
    .description = "CIFAR-10, binary version",
    .suffix = "-batches-bin",
    .expects = "data_batch_1.bin ... test_batch.bin",
    .claims = cifar_claims,
    .measure = cifar_measure,
    .fill = cifar_fill,
};
