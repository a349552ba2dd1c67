#include "farm/sets.h"

#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/memory.h"
#include "farm/shm.h"
#include "sweep/fit.h"

int sets_find(struct sets *sets, const struct sweep *sweep, struct error *err)
{
    struct text *identities = mem_alloc(sweep->n_jobs, sizeof *identities, err);
    *sets = (struct sets){0};
    sets->first = mem_alloc(sweep->n_jobs, sizeof *sets->first, err);
    sets->of_job = mem_alloc(sweep->n_jobs, sizeof *sets->of_job, err);
    if (!identities || !sets->first || !sets->of_job) {
        mem_free(identities);
        return -1;
    }
    for (size_t job = 0; job < sweep->n_jobs; job++) {
        if (sweep->jobs[job].training.trainer == TRAINER_COMMAND)
            continue;
        if (job && memcmp(&sweep->jobs[job].data, &sweep->jobs[job - 1].data, sizeof sweep->jobs[job].data) == 0
            && sweep->jobs[job - 1].training.trainer != TRAINER_COMMAND) {   /* as mostly */
            sets->of_job[job] = sets->of_job[job - 1];
            continue;
        }
        struct text identity = {0};
        size_t i = 0;
        dataset_identity(&sweep->jobs[job].data, &identity);
        while (i < sets->n && strcmp(identities[i].chars, identity.chars) != 0)
            i++;
        sets->of_job[job] = i;
        if (i < sets->n) {
            text_free(&identity);
            continue;
        }
        identities[i] = identity;
        sets->first[sets->n++] = job;
    }
    for (size_t i = 0; i < sets->n; i++)
        text_free(&identities[i]);
    mem_free(identities);
    return 0;
}

int sets_publish(const struct data_spec *spec, const char *root, const char *run, int rank, size_t number,
                 struct error *err)
{
    char name[SHM_NAME_SIZE];
    shm_name(name, run, rank, "data", number);
    return dataset_publish(spec, root && root[0] ? root : NULL, name, err);
}

/* One set, unless what is wrong with it was noted. */
static int prepare_one(struct sets *sets, size_t i, const struct job *job, const char *root, const char *run,
                       struct fit *fit, struct error *err)
{
    char name[SHM_NAME_SIZE];
    if (run ? sets_publish(&job->data, root, run, 0, i, err) : dataset_load(&sets->mapped[i], &job->data, root, err))
        return fit_note(fit, job, err);
    if (!run)
        return 0;
    shm_name(name, run, 0, "data", i);
    return dataset_map(&sets->mapped[i], name, err);
}

int sets_prepare(struct sets *sets, const struct sweep *sweep, const char *root, const char *run,
                 struct error *err)
{
    static const struct dataset nothing;
    int status = 0;
    sets->mapped = mem_alloc(sets->n, sizeof *sets->mapped, err);
    sets->job_set = mem_alloc(sweep->n_jobs, sizeof *sets->job_set, err);
    struct fit *fit = sets->mapped && sets->job_set ? fit_begin(sweep, err) : NULL;
    if (!fit)
        return -1;
    for (size_t i = 0; i < sets->n && status == 0; i++)
        status = prepare_one(sets, i, &sweep->jobs[sets->first[i]], root, run, fit, err);
    for (size_t job = 0; job < sweep->n_jobs && status == 0; job++) {
        bool program = sweep->jobs[job].training.trainer == TRAINER_COMMAND;
        const struct dataset *set = program ? &nothing : &sets->mapped[sets->of_job[job]];
        sets->job_set[job] = set;
        if (set->outputs)
            fit_job(fit, &sweep->jobs[job], set);
    }
    return fit_end(fit, status == 0 ? err : NULL) || status ? -1 : 0;
}

void sets_unname(const char *run, int rank, size_t n)
{
    char name[SHM_NAME_SIZE];
    for (size_t i = 0; i < n; i++) {
        shm_name(name, run, rank, "data", i);
        shm_unlink(name);
    }
}

void sets_free(struct sets *sets)
{
    for (size_t i = 0; sets->mapped && i < sets->n; i++)
        dataset_close(&sets->mapped[i]);
    mem_free(sets->mapped);
    mem_free(sets->job_set);
    mem_free(sets->first);
    mem_free(sets->of_job);
}
