/* A job as bytes, for another process of the same program. */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "sweep/job.h"

/* struct job, its network, its list of refresh steps, its text with the 0 at its end. */
static size_t steps_size(const struct job *job)
{
    return job->training.refresh.at ? (size_t)job->training.refresh.count * sizeof *job->training.refresh.at : 0;
}

void job_pack(const struct job *job, struct text *out)
{
    text_add_bytes(out, (const char *)job, sizeof *job);
    if (job->network)
        text_add_bytes(out, (const char *)job->network, sizeof *job->network);
    text_add_bytes(out, (const char *)job->training.refresh.at, steps_size(job));
    text_add_bytes(out, job->text, strlen(job->text) + 1);
}

void job_unpack(struct job *job, void *bytes)
{
    _Static_assert(sizeof *job % 8 == 0 && sizeof *job->network % 8 == 0, "what follows is aligned as it is");
    char *next = bytes;
    assert((uintptr_t)next % _Alignof(struct job) == 0);
    memcpy(job, next, sizeof *job);
    next += sizeof *job;
    if (job->network) {
        job->network = (const struct network_spec *)next;
        next += sizeof *job->network;
    }
    if (job->training.refresh.at) {
        job->training.refresh.at = (const int64_t *)next;
        next += steps_size(job);
    }
    job->text = next;
}
