/* The groups that describe a run: /config, /provenance, /probe; and the names of its axes. */
#define _GNU_SOURCE   /* sched_getaffinity */
#include "hdf.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/host.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/split.h"
#include "math/blas_setup.h"

/* The build defines these; a build outside git does not know its revision. */
#ifndef RELIN_GIT
#define RELIN_GIT "unknown"
#endif
#ifndef RELIN_CFLAGS
#define RELIN_CFLAGS "unknown"
#endif
#ifndef RELIN_COMPILER
#define RELIN_COMPILER "gcc " __VERSION__
#endif

/* --- axes --- */

/* Does any job refresh otherwise than at a constant period? Then refresh_period alone does not tell jobs apart. */
static bool schedule_is_axis(const struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->n_jobs; i++)
        if (sweep->jobs[i].training.refresh.kind != REFRESH_PERIOD)
            return true;
    return false;
}

/* All that tells a job from others but its trainer. */
static void add_key(const struct sweep *sweep, size_t i, struct text *key)
{
    const struct job *job = &sweep->jobs[i];
    key->length = 0;
    text_add_bytes(key, job->network->name, strlen(job->network->name) + 1);
    text_add_bytes(key, (const char *)&job->training.refresh_period, sizeof job->training.refresh_period);
    text_add_bytes(key, (const char *)&job->seed, sizeof job->seed);
    training_refresh_label(&job->training, key);
    for (size_t a = 0; a < sweep->n_axes; a++) {
        const struct sweep_axis *axis = &sweep->axes[a];
        if (axis->numeric)
            text_add_bytes(key, (const char *)&axis->number[i], sizeof axis->number[i]);
        else
            text_add_bytes(key, axis->label[i], strlen(axis->label[i]) + 1);
    }
}

/* A job by its key's hash. */
struct hashed { uint32_t hash; size_t job; };

static int compare_hashes(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Have any two of those of one hash, which are few, the same key? */
static bool is_twice(const struct sweep *sweep, const struct hashed *first, size_t n)
{
    struct text a = {0}, b = {0};
    bool same = false;
    for (size_t i = 0; i + 1 < n && !same; i++) {
        add_key(sweep, first[i].job, &a);
        for (size_t k = i + 1; k < n && !same; k++) {
            add_key(sweep, first[k].job, &b);
            same = a.length == b.length && memcmp(a.chars, b.chars, a.length) == 0;
        }
    }
    text_free(&a);
    text_free(&b);
    return same;
}

/* Do two jobs agree in every axis but the trainer? Then the trainer is an axis too. By default it
 * follows from K, and as an axis of its own would only tear holes into the cube. */
static bool trainer_is_axis(const struct sweep *sweep)
{
    size_t n = sweep->n_jobs;
    struct hashed *order = calloc(n, sizeof *order);
    struct text key = {0};
    bool found = false;
    if (!order)
        return false;
    for (size_t i = 0; i < n; i++) {
        add_key(sweep, i, &key);
        order[i] = (struct hashed){hash_crc32(0, key.chars, key.length), i};
    }
    qsort(order, n, sizeof *order, compare_hashes);
    for (size_t i = 0, end; i < n && !found; i = end) {
        for (end = i + 1; end < n && order[end].hash == order[i].hash; end++)
            ;
        found = end > i + 1 && is_twice(sweep, order + i, end - i);
    }
    text_free(&key);
    free(order);
    return found;
}

static void add_further_axes(const struct sweep *sweep, struct text *names)
{
    for (size_t i = 0; i < sweep->n_axes; i++)
        text_add(names, " %s", sweep->axes[i].column);
}

void describe_axes(const struct sweep *sweep, struct text *names)
{
    text_add(names, "architecture%s%s refresh_period seed", trainer_is_axis(sweep) ? " trainer" : "",
             schedule_is_axis(sweep) ? " schedule" : "");
    add_further_axes(sweep, names);
}

void describe_coordinates(const struct sweep *sweep, struct text *names)
{
    for (int id = 0; id < VAR_COUNT; id++)
        if (variables[id].writer == WRITER_SKELETON)
            text_add(names, "%s%s", names->length ? " " : "", variables[id].name);
    add_further_axes(sweep, names);
}

/* --- /config --- */

int describe_config(hid_t file, const struct sweep *sweep, struct error *err)
{
    int status = -1;
    hsize_t jobs = sweep->n_jobs;
    hid_t type = hdf_type_text(H5T_VARIABLE);
    hid_t group = H5Gcreate2(file, "config", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const char **texts = mem_alloc(sweep->n_jobs, sizeof *texts, err);
    if (!texts || group < 0)
        goto done;
    for (size_t i = 0; i < sweep->n_jobs; i++)
        texts[i] = sweep->jobs[i].text;
    status = hdf_put_text(group, "name", sweep->name, err) || hdf_put_text(group, "text", sweep->text, err)
             || hdf_put_text(group, "resolved", sweep->resolved, err)
             || (sweep->until && hdf_attribute_text(group, "until", sweep->until, err))
             || hdf_put(group, "job_text", type, type, 1, &jobs, texts, err) ? -1 : 0;
done:
    mem_free(texts);
    H5Tclose(type);
    if (group >= 0)
        H5Gclose(group);
    return status;
}

/* --- /provenance --- */

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && value[0] ? value : otherwise;
}

int describe_provenance(hid_t file, const struct store_provenance *provenance, struct error *err)
{
    char host[256], model[256], start[32], hdf[32], mpi[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    char binding[64];
    unsigned major, minor, release;
    int length;
    cpu_set_t cpus;
    host_name(host, sizeof host);
    host_cpu_model(model, sizeof model);
    clock_iso(clock_unix(), start, sizeof start);
    H5get_libversion(&major, &minor, &release);
    snprintf(hdf, sizeof hdf, "%u.%u.%u", major, minor, release);
    MPI_Get_library_version(mpi, &length);
    int allowed = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 0;
    snprintf(binding, sizeof binding, "rank 0 may use %d of %ld processors", allowed, sysconf(_SC_NPROCESSORS_ONLN));
    const struct { const char *name, *value; } texts[] = {
        {"relin_version", RELIN_VERSION},
        {"git_revision", RELIN_GIT},
        {"compiler", RELIN_COMPILER},
        {"compiler_flags", RELIN_CFLAGS},
        {"hdf5_version", hdf},
        {"mpi_version", mpi},
        {"blas_version", blas_version()},
        {"blas_core", blas_core_type()},
        {"host", host},
        {"cpu_model", model},
        {"binding", binding},
        {"mpi_io", environment("OMPI_MCA_io", "default of the library")},
        {"slurm_job", environment("SLURM_JOB_ID", "")},
        {"command_line", provenance->command_line ? provenance->command_line : ""},
        {"start", start},
    };
    hid_t group = H5Gcreate2(file, "provenance", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    int status = group < 0 ? hdf_error(err, ERROR_FILE, "cannot create group provenance") : 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !status; i++)
        status = hdf_attribute_text(group, texts[i].name, texts[i].value, err);
    if (!status)
        status = hdf_attribute_numbers(group, "ranks", H5T_NATIVE_INT32, 1,
                                       &(int32_t){provenance->ranks}, err);
    if (group >= 0)
        H5Gclose(group);
    return status;
}

/* --- /probe --- */

/* What decides the probe's rows: equal text, equal probe. */
static void probe_identity(const struct job *job, struct text *identity)
{
    dataset_identity(&job->data, identity);
    text_add(identity, "\ntrain=%lld test=%lld task=%d probe=%lld", (long long)job->data.train,
             (long long)job->data.test, (int)job->data.task, (long long)job->kernels.probe);
    /* of a later measurement, beyond the probe that the training rows were drawn with */
    if (job->kernels.probe > job_drawn_probe(job))
        text_add(identity, " drawn=%lld seed=%llu", (long long)job_drawn_probe(job),
                 (unsigned long long)job->training.seed_data);
}

/* At a glance: neighbours mostly have it. */
static bool probe_is_same(const struct job *a, const struct job *b)
{
    return memcmp(&a->data, &b->data, sizeof a->data) == 0 && a->kernels.probe == b->kernels.probe
           && job_drawn_probe(a) == a->kernels.probe && job_drawn_probe(b) == b->kernels.probe
           && a->training.trainer != TRAINER_COMMAND && b->training.trainer != TRAINER_COMMAND;
}

static void raw_row(const struct data_pool *pool, size_t row, float *x)
{
    for (size_t j = 0; j < pool->features; j++) {
        size_t at = row * pool->features + j;
        x[j] = pool->bytes ? (float)((const unsigned char *)pool->x)[at] / 255.0f : ((const float *)pool->x)[at];
    }
}

static int put_probe(hid_t group, const struct job *job, const struct dataset *set, const char *identity,
                     struct error *err)
{
    int status = -1;
    struct split split = {0};
    int64_t *index = NULL;
    uint8_t *is_test = NULL;
    float *x = NULL;
    if (split_draw(&split, set, &job->data, job->training.seed_data, (size_t)job_drawn_probe(job), err)
        || split_take_probe(&split, (size_t)job->kernels.probe, err))
        goto done;
    size_t n = split.count[PART_PROBE], features = set->train.features;
    hsize_t dims[1 + DATA_MAX_DIMS] = {n};
    for (int i = 0; i < set->n_dims; i++)
        dims[1 + i] = set->shape[i];
    index = mem_alloc(n, sizeof *index, err);
    is_test = mem_alloc(n, 1, err);
    x = mem_alloc(n * features, sizeof *x, err);
    if (!index || !is_test || !x)
        goto done;
    for (size_t i = 0; i < n; i++) {
        size_t row = split.row[PART_PROBE][i];
        is_test[i] = i >= split.probe_train;
        index[i] = (int64_t)row;
        raw_row(is_test[i] ? &set->test : &set->train, row, x + i * features);
    }
    status = hdf_attribute_text(group, "data", identity, err)
             || hdf_put(group, "index", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, dims, index, err)
             || hdf_put(group, "is_test", H5T_STD_U8LE, H5T_NATIVE_UINT8, 1, dims, is_test, err)
             || hdf_put(group, "x", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1 + set->n_dims, dims, x, err) ? -1 : 0;
done:
    mem_free(index);
    mem_free(is_test);
    mem_free(x);
    split_free(&split);
    return status;
}

int describe_probe(hid_t file, const struct sweep *sweep, const struct dataset *const *sets, struct error *err)
{
    size_t n_known = 0;
    int status = 0;
    hsize_t jobs = sweep->n_jobs;
    char **known = calloc(sweep->n_jobs, sizeof *known);
    int32_t *number = mem_alloc(sweep->n_jobs, sizeof *number, err);
    hid_t group = H5Gcreate2(file, "probe", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (!known || !number || group < 0)
        status = -1;
    for (size_t i = 0; i < sweep->n_jobs && !status; i++) {
        struct text identity = {0};
        size_t k = 0;
        if (sweep->jobs[i].training.trainer == TRAINER_COMMAND) {
            number[i] = -1;
            continue;
        }
        if (i && probe_is_same(&sweep->jobs[i], &sweep->jobs[i - 1])) {
            number[i] = number[i - 1];
            continue;
        }
        probe_identity(&sweep->jobs[i], &identity);
        while (k < n_known && strcmp(known[k], identity.chars) != 0)
            k++;
        number[i] = (int32_t)k;
        if (k < n_known) {
            text_free(&identity);
            continue;
        }
        known[n_known++] = identity.chars;
        char name[32];
        snprintf(name, sizeof name, "set%zu", k);
        hid_t subgroup = H5Gcreate2(group, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        status = put_probe(subgroup, &sweep->jobs[i], sets[i], known[k], err);
        H5Gclose(subgroup);
    }
    if (!status)
        status = hdf_put(group, "set", H5T_STD_I32LE, H5T_NATIVE_INT32, 1, &jobs, number, err);
    for (size_t k = 0; k < n_known; k++)
        free(known[k]);
    free(known);
    mem_free(number);
    if (group >= 0)
        H5Gclose(group);
    return status;
}
