/* The trace file: written serially by an onlooker of one run. */
#include "store/inspect.h"
#include "store/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "core_rows.h"
#include "data/augment.h"
#include "hdf.h"

enum { ROWS_AT_ONCE = 512, STEPS_A_CHUNK = 1024 };

struct trace {
    hid_t file, steps;
    hid_t batch, augment, lr, refresh, loss;   /* datasets of /steps, one row longer at each step */
    hid_t kernel, kernel_step;             /* of /kernels, one longer at each snapshot */
    hsize_t n_steps, n_snapshots, batch_width;
    int32_t *batch_row;
    int16_t *augment_row;                  /* (batch or training rows, 3) */
    hsize_t augment_width;
    size_t train, test, outputs, parameters;
    const struct job *job;
    hid_t real;                            /* file type of what the network computes with */
    char *path, *temporary;
    struct error err;                      /* the first one; callbacks have nowhere else to tell it */
};

/* Opens a group, or makes it. */
static hid_t group_at(struct trace *t, const char *name)
{
    bool exists = H5Lexists(t->file, name, H5P_DEFAULT) > 0;
    hid_t group = exists ? H5Gopen2(t->file, name, H5P_DEFAULT)
                         : H5Gcreate2(t->file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    return group >= 0 ? group : hdf_error(&t->err, ERROR_FILE, "cannot create group %s", name);
}

/* Numbers given as double, in the precision of the run. */
static int put_reals(struct trace *t, hid_t group, const char *name, int rank, const hsize_t *dims,
                     const double *values)
{
    return hdf_put(group, name, t->real, H5T_NATIVE_DOUBLE, rank, dims, values, &t->err);
}

/* --- /data and /probe --- */

/* Rows of a part, a few at a time: a whole test set in double would be as large as the job. */
static int put_part(struct trace *t, hid_t group, const char *name, const struct split *split,
                    enum data_part part, bool targets)
{
    const struct dataset *set = split->set;
    hsize_t dims[1 + DATA_MAX_DIMS] = {split->count[part]}, count[1 + DATA_MAX_DIMS], start[1 + DATA_MAX_DIMS] = {0};
    int rank = targets ? 2 : 1 + set->n_dims, status = -1;
    for (int i = 1; i < rank; i++)
        dims[i] = targets ? set->outputs : set->shape[i - 1];
    size_t width = targets ? set->outputs : set->train.features;
    bool is_double = t->job->training.precision == PRECISION_DOUBLE;
    int (*inputs)(const struct split *, enum data_part, size_t, size_t, double *, struct error *) =
        targets ? (is_double ? trace_targets_double : trace_targets_single)
                : (is_double ? trace_inputs_double : trace_inputs_single);
    double *rows = mem_alloc(ROWS_AT_ONCE * width, sizeof *rows, &t->err);
    hid_t dataset = rows ? hdf_create(group, name, t->real, H5T_NATIVE_DOUBLE, rank, dims, NULL, &t->err) : -1;
    if (dataset < 0)
        goto done;
    hid_t space = H5Dget_space(dataset);
    status = 0;
    memcpy(count, dims, sizeof count);
    for (start[0] = 0; start[0] < dims[0] && !status; start[0] += count[0]) {
        count[0] = dims[0] - start[0] < ROWS_AT_ONCE ? dims[0] - start[0] : ROWS_AT_ONCE;
        hid_t memory = H5Screate_simple(rank, count, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
        status = inputs(split, part, start[0], count[0], rows, &t->err);
        if (!status && H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, rows) < 0)
            status = hdf_error(&t->err, ERROR_FILE, "%s cannot be written", name);
        H5Sclose(memory);
    }
    H5Sclose(space);
    H5Dclose(dataset);
done:
    mem_free(rows);
    return status;
}

static int put_data(struct trace *t, const struct split *split)
{
    hid_t group = group_at(t, "data");
    if (group < 0)
        return -1;
    int status = put_part(t, group, "train_x", split, PART_TRAIN, false)
                 || put_part(t, group, "train_y", split, PART_TRAIN, true)
                 || put_part(t, group, "test_x", split, PART_TEST, false)
                 || put_part(t, group, "test_y", split, PART_TEST, true);
    H5Gclose(group);
    return status ? -1 : 0;
}

static int put_probe(struct trace *t, const struct split *split)
{
    hsize_t n = split->count[PART_PROBE];
    hid_t group = group_at(t, "probe");
    int64_t *index = mem_alloc(n, sizeof *index, &t->err);
    uint8_t *is_test = mem_alloc(n, 1, &t->err);
    int status = -1;
    if (group < 0 || !index || !is_test)
        goto done;
    for (size_t i = 0; i < n; i++) {
        index[i] = (int64_t)split->row[PART_PROBE][i];
        is_test[i] = i >= split->probe_train;
    }
    status = put_part(t, group, "x", split, PART_PROBE, false)
             || hdf_put(group, "index", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, &n, index, &t->err)
             || hdf_put(group, "is_test", H5T_STD_U8LE, H5T_NATIVE_UINT8, 1, &n, is_test, &t->err) ? -1 : 0;
done:
    mem_free(index);
    mem_free(is_test);
    if (group >= 0)
        H5Gclose(group);
    return status;
}

/* --- /parameters --- */

static int put_tensors(struct trace *t, hid_t group, const struct tensor *tensors, size_t n)
{
    hsize_t dims[2] = {n, TENSOR_MAX_DIMS};
    int status = -1;
    const char **names = mem_alloc(n, sizeof *names, &t->err);
    int64_t *numbers = mem_alloc(n, (2 + TENSOR_MAX_DIMS) * sizeof *numbers, &t->err);
    hid_t text = hdf_type_text(H5T_VARIABLE);
    if (!names || !numbers)
        goto done;
    int64_t *offset = numbers, *size = numbers + n, *shape = numbers + 2 * n;
    for (size_t i = 0; i < n; i++) {
        names[i] = tensors[i].name;
        offset[i] = (int64_t)tensors[i].offset;
        size[i] = (int64_t)tensors[i].size;
        for (size_t d = 0; d < tensors[i].n_dims; d++)
            shape[i * TENSOR_MAX_DIMS + d] = (int64_t)tensors[i].shape[d];
    }
    status = hdf_put(group, "name", text, text, 1, dims, names, &t->err)
             || hdf_put(group, "offset", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, dims, offset, &t->err)
             || hdf_put(group, "size", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, dims, size, &t->err)
             || hdf_put(group, "shape", H5T_STD_I64LE, H5T_NATIVE_INT64, 2, dims, shape, &t->err) ? -1 : 0;
done:
    H5Tclose(text);
    mem_free(names);
    mem_free(numbers);
    return status;
}

/* --- the onlooker --- */

/* The widest batch is known when the run starts. */
static int create_augment(struct trace *t)
{
    t->augment_width = t->batch_width ? t->batch_width : t->train;
    hsize_t row[3] = {1, t->augment_width, 3};
    t->augment = hdf_create_growing(t->steps, "augment", H5T_STD_I16LE, 3, row, 64, &t->err);
    t->augment_row = mem_alloc(t->augment_width * 3, sizeof *t->augment_row, &t->err);
    return t->augment < 0 || !t->augment_row ? -1 : 0;
}

/* What the step did to each row of its batch, drawn again: a function of seed, step and row. */
static int add_augment(struct trace *t, int64_t step, const size_t *batch, size_t batch_size)
{
    const struct augmentation *augment = &t->job->data.augment;
    for (size_t i = 0; i < t->augment_width; i++) {
        size_t row = batch && i < batch_size ? batch[i] : i;
        struct augment_draw draw = augment_at(augment, t->job->training.seed_augment, step, row);
        int16_t *out = t->augment_row + 3 * i;
        out[0] = i < batch_size ? (int16_t)draw.down : 0;
        out[1] = i < batch_size ? (int16_t)draw.right : 0;
        out[2] = i < batch_size && draw.flip;
    }
    return hdf_add_row(t->augment, H5T_NATIVE_INT16, (hsize_t)step, t->augment_row, &t->err);
}

static int on_start(void *context, const struct network_spec *spec, const struct tensor *tensors, size_t n_tensors,
                    const struct split *split, const double *theta_0, size_t n_parameters)
{
    struct trace *t = context;
    hsize_t length = n_parameters;
    (void)spec;
    t->train = split->count[PART_TRAIN];
    t->test = split->count[PART_TEST];
    t->outputs = split->set->outputs;
    t->parameters = n_parameters;
    if (put_data(t, split) || put_probe(t, split) || (t->job->training.augmented && create_augment(t)))
        return -1;
    hid_t group = group_at(t, "parameters");
    if (group < 0)
        return -1;
    int status = put_tensors(t, group, tensors, n_tensors) || put_reals(t, group, "theta0", 1, &length, theta_0);
    H5Gclose(group);
    return status ? -1 : 0;
}

static int create_steps(struct trace *t)
{
    t->steps = group_at(t, "steps");
    if (t->steps < 0)
        return -1;
    t->lr = hdf_create_growing(t->steps, "lr", H5T_IEEE_F64LE, 1, NULL, STEPS_A_CHUNK, &t->err);
    t->refresh = hdf_create_growing(t->steps, "refresh", H5T_STD_U8LE, 1, NULL, STEPS_A_CHUNK, &t->err);
    t->loss = hdf_create_growing(t->steps, "loss", H5T_IEEE_F64LE, 1, NULL, STEPS_A_CHUNK, &t->err);
    if (t->job->training.batch != BATCH_FULL) {
        t->batch_width = (hsize_t)t->job->training.batch;
        hsize_t row[2] = {1, t->batch_width};
        t->batch = hdf_create_growing(t->steps, "batch", H5T_STD_I32LE, 2, row, STEPS_A_CHUNK / 8, &t->err);
        t->batch_row = mem_alloc(t->batch_width, sizeof *t->batch_row, &t->err);
        if (t->batch < 0 || !t->batch_row)
            return -1;
    }
    return t->lr < 0 || t->refresh < 0 || t->loss < 0 ? -1 : 0;
}

static int on_step(void *context, int64_t step, const size_t *batch, size_t batch_size, double lr, bool refresh,
                   double loss)
{
    struct trace *t = context;
    uint8_t flag = refresh;
    hsize_t at = t->n_steps;
    if ((hsize_t)step != at)
        return error_set(&t->err, ERROR_INTERNAL, "step %lld came after %llu steps", (long long)step,
                         (unsigned long long)at);
    if (t->batch >= 0) {
        for (size_t i = 0; i < t->batch_width; i++)
            t->batch_row[i] = i >= batch_size ? -1 : batch ? (int32_t)batch[i] : (int32_t)i;
        if (hdf_add_row(t->batch, H5T_NATIVE_INT32, at, t->batch_row, &t->err))
            return -1;
    }
    t->n_steps++;
    if (t->augment >= 0 && add_augment(t, step, batch, batch_size))
        return -1;
    return hdf_add_row(t->lr, H5T_NATIVE_DOUBLE, at, &lr, &t->err) || hdf_add_row(t->refresh, H5T_NATIVE_UINT8, at, &flag, &t->err)
           || hdf_add_row(t->loss, H5T_NATIVE_DOUBLE, at, &loss, &t->err) ? -1 : 0;
}

static int on_snapshot(void *context, int64_t step, const double *kernel, size_t probe)
{
    struct trace *t = context;
    if (t->kernel < 0) {
        hsize_t row[3] = {1, probe, probe};
        hid_t group = group_at(t, "kernels");
        if (group < 0)
            return -1;
        t->kernel = hdf_create_growing(group, "kernel", H5T_IEEE_F64LE, 3, row, 1, &t->err);
        t->kernel_step = hdf_create_growing(group, "step", H5T_STD_I64LE, 1, NULL, 64, &t->err);
        H5Gclose(group);
        if (t->kernel < 0 || t->kernel_step < 0)
            return -1;
    }
    hsize_t at = t->n_snapshots++;
    return hdf_add_row(t->kernel, H5T_NATIVE_DOUBLE, at, kernel, &t->err)
           || hdf_add_row(t->kernel_step, H5T_NATIVE_INT64, at, &step, &t->err) ? -1 : 0;
}

static int on_layers(void *context, const double *theta, size_t n_boundaries, const size_t *features,
                     const double *const *values, size_t probe)
{
    struct trace *t = context;
    hsize_t length = t->parameters;
    hid_t group = group_at(t, "at");
    if (group < 0)
        return -1;
    int64_t step = (int64_t)t->n_steps;
    int status = hdf_put(group, "step", H5T_STD_I64LE, H5T_NATIVE_INT64, 0, NULL, &step, &t->err)
                 || put_reals(t, group, "theta", 1, &length, theta) ? -1 : 0;
    for (size_t i = 0; i < n_boundaries && !status; i++) {
        char name[32];
        hsize_t dims[2] = {probe, features[i]};
        snprintf(name, sizeof name, "layer%zu", i);
        status = put_reals(t, group, name, 2, dims, values[i]);
    }
    H5Gclose(group);
    return status;
}

static int on_finish(void *context, const double *theta, size_t n_parameters, const double *train_f,
                     const double *train_f_lin, const double *test_f, const double *test_f_lin)
{
    struct trace *t = context;
    hsize_t length = n_parameters, train[2] = {t->train, t->outputs}, test[2] = {t->test, t->outputs};
    hid_t parameters = group_at(t, "parameters"), final = group_at(t, "final");
    int status = parameters < 0 || final < 0 || put_reals(t, parameters, "theta", 1, &length, theta)
                 || put_reals(t, final, "train_f", 2, train, train_f)
                 || put_reals(t, final, "train_f_lin", 2, train, train_f_lin)
                 || put_reals(t, final, "test_f", 2, test, test_f)
                 || put_reals(t, final, "test_f_lin", 2, test, test_f_lin);
    if (parameters >= 0)
        H5Gclose(parameters);
    if (final >= 0)
        H5Gclose(final);
    return status ? -1 : 0;
}

/* --- life --- */

static int put_config(struct trace *t)
{
    hid_t group = group_at(t, "config");
    if (group < 0)
        return -1;
    int status = hdf_attribute_text(group, "resolved", t->job->text, &t->err)
                 || hdf_attribute_text(group, "job_id", t->job->id, &t->err)
                 || hdf_attribute_numbers(t->file, "relin_trace_version", H5T_NATIVE_INT32, 1, &(int32_t){1}, &t->err)
                 || hdf_attribute_text(t->file, "source", "relin " RELIN_VERSION, &t->err);
    H5Gclose(group);
    return status ? -1 : 0;
}

/* Only an earlier trace may be replaced: a slip in -o must not cost a result file. */
static int check_target(const char *path, struct error *err)
{
    struct stat found;
    if (stat(path, &found))
        return 0;
    if (inspect_file(path, ERROR_USAGE, err))
        return -1;
    hid_t file = !S_ISREG(found.st_mode) ? -1 : H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    bool is_trace = file >= 0 && H5Aexists(file, "relin_trace_version") > 0;
    if (file >= 0)
        H5Fclose(file);
    return is_trace ? 0 : error_set(err, ERROR_USAGE, "%s: expected a new file or an earlier trace to write to, got a "
                                    "file that would be lost", path);
}

struct trace *trace_create(const char *path, const struct job *job, int64_t at_step,
                           struct experiment_observer *observer, struct error *err)
{
    hdf_setup();
    struct trace *t = check_target(path, err) ? NULL : mem_alloc(1, sizeof *t, err);
    struct text temporary = {0};
    if (!t)
        return NULL;
    text_add(&temporary, "%s.new", path);
    t->temporary = temporary.chars;
    t->path = strdup(path);
    t->job = job;
    t->steps = t->batch = t->augment = t->lr = t->refresh = t->loss = t->kernel = t->kernel_step = -1;
    t->real = job->training.precision == PRECISION_DOUBLE ? H5T_IEEE_F64LE : H5T_IEEE_F32LE;
    t->file = H5Fcreate(t->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (t->file < 0)
        hdf_error(&t->err, ERROR_FILE, "%s: cannot be created", t->temporary);
    if (t->file < 0 || put_config(t) || create_steps(t)) {
        trace_finish(t, false, err);
        return NULL;
    }
    *observer = (struct experiment_observer){
        .context = t, .start = on_start, .step = on_step, .snapshot = on_snapshot, .finish = on_finish,
        .at_step = at_step, .layers = at_step >= 0 ? on_layers : NULL,
    };
    return t;
}

int trace_finish(struct trace *t, bool keep, struct error *err)
{
    const hid_t datasets[] = {t->batch, t->augment, t->lr, t->refresh, t->loss, t->kernel, t->kernel_step};
    int status = t->err.code ? -1 : 0;
    for (size_t i = 0; i < sizeof datasets / sizeof *datasets; i++)
        if (datasets[i] >= 0)
            H5Dclose(datasets[i]);
    if (t->steps >= 0)
        H5Gclose(t->steps);
    if (t->file >= 0 && hdf_close_file(t->file) && !status)
        status = hdf_error(&t->err, ERROR_FILE, "%s: cannot be completed", t->temporary);
    if (status && err)
        *err = t->err;
    if (!status && keep && rename(t->temporary, t->path))
        status = error_set_errno(err, ERROR_FILE, "%s: cannot be put in place", t->path);
    if (status || !keep)
        unlink(t->temporary);
    mem_free(t->batch_row);
    mem_free(t->augment_row);
    free(t->temporary);
    free(t->path);
    mem_free(t);
    return status;
}
