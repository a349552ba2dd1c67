/* The skeleton of a result file: every dataset, scale and attribute, filled with "not there yet".
 * Written serially by one process, since metadata is frozen afterwards. */
#include "skeleton.h"

#include <assert.h>
#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "seal.h"
#include "sweep/program.h"

const struct axis_text axis_texts[AXIS_COUNT] = {
    [AXIS_JOB] = {"1", "row of the job, in the order of the expanded grid", true, true},
    [AXIS_EVAL] = {"1", "number of the evaluation along training", true, false},
    [AXIS_REFRESH] = {"1", "number of the logged refresh", true, false},
    [AXIS_SNAPSHOT] = {"1", "number of the kernel snapshot", false, true},
    [AXIS_LAYER] = {"1", "number of the layer, among layers with parameters", false, true},
    [AXIS_EIGENVALUE] = {"1", "rank of the eigenvalue, 0 the largest", false, true},
    [AXIS_PROBE] = {"1", "row of the probe set; in full mode times the outputs, plus the output", false, true},
    [AXIS_PROBE2] = {"1", "row of the probe set (in full mode times the outputs, plus the output), second argument of the kernel", false, true},
    [AXIS_PARAMETER] = {"1", "position in the flat parameter vector", false, true},
    [AXIS_METRIC] = {"", "name of a number that programs report", true, false},
};

/* The one axis whose values are names: those of the first job that has any, as they are all the sweep's. */
static hid_t metric_scale(struct skeleton *s, hsize_t length)
{
    char names[METRICS_MOST][OWN_NAME_SIZE];
    const char *texts[METRICS_MOST];
    size_t n = 0;
    for (size_t i = 0; i < s->sweep->n_jobs && !n; i++)
        n = program_metrics(&s->sweep->jobs[i], names);
    assert(n == length);
    for (size_t i = 0; i < n; i++)
        texts[i] = names[i];
    hid_t type = hdf_type_text(H5T_VARIABLE);
    hid_t scale = hdf_create(s->group[GROUP_ROOT], axis_names[AXIS_METRIC], type, type, 1, &length, texts, s->err);
    H5Tclose(type);
    return scale;
}

static hid_t number_scale(struct skeleton *s, enum variable_group group, enum store_axis axis, hsize_t length)
{
    int64_t *numbers = mem_alloc(length, sizeof *numbers, s->err);
    if (!numbers)
        return -1;
    for (hsize_t i = 0; i < length; i++)
        numbers[i] = (int64_t)i;
    hid_t scale = hdf_create(s->group[group], axis_names[axis], H5T_STD_I64LE, H5T_NATIVE_INT64, 1, &length,
                             numbers, s->err);
    mem_free(numbers);
    return scale;
}

int skeleton_scale(struct skeleton *s, enum variable_group group, enum store_axis axis)
{
    hsize_t length = axis_length(s->layout, s->jobs, axis);
    if (!length || !(group == GROUP_ROOT ? axis_texts[axis].root : axis_texts[axis].kernels))
        return 0;
    hid_t scale = axis == AXIS_METRIC ? metric_scale(s, length) : number_scale(s, group, axis, length);
    s->scale[group][axis] = scale;
    if (scale < 0)
        return -1;
    if (H5DSset_scale(scale, axis_names[axis]) < 0)
        return hdf_error(s->err, ERROR_FILE, "cannot make a scale of %s", axis_names[axis]);
    return (axis_texts[axis].units[0] && hdf_attribute_text(scale, "units", axis_texts[axis].units, s->err))
           || hdf_attribute_text(scale, "long_name", axis_texts[axis].long_name, s->err) ? -1 : 0;
}

/* Everything a reader needs on a dataset of axes: scales, units, long_name. */
static int dress(struct skeleton *s, hid_t dataset, enum variable_group group, enum variable_dims dims,
                 const char *units, const char *long_name)
{
    enum store_axis axes[4];
    int rank = axis_of(dims, axes);
    for (int i = 0; i < rank; i++)
        if (H5DSattach_scale(dataset, s->scale[group][axes[i]], (unsigned)i) < 0)
            return hdf_error(s->err, ERROR_FILE, "cannot attach the scale %s", axis_names[axes[i]]);
    if (units[0] && hdf_attribute_text(dataset, "units", units, s->err))
        return -1;
    return hdf_attribute_text(dataset, "long_name", long_name, s->err);
}

static int describe_status(struct skeleton *s, hid_t dataset)
{
    static const uint8_t values[] = {STATUS_PENDING, STATUS_RUNNING, STATUS_DONE, STATUS_FAILED, STATUS_SKIPPED};
    return hdf_attribute_numbers(dataset, "flag_values", H5T_NATIVE_UINT8, STATUS_COUNT, values, s->err)
           || hdf_attribute_text(dataset, "flag_meanings", JOB_STATUS_MEANINGS, s->err) ? -1 : 0;
}

static int describe_variable(struct skeleton *s, hid_t dataset, enum variable_id id, const void *fill)
{
    const struct variable *v = &variables[id];
    if (dress(s, dataset, v->group, v->dims, v->units, v->long_name)
        || hdf_attribute_text(dataset, "coordinates", s->coordinates.chars, s->err))
        return -1;
    /* on integers it would turn them into floats in xarray */
    if ((v->type == TYPE_F64 || v->type == TYPE_F32)
        && hdf_attribute_numbers(dataset, "_FillValue", hdf_type_memory(v->type), 1, fill, s->err))
        return -1;
    if ((v->type == TYPE_TEXT16 || v->type == TYPE_TEXT64 || v->type == TYPE_TEXT256)
        && hdf_attribute_text(dataset, "_Encoding", "utf-8", s->err))
        return -1;
    return id == VAR_STATUS ? describe_status(s, dataset) : 0;
}

/* One variable of the table, filled. */
int skeleton_variable(struct skeleton *s, enum variable_id id)
{
    const struct variable *v = &variables[id];
    enum store_axis axes[4];
    hsize_t dims[4];
    unsigned char fill[8];
    int rank = axis_of(v->dims, axes), status = -1;
    for (int i = 0; i < rank; i++)
        dims[i] = axis_length(s->layout, s->jobs, axes[i]);
    hid_t type = hdf_type_file(v->type), space = H5Screate_simple(rank, dims, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    variable_fill(id, fill);
    H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
    /* large blocks are not filled: they read as zeros, and n_snapshots and status say what is there */
    bool large = v->dims == DIMS_KERNEL || v->dims == DIMS_PARAMETER;
    H5Pset_fill_time(creation, large ? H5D_FILL_TIME_NEVER : H5D_FILL_TIME_ALLOC);
    if (H5Tget_class(type) != H5T_STRING)
        H5Pset_fill_value(creation, hdf_type_memory(v->type), fill);
    hid_t dataset = H5Dcreate2(s->group[v->group], v->name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (dataset < 0) {
        hdf_error(s->err, ERROR_FILE, "cannot create dataset %s", v->name);
    } else {
        status = describe_variable(s, dataset, id, fill);
        H5Dclose(dataset);
    }
    H5Pclose(creation);
    H5Sclose(space);
    hdf_type_close(type);
    return status;
}

/* A (job) dataset of numbers or texts, known with the skeleton. */
static int write_known(struct skeleton *s, enum variable_group group, const char *name, enum variable_type type,
                       const void *values, const char *units, const char *long_name, bool coordinate)
{
    hsize_t length = s->sweep->n_jobs;
    double nan = NAN;
    hid_t file_type = hdf_type_file(type), memory_type = hdf_type_memory(type);
    hid_t dataset = hdf_create(s->group[group], name, file_type, memory_type, 1, &length, values, s->err);
    int status = dataset < 0 ? -1 : dress(s, dataset, group, DIMS_JOB, units, long_name);
    if (!status && type == TYPE_F64)
        status = hdf_attribute_numbers(dataset, "_FillValue", H5T_NATIVE_DOUBLE, 1, &nan, s->err);
    if (!status && !coordinate)
        status = hdf_attribute_text(dataset, "coordinates", s->coordinates.chars, s->err);
    if (!status)
        status = seal_column(dataset, s->err);
    if (dataset >= 0)
        H5Dclose(dataset);
    hdf_type_close(file_type);
    hdf_type_close(memory_type);
    return status;
}

/* A column that says what a job is. In both groups, since xarray opens one group at a time and the kernels
 * are selected by the same names. */
static int write_column(struct skeleton *s, const char *name, enum variable_type type, const void *values,
                        const char *units, const char *long_name)
{
    return write_known(s, GROUP_ROOT, name, type, values, units, long_name, true)
           || write_known(s, GROUP_KERNELS, name, type, values, units, long_name, true) ? -1 : 0;
}

/* The value of one table variable of writer SKELETON or PLAN for a job, into value. */
static void job_value(const struct job *job, enum variable_id id, void *value)
{
    const struct training_spec *t = &job->training;
    switch (id) {
    case VAR_JOB_ID: *(const char **)value = job->id; break;
    case VAR_ARCHITECTURE: *(const char **)value = job->network->name[0] ? job->network->name : "-"; break;
    case VAR_REFRESH_PERIOD: *(double *)value = t->refresh_period; break;
    case VAR_SEED: *(int64_t *)value = job->seed; break;
    case VAR_ENGINE_PLANNED: *(const char **)value = job_engine_name(job); break;
    case VAR_PREDICTED_SECONDS_TANGENT: *(double *)value = job->engine_seconds[ENGINE_TANGENT]; break;
    case VAR_PREDICTED_SECONDS_KERNEL: *(double *)value = job->engine_seconds[ENGINE_KERNEL]; break;
    case VAR_PREDICTED_SECONDS_FILTER: *(double *)value = job->engine_seconds[ENGINE_FILTER]; break;
    default: *(double *)value = training_feature_updates(t); break;
    }
}

static int write_table_column(struct skeleton *s, enum variable_id id, unsigned char *values)
{
    const struct variable *v = &variables[id];
    for (size_t job = 0; job < s->sweep->n_jobs; job++)
        job_value(&s->sweep->jobs[job], id, values + 8 * job);
    if (v->writer == WRITER_PLAN)
        return write_known(s, v->group, v->name, v->type, values, v->units, v->long_name, false);
    return write_column(s, v->name, v->type, values, v->units, v->long_name);
}

static void add_label(const struct job *job, enum variable_id id, struct text *label)
{
    if (id == VAR_SCHEDULE)
        training_refresh_label(&job->training, label);
    else if (!program_label(job, label))
        text_add(label, "%s", training_trainer_name(job->training.trainer));
}

/* Schedules and trainers: texts that are made for the file. */
static int write_labels(struct skeleton *s, enum variable_id id)
{
    const struct variable *v = &variables[id];
    struct text *labels = mem_alloc(s->sweep->n_jobs, sizeof *labels, s->err);
    const char **values = mem_alloc(s->sweep->n_jobs, sizeof *values, s->err);
    int status = labels && values ? 0 : -1;
    for (size_t job = 0; job < s->sweep->n_jobs && !status; job++) {
        add_label(&s->sweep->jobs[job], id, &labels[job]);
        values[job] = labels[job].chars;
    }
    if (!status)
        status = write_column(s, v->name, v->type, values, v->units, v->long_name);
    for (size_t job = 0; labels && job < s->sweep->n_jobs; job++)
        text_free(&labels[job]);
    mem_free(labels);
    mem_free(values);
    return status;
}

static int write_table_columns(struct skeleton *s)
{
    unsigned char *values = mem_alloc(s->sweep->n_jobs, 8, s->err);
    if (!values)
        return -1;
    int status = 0;
    for (int id = 0; id < VAR_COUNT && !status; id++)
        if (id == VAR_SCHEDULE || id == VAR_TRAINER)
            status = write_labels(s, (enum variable_id)id);
        else if (variables[id].writer == WRITER_SKELETON || variables[id].writer == WRITER_PLAN)
            status = write_table_column(s, (enum variable_id)id, values);
    mem_free(values);
    return status;
}

static int write_axis_column(struct skeleton *s, const struct sweep_axis *axis)
{
    size_t n = s->sweep->n_jobs;
    if (!axis->numeric)
        return write_column(s, axis->column, TYPE_TEXT, axis->label, "", axis->path);
    bool whole = axis->integral;
    for (size_t i = 0; i < n; i++)
        whole = whole && axis->number[i] == floor(axis->number[i]) && fabs(axis->number[i]) < 9e15;
    if (!whole)
        return write_column(s, axis->column, TYPE_F64, axis->number, "1", axis->path);
    int64_t *numbers = mem_alloc(n, sizeof *numbers, s->err);
    if (!numbers)
        return -1;
    for (size_t i = 0; i < n; i++)
        numbers[i] = (int64_t)axis->number[i];
    int status = write_column(s, axis->column, TYPE_I64, numbers, "1", axis->path);
    mem_free(numbers);
    return status;
}

static int write_root_attributes(struct skeleton *s, const struct store_provenance *provenance)
{
    struct text history = {0}, axes = {0};
    char now[32];
    clock_iso(clock_unix(), now, sizeof now);
    text_add(&history, "%s %s", now, provenance->command_line ? provenance->command_line : "relin");
    describe_axes(s->sweep, &axes);
    int status = hdf_attribute_text(s->file, "Conventions", "CF-1.8", s->err)
                 || hdf_attribute_text(s->file, "title", s->sweep->name, s->err)
                 || hdf_attribute_text(s->file, "history", history.chars, s->err)
                 || hdf_attribute_text(s->file, "source", "relin " RELIN_VERSION, s->err)
                 || hdf_attribute_text(s->file, "axes", axes.chars, s->err)
                 || hdf_attribute_numbers(s->file, "relin_format_version", H5T_NATIVE_INT32, 1,
                                          &(int32_t){STORE_FORMAT_VERSION}, s->err);
    text_free(&history);
    text_free(&axes);
    return status ? -1 : 0;
}

static int write_variables(struct skeleton *s)
{
    for (int group = 0; group < 2; group++)
        for (int axis = 0; axis < AXIS_COUNT; axis++)
            if (skeleton_scale(s, (enum variable_group)group, (enum store_axis)axis))
                return -1;
    if (write_table_columns(s))
        return -1;
    for (size_t i = 0; i < s->sweep->n_axes; i++)
        if (write_axis_column(s, &s->sweep->axes[i]))
            return -1;
    for (int id = 0; id < VAR_COUNT; id++)
        if (result_count(s->layout, (enum variable_id)id) > 0
            && skeleton_variable(s, (enum variable_id)id))
            return -1;
    return 0;
}

void skeleton_close(struct skeleton *s)
{
    for (int i = 0; i < AXIS_COUNT; i++)
        for (int group = 0; group < 2; group++)
            if (s->scale[group][i] >= 0)
                H5Dclose(s->scale[group][i]);
    if (s->group[GROUP_KERNELS] >= 0)
        H5Gclose(s->group[GROUP_KERNELS]);
}

int skeleton_write(const char *path, const struct sweep *sweep, const struct dataset *const *sets,
                   const struct result_layout *layout, const struct store_provenance *provenance,
                   struct error *err)
{
    struct skeleton s = {.file = -1, .group = {-1, -1}, .sweep = sweep, .jobs = sweep->n_jobs,
                         .layout = layout, .err = err};
    for (int i = 0; i < AXIS_COUNT; i++)
        s.scale[0][i] = s.scale[1][i] = -1;
    int status = -1;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18);
    s.file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    if (s.file < 0) {
        hdf_error(err, ERROR_FILE, "%s: cannot be created", path);
        goto done;
    }
    s.group[GROUP_ROOT] = s.file;
    s.group[GROUP_KERNELS] = H5Gcreate2(s.file, "kernels", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    describe_coordinates(sweep, &s.coordinates);
    if (write_root_attributes(&s, provenance) || write_variables(&s) || describe_config(s.file, sweep, err)
        || describe_provenance(s.file, provenance, err) || describe_probe(s.file, sweep, sets, err))
        goto done;
    status = 0;
done:
    skeleton_close(&s);
    if (s.file >= 0 && hdf_close_file(s.file) && !status)
        status = hdf_error(err, ERROR_FILE, "%s: cannot be completed", path);
    text_free(&s.coordinates);
    return status;
}
