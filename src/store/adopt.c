/* What a file that is resumed says of its jobs beyond their keys. */
#include "store/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "by_id.h"
#include "seal.h"

/* The rows of a file by job_id, with what was planned of each. */
struct planned {
    struct by_id rows;
    char **engines;                       /* NULL: a file without */
    double *seconds[ENGINE_COUNT];        /* NULL where there are none */
};

/* Is all of it what was written? Else jobs are planned anew, as in a new file. */
static bool is_sound(const struct store_reader *reader)
{
    for (int id = 0; id < VAR_COUNT; id++)
        if (variables[id].writer == WRITER_PLAN && !seal_holds(reader, variables[id].name))
            return false;
    return true;
}

static int read_planned(struct planned *p, const struct store_reader *reader, struct error *err)
{
    static const enum variable_id seconds[ENGINE_COUNT] = {
        [ENGINE_TANGENT] = VAR_PREDICTED_SECONDS_TANGENT,
        [ENGINE_KERNEL] = VAR_PREDICTED_SECONDS_KERNEL,
        [ENGINE_FILTER] = VAR_PREDICTED_SECONDS_FILTER,
    };
    if (by_id_read(&p->rows, reader, err))
        return -1;
    const char *name = variables[VAR_ENGINE_PLANNED].name;
    if (store_read_has(reader, name) && store_read_texts(reader, name, &p->engines, err))
        return -1;
    for (int engine = ENGINE_TANGENT; engine < ENGINE_COUNT; engine++) {
        size_t width;
        name = variables[seconds[engine]].name;
        if (store_read_has(reader, name) && store_read_numbers(reader, name, &p->seconds[engine], &width, err))
            return -1;
    }
    return 0;
}

/* Auto is younger than such a file, whose own texts of these jobs say false: verify would miss the numbers. */
static int never_stability(struct job *job, struct error *err)
{
    static const char was[] = "\"stability\":\"auto\"", is[] = "\"stability\":false";
    struct text text = {0};
    struct job again;
    const char *at = strstr(job->text, was);
    if (!at)
        return error_set(err, ERROR_INTERNAL, "the text of a job does not say its kernels.stability");
    text_add_bytes(&text, job->text, (size_t)(at - job->text));
    text_add(&text, "%s%s", is, at + sizeof was - 1);
    int status = job_parse(&again, text.chars, err);
    text_free(&text);
    if (status)
        return -1;
    memcpy(again.engine_seconds, job->engine_seconds, sizeof again.engine_seconds);
    job_free(job);
    *job = again;
    return 0;
}

static int adopt(const struct planned *p, size_t row, struct job *job, struct error *err)
{
    int engine = ENGINE_TANGENT;
    if (p->engines && job->training.trainer == TRAINER_LINEARISED)
        while (strcmp(p->engines[row], training_engine_name((enum engine)engine)) != 0)
            if (++engine == ENGINE_COUNT)
                return error_set(err, ERROR_FORMAT, "job %zu: engine_planned: expected standard, tangent, kernel or "
                                 "filter, got '%s': use the relin that wrote the file", row, p->engines[row]);
    if (job->training.trainer == TRAINER_COMMAND)
        return 0;
    const char *refusal = training_engine_exists((enum engine)engine)
                          ? training_engine_refusal(&job->training, (enum engine)engine) : "it has none of that name";
    if (refusal)
        return error_set(err, ERROR_FORMAT, "job %zu: engine_planned: the file was planned for the engine %s, which this "
                         "relin cannot use for it: %s", row, p->engines[row], refusal);
    for (int i = 0; i < ENGINE_COUNT; i++)
        job->engine_seconds[i] = p->seconds[i] ? p->seconds[i][row] : NAN;
    if (job->engine == ENGINE_AUTO)
        job_set_engine(job, (enum engine)engine);
    if (!p->engines && job->stability == STABILITY_AUTO)
        return never_stability(job, err);
    return 0;
}

int store_adopt_engines(const char *path, struct sweep *sweep, struct error *err)
{
    struct planned planned = {0};
    if (access(path, F_OK))
        return 0;
    struct store_reader *reader = store_read_open(path, err);
    bool sound = reader && is_sound(reader);
    int status = !reader ? -1 : sound ? read_planned(&planned, reader, err) : 0;
    for (size_t i = 0; i < sweep->n_jobs && sound && !status; i++) {
        size_t row = by_id_find(&planned.rows, i, sweep->jobs[i].id);
        if (row != SIZE_MAX && adopt(&planned, row, &sweep->jobs[i], err))
            status = error_prefix(err, "%s", path);
    }
    store_free_texts(planned.engines, planned.rows.n);
    by_id_free(&planned.rows);
    for (int engine = 0; engine < ENGINE_COUNT; engine++)
        mem_free(planned.seconds[engine]);
    store_read_close(reader);
    return status;
}
