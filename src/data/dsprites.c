/* dSprites (Matthey et al. 2017): binary images of a sprite and the latents they were drawn from, in a
 * .npz archive; the whole set or any part of its rows. Members used, all others are left alone (some hold
 * pickled objects):
 *   imgs.npy (rows, height, width) of 0 or 1; latents_values.npy (rows, 6) or, without the colour, (rows, 5):
 *   shape 1 square, 2 ellipse, 3 heart; scale; orientation in radians; x and y in [0, 1].
 *
 * data.target: shape (classification); and for regression
 *   orientation  (cos m t, sin m t) of the orientation t, m the shape's symmetry: 4 for the square, 2 for
 *                the ellipse, 1 for the heart. Continuous, and equal pictures have equal targets (as in
 *                the set sprites); neither holds of the angle itself
 *   scale        as in the file, one number
 *   position     (x, y) as in the file
 *
 * The file is one pool. All orientations of a sprite (of one shape, scale, x and y) go to the test pool
 * together with probability 1/5, drawn from a fixed stream keyed by these four: so neither an image nor
 * one turned by a few degrees is in both pools, whatever rows the file has and in whatever order, and
 * every part of dSprites is divided in the same way. */
#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "data/npy.h"
#include "data/source.h"

enum { SHAPES = 3, LATENTS = 5, SHAPE = 0, SCALE, ORIENTATION, X, Y };

static const int symmetry[SHAPES + 1] = {0, 4, 2, 1};
static const char official[] = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz";

/* Of several files in a folder the whole set, else the first of the alphabet. False: there is none. */
static bool find_file(const char *folder, char path[PATH_MAX])
{
    char name[NAME_MAX + 1] = "";
    DIR *list = opendir(folder);
    if (!list)
        return false;
    for (struct dirent *entry; (entry = readdir(list));) {
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || length < 5 || strcmp(entry->d_name + length - 4, ".npz") != 0)
            continue;
        if (!name[0] || strcmp(entry->d_name, official) == 0
            || (strcmp(name, official) != 0 && strcmp(entry->d_name, name) < 0))
            snprintf(name, sizeof name, "%s", entry->d_name);
    }
    closedir(list);
    return name[0] && snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

static bool dsprites_claims(const char *folder)
{
    char path[PATH_MAX];
    return find_file(folder, path);
}

static int open_archive(struct npz *npz, const char *where, char path[PATH_MAX], struct error *err)
{
    struct stat status;
    *npz = (struct npz){0};
    if (stat(where, &status) == 0 && S_ISDIR(status.st_mode)) {
        if (!find_file(where, path))
            return error_set(err, ERROR_DATA, "%s: expected a file of dSprites (.npz), got none", where);
    } else if (snprintf(path, PATH_MAX, "%s", where) >= PATH_MAX) {
        return error_set(err, ERROR_DATA, "%s: expected a shorter path", where);
    }
    return npz_open(npz, path, err);
}

static int check_latents(const char *path, size_t row, const double value[LATENTS], struct error *err)
{
    bool shape = value[SHAPE] == 1 || value[SHAPE] == 2 || value[SHAPE] == 3;
    if (!shape)
        return error_set(err, ERROR_DATA, "%s: latents_values.npy: row %zu: expected shape 1, 2 or 3, got %g", path, row,
                         value[SHAPE]);
    if (!(value[SCALE] >= 0 && value[SCALE] <= 1 && value[X] >= 0 && value[X] <= 1 && value[Y] >= 0 && value[Y] <= 1
          && isfinite(value[ORIENTATION])))
        return error_set(err, ERROR_DATA, "%s: latents_values.npy: row %zu: expected scale, x and y from 0 to 1 and a "
                         "finite orientation, got scale %g, x %g, y %g, orientation %g", path, row, value[SCALE],
                         value[X], value[Y], value[ORIENTATION]);
    return 0;
}

/* *values (rows, LATENTS): checked, without the colour. The caller frees with mem_free (also after -1). */
static int read_latents(const struct npz *npz, double **values, size_t *rows, struct error *err)
{
    struct npy npy = {0};
    double row[LATENTS + 1];
    int result = npy_open(&npy, npz, "latents_values.npy", err);
    size_t width = npy.row_size;
    *values = NULL;
    if (result == 0 && (npy.n_dims != 2 || npy.rows == 0 || (width != LATENTS && width != LATENTS + 1)))
        result = error_set(err, ERROR_DATA, "%s: latents_values.npy: expected shape (rows, 6) or (rows, 5), got %d "
                           "dimensions, %zu rows of %zu", npz->path, npy.n_dims, npy.rows, width);
    if (result == 0 && !(*values = mem_alloc(npy.rows, LATENTS * sizeof **values, err)))
        result = -1;
    *rows = npy.rows;
    for (size_t i = 0; result == 0 && i < npy.rows; i++) {
        result = npy_read_doubles(&npy, row, width, err);
        memcpy(*values + i * LATENTS, row + width - LATENTS, LATENTS * sizeof *row);
        if (result == 0)
            result = check_latents(npz->path, i, *values + i * LATENTS, err);
    }
    npy_close(&npy);
    return result;
}

/* Images: a header that suits the latents. The caller closes (also after -1). */
static int open_images(struct npy *npy, const struct npz *npz, size_t rows, struct error *err)
{
    if (npy_open(npy, npz, "imgs.npy", err) != 0)
        return -1;
    if (npy->n_dims != 3 || !npy_is_bytes(npy) || npy->row_size == 0)
        return error_set(err, ERROR_DATA, "%s: imgs.npy: expected unsigned bytes (rows, height, width), got %d dimensions "
                         "of %s", npz->path, npy->n_dims, npy_is_bytes(npy) ? "bytes" : "another type");
    if (npy->rows != rows)
        return error_set(err, ERROR_DATA, "%s: imgs.npy: expected an image for each of the %zu rows of latents_values.npy, "
                         "got %zu", npz->path, rows, npy->rows);
    return 0;
}

static enum pool_kind pool_of(const double value[LATENTS])
{
    struct random r;
    uint64_t sprite = (uint64_t)value[SHAPE];
    for (int k = SCALE; k <= Y; k++)
        if (k != ORIENTATION)
            sprite = sprite << 12 | (uint64_t)lrint(4095 * value[k]);
    random_start(&r, 0, RANDOM_SET, source_substream(POOL_COUNT, sprite));
    return random_below(&r, 5) == 0 ? POOL_TEST : POOL_TRAIN;
}

static enum data_target target_of(const struct data_spec *spec)
{
    if (spec->target != TARGET_AUTO)
        return spec->target;
    return spec->task == TASK_CLASSIFICATION ? TARGET_SHAPE : TARGET_ORIENTATION;
}

static int check_target(const struct data_spec *spec, struct error *err)
{
    bool shape = target_of(spec) == TARGET_SHAPE, classes = spec->task == TASK_CLASSIFICATION;
    if (shape != classes)
        return error_set(err, ERROR_DATA, "data.target: expected %s with data.task %s, got %s",
                         classes ? "shape" : "orientation, scale or position",
                         classes ? "classification" : "regression", data_target_name(spec->target));
    return 0;
}

static int dsprites_measure(const struct data_spec *spec, const char *where, struct set_shape *shape,
                            struct error *err)
{
    char path[PATH_MAX];
    struct npz npz = {0};
    struct npy images = {0};
    double *latents = NULL;
    size_t rows, count[POOL_COUNT] = {0};
    int result = -1;
    if (check_target(spec, err) != 0 || open_archive(&npz, where, path, err) != 0
        || read_latents(&npz, &latents, &rows, err) != 0 || open_images(&images, &npz, rows, err) != 0)
        goto done;
    for (size_t i = 0; i < rows; i++)
        count[pool_of(latents + i * LATENTS)]++;
    enum data_target target = target_of(spec);
    *shape = (struct set_shape){
        .rows = {count[POOL_TRAIN], count[POOL_TEST]},
        .bytes = true,
        .task = spec->task,
        .outputs = target == TARGET_SHAPE ? SHAPES : target == TARGET_SCALE ? 1 : 2,
        .n_dims = 3,
        .shape = {1, images.dim[1], images.dim[2]},
    };
    result = 0;
    if (count[POOL_TRAIN] == 0 || count[POOL_TEST] == 0)
        result = error_set(err, ERROR_DATA, "%s: expected sprites enough for a training and a test pool, got %zu and %zu "
                           "rows of them", path, count[POOL_TRAIN], count[POOL_TEST]);
done:
    npy_close(&images);
    npz_close(&npz);
    mem_free(latents);
    return result;
}

static void write_target(enum data_target target, const double value[LATENTS], float *out)
{
    double angle = symmetry[(int)value[SHAPE]] * value[ORIENTATION];
    if (target == TARGET_SCALE) {
        out[0] = (float)value[SCALE];
        return;
    }
    out[0] = (float)(target == TARGET_POSITION ? value[X] : cos(angle));
    out[1] = (float)(target == TARGET_POSITION ? value[Y] : sin(angle));
}

/* One image: 0 and 1 become 0 and 255. */
static int read_image(struct npy *images, size_t row, unsigned char *pixels, struct error *err)
{
    if (npy_read_bytes(images, pixels, images->row_size, err) != 0)
        return -1;
    for (size_t k = 0; k < images->row_size; k++) {
        if (pixels[k] > 1)
            return error_set(err, ERROR_DATA, "%s: imgs.npy: row %zu: expected pixels of 0 or 1, got %d", images->path,
                             row, pixels[k]);
        pixels[k] = pixels[k] ? 255 : 0;
    }
    return 0;
}

static int dsprites_fill(const struct data_spec *spec, const char *where, const struct set_shape *shape,
                         const struct pool_memory memory[POOL_COUNT], struct error *err)
{
    char path[PATH_MAX];
    struct npz npz = {0};
    struct npy images = {0};
    double *latents = NULL;
    size_t rows = 0, next[POOL_COUNT] = {0}, features = shape_features(shape);
    int result = -1;
    if (open_archive(&npz, where, path, err) != 0 || read_latents(&npz, &latents, &rows, err) != 0
        || open_images(&images, &npz, rows, err) != 0)
        goto done;
    result = 0;
    for (size_t i = 0; i < rows && result == 0; i++) {
        const double *value = latents + i * LATENTS;
        enum pool_kind pool = pool_of(value);
        size_t at = next[pool]++;
        if (images.row_size != features || at >= shape->rows[pool]) {
            result = error_set(err, ERROR_DATA, "%s: expected the rows of a moment ago, got others: the file changes "
                               "while it is read", path);
            break;
        }
        result = read_image(&images, i, (unsigned char *)memory[pool].x + at * features, err);
        if (memory[pool].label)
            memory[pool].label[at] = (int32_t)value[SHAPE] - 1;
        else
            write_target(target_of(spec), value, memory[pool].target + at * shape->outputs);
    }
    if (result == 0 && (next[POOL_TRAIN] != shape->rows[POOL_TRAIN] || next[POOL_TEST] != shape->rows[POOL_TEST]))
        result = error_set(err, ERROR_DATA, "%s: expected the rows of a moment ago, got fewer: the file changes while it "
                           "is read", path);
done:
    npy_close(&images);
    npz_close(&npz);
    mem_free(latents);
    return result;
}

const struct data_source source_dsprites = {
    .name = "dsprites",
    .description = "dSprites, whole or in part (.npz of numpy)",
    .suffix = ".npz",
    .expects = "NAME.npz",
    .has_targets = true,
    .claims = dsprites_claims,
    .measure = dsprites_measure,
    .fill = dsprites_fill,
};
