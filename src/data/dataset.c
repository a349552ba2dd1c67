#include "data/dataset.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "data/augment.h"
#include "data/segment.h"

void dataset_identity(const struct data_spec *spec, struct text *identity)
{
    const struct data_source *source = source_procedural(spec->set);
    text_add(identity, "set=%s task=%s", spec->set,
             spec->task == TASK_CLASSIFICATION ? "classification" : "regression");
    if (source)
        source->identify(spec, identity);
    if (spec->target != TARGET_AUTO)
        text_add(identity, " target=%s", data_target_name(spec->target));
}

const char *data_target_name(enum data_target target)
{
    static const char *const names[] = {"auto", "orientation", "scale", "position", "shape"};
    return names[target];
}

/* A set that is known and measured, but not yet in memory. */
struct plan {
    const struct data_source *source;
    char folder[PATH_MAX];
    struct set_shape shape;
    size_t size;
};

static int check_choices(const struct set_shape *shape, const struct data_spec *spec, struct error *err);

static int plan_set(struct plan *plan, const struct data_spec *spec, const char *root, struct error *err)
{
    plan->source = source_find(spec->set, root, plan->folder, sizeof plan->folder, err);
    if (!plan->source)
        return -1;
    if (!plan->source->has_targets && spec->target != TARGET_AUTO)
        return error_set(err, ERROR_DATA, "data.target: expected only with dSprites (.npz), got it with data.set %s, "
                         "whose targets are given: remove it", spec->set);
    plan->shape = (struct set_shape){.task = spec->task};
    if (plan->source->measure(spec, plan->folder, &plan->shape, err) != 0
        || check_choices(&plan->shape, spec, err) != 0)
        return -1;
    plan->size = segment_size(&plan->shape);
    if (plan->size == 0)
        return error_set(err, ERROR_DATA, "data.set: %s: expected a set that fits into memory, got more bytes than "
                         "can be addressed", spec->set);
    return 0;
}

static int fill_segment(const struct plan *plan, const struct data_spec *spec, void *map, struct error *err)
{
    struct pool_memory memory[POOL_COUNT];
    segment_begin(map, plan->size, &plan->shape, memory);
    if (plan->source->fill(spec, plan->folder, &plan->shape, memory, err) != 0)
        return -1;
    segment_complete(map);
    return 0;
}

int dataset_load(struct dataset *set, const struct data_spec *spec, const char *root, struct error *err)
{
    struct plan plan;
    *set = (struct dataset){0};
    if (plan_set(&plan, spec, root, err) != 0)
        return -1;
    void *map = mmap(NULL, plan.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return error_set(err, ERROR_MEMORY, "data.set: %s: could not get %zu bytes of memory: use a smaller set or "
                         "pool", spec->set, plan.size);
    if (fill_segment(&plan, spec, map, err) != 0 || segment_attach(set, map, plan.size, spec->set, err) != 0) {
        munmap(map, plan.size);
        return -1;
    }
    return 0;
}

/* Reserves the pages now: a full /dev/shm is an error here, where later it would be a SIGBUS. */
static int reserve_shared(int file, const struct data_spec *spec, size_t size, struct error *err)
{
    struct statvfs space;
    int code = size > (uint64_t)INT64_MAX ? EFBIG : 0;
    if (!code && ftruncate(file, (off_t)size) != 0)
        code = errno;
    while (!code && (code = posix_fallocate(file, 0, (off_t)size)) == EINTR)
        code = 0;
    if (!code)
        return 0;
    double free_bytes = fstatvfs(file, &space) == 0 ? (double)space.f_bavail * (double)space.f_frsize : 0;
    return error_set(err, ERROR_MEMORY, "data.set: %s: expected %.1f MB of shared memory, got only %.1f MB free in "
                     "/dev/shm (%s): use a smaller set or pool, remove what is left over in /dev/shm, or enlarge it "
                     "(mount -o remount,size=..., docker run --shm-size=...)",
                     spec->set, 1e-6 * (double)size, 1e-6 * free_bytes, strerror(code));
}

int dataset_publish(const struct data_spec *spec, const char *root, const char *name, struct error *err)
{
    struct plan plan;
    void *map = MAP_FAILED;
    int result = -1;
    if (plan_set(&plan, spec, root, err) != 0)
        return -1;
    /* A new object, never the old one written over: who still maps that keeps it whole. */
    shm_unlink(name);
    int file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file < 0)
        return error_set_errno(err, ERROR_FILE, "%s: shared memory for the data set could not be made", name);
    if (reserve_shared(file, spec, plan.size, err) != 0)
        goto done;
    map = mmap(NULL, plan.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) {
        error_set_errno(err, ERROR_MEMORY, "%s: %zu bytes of shared memory could not be mapped", name, plan.size);
        goto done;
    }
    result = fill_segment(&plan, spec, map, err);
done:
    if (map != MAP_FAILED)
        munmap(map, plan.size);
    close(file);
    if (result != 0)
        shm_unlink(name);
    return result;
}

int dataset_map(struct dataset *set, const char *name, struct error *err)
{
    struct stat status;
    *set = (struct dataset){0};
    int file = shm_open(name, O_RDONLY, 0);
    if (file < 0)
        return error_set_errno(err, ERROR_FILE, "%s: the shared data set could not be opened", name);
    if (fstat(file, &status) != 0 || status.st_size <= 0) {
        close(file);
        return error_set(err, ERROR_DATA, "%s: expected a complete data set in shared memory, got an empty object: "
                         "publish it again", name);
    }
    size_t size = (size_t)status.st_size;
    void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
    int code = errno;
    close(file);
    errno = code;
    if (map == MAP_FAILED)
        return error_set_errno(err, ERROR_MEMORY, "%s: %zu bytes of shared memory could not be mapped", name, size);
    if (segment_attach(set, map, size, name, err) != 0) {
        munmap(map, size);
        return -1;
    }
    return 0;
}

size_t dataset_bytes(const struct dataset *set)
{
    return set->map_size;
}

void dataset_close(struct dataset *set)
{
    if (set->map)
        munmap(set->map, set->map_size);
    *set = (struct dataset){0};
}

static int check_count(const char *key, int64_t count, int64_t least, struct error *err)
{
    if (count != DATA_ALL && count < least)
        return error_set(err, ERROR_DATA, "data.%s: expected all or a whole number >= %" PRId64 ", got %" PRId64,
                         key, least, count);
    return 0;
}

static int check_rows(const size_t rows[POOL_COUNT], const struct data_spec *spec, struct error *err)
{
    if (check_count("train", spec->train, 1, err) != 0 || check_count("validation", spec->validation, 0, err) != 0
        || check_count("test", spec->test, 1, err) != 0)
        return -1;
    if (spec->train == DATA_ALL && spec->validation == DATA_ALL)
        return error_set(err, ERROR_DATA, "data.train, data.validation: expected at most one of them to be all, "
                         "got both: they share one pool of %zu rows", rows[POOL_TRAIN]);
    /* `all` leaves the other its rows, and is at least one row itself. */
    uint64_t train = spec->train == DATA_ALL ? 1 : (uint64_t)spec->train;
    uint64_t validation = spec->validation == DATA_ALL ? 1 : (uint64_t)spec->validation;
    if (train > rows[POOL_TRAIN] || validation > rows[POOL_TRAIN] - train)
        return error_set(err, ERROR_DATA, "data.train, data.validation: expected at most %zu rows together in the "
                         "training pool of %s, got %" PRIu64 " + %" PRIu64, rows[POOL_TRAIN], spec->set, train,
                         validation);
    if (spec->test != DATA_ALL && (uint64_t)spec->test > rows[POOL_TEST])
        return error_set(err, ERROR_DATA, "data.test: expected at most %zu rows, the test pool of %s, got %" PRId64,
                         rows[POOL_TEST], spec->set, spec->test);
    return 0;
}

static int check_augmentation(const struct set_shape *shape, const struct data_spec *spec, struct error *err)
{
    const struct augmentation *augment = &spec->augment;
    if (!data_augments(augment))
        return 0;
    if (shape->n_dims != 3)
        return error_set(err, ERROR_DATA, "data.augment: expected a set of images (channels, height, width), got %s "
                         "with rows of %zu features: use none", spec->set, shape->shape[0]);
    size_t height = shape->shape[1], width = shape->shape[2], side = height < width ? height : width;
    if (augment->crop < 0 || (uint64_t)augment->crop >= side)
        return error_set(err, ERROR_DATA, "data.augment: crop: expected less than %zu pixels, the smaller side of the "
                         "images of %s, got %" PRId64, side, spec->set, augment->crop);
    if (width > DATA_MAX_SIDE)
        return error_set(err, ERROR_DATA, "data.augment: expected images at most %d pixels wide, got %zu: use none",
                         DATA_MAX_SIDE, width);
    return 0;
}

static int check_noise(const struct set_shape *shape, const struct data_spec *spec, struct error *err)
{
    if (spec->label_noise == 0)
        return 0;
    if (!(spec->label_noise > 0 && spec->label_noise <= 1))
        return error_set(err, ERROR_DATA, "data.label_noise: expected a fraction from 0 to 1, got %g",
                         spec->label_noise);
    if (shape->task != TASK_CLASSIFICATION)
        return error_set(err, ERROR_DATA, "data.label_noise: expected data.task classification, got regression, "
                         "where there are no labels: set it to 0");
    if (shape->outputs < 2)
        return error_set(err, ERROR_DATA, "data.label_noise: expected 2 classes or more, got %zu in %s: there is no "
                         "wrong one", shape->outputs, spec->set);
    return 0;
}

static int check_choices(const struct set_shape *shape, const struct data_spec *spec, struct error *err)
{
    return check_rows(shape->rows, spec, err) || check_augmentation(shape, spec, err) || check_noise(shape, spec, err)
           ? -1 : 0;
}

int dataset_check_counts(const struct dataset *set, const struct data_spec *spec, struct error *err)
{
    struct set_shape shape = {
        .rows = {set->train.rows, set->test.rows}, .task = set->task, .outputs = set->outputs, .n_dims = set->n_dims};
    memcpy(shape.shape, set->shape, sizeof shape.shape);
    return check_choices(&shape, spec, err);
}
