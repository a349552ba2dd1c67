#include "farm/message.h"

#include <math.h>
#include <string.h>

#include "farm/record.h"
#include "sweep/failure.h"

/* Numbers on an axis, and bytes of a result: more than any memory has. */
static const double LONGEST_AXIS = 1e10, LARGEST_RESULT = 1e14;

static bool ends(const char *text, size_t room)
{
    return memchr(text, 0, room) != NULL;
}

/* One text and its final 0, and nothing behind it. */
static bool is_text(const char *bytes, size_t size)
{
    return size > 0 && memchr(bytes, 0, size) == bytes + size - 1;
}

/* Sizes of the file's axes are multiplied with each other: not before the product is known to be one. */
static bool is_layout(const uint64_t lengths[9])
{
    double l[9];
    for (int i = 0; i < 9; i++)
        if ((l[i] = (double)lengths[i]) > LONGEST_AXIS)
            return false;
    double numbers = l[0] + l[1] + l[2] * (1 + l[3] + l[4] + l[5] * l[5]) + l[6] + (1 + l[0]) * l[8];
    return lengths[7] <= 1 && 8 * VAR_COUNT * numbers < LARGEST_RESULT;
}

bool message_setup(const void *bytes, size_t size, struct message_setup *setup)
{
    const char *text = (const char *)bytes + sizeof setup->head, *end = (const char *)bytes + size;
    const struct wire_setup *head = &setup->head;
    if (size <= sizeof setup->head || end[-1])
        return false;
    memcpy(&setup->head, bytes, sizeof setup->head);
    const uint64_t *l = head->layout;
    if (!is_layout(l) || !ends(head->run, sizeof head->run) || !(head->job_wall > 0) || !(head->checkpoint > 0)
        || !(head->grace >= 0) || !(head->patience > 0))
        return false;
    uint64_t texts = 0;
    setup->sets = end;   /* none, where all jobs are programs of the user's own */
    for (const char *t = text; t < end; t += strlen(t) + 1, texts++) {
        if (texts == 0)
            setup->path = t;
        if (texts == 1)
            setup->root = t;
        if (texts == 2)
            setup->folder = t;
        if (texts == 3)
            setup->sets = t;
    }
    setup->layout = (struct result_layout){.eval = l[0], .refresh = l[1], .snapshot = l[2], .layer = l[3],
                                           .eigenvalue = l[4], .probe = l[5], .parameter = l[6], .kernel = l[7], .metric = l[8]};
    return texts >= 3 && texts - 3 == head->n_sets && setup->path[0];
}

bool message_job(const void *bytes, size_t size, uint64_t n_sets, struct wire_job *job, const char **text)
{
    if (size <= sizeof *job || !is_text((const char *)bytes + sizeof *job, size - sizeof *job))
        return false;
    memcpy(job, bytes, sizeof *job);
    *text = (const char *)bytes + sizeof *job;
    return job->set < (n_sets ? n_sets : 1) && job->attempts >= 0 && job->attempts < INT32_MAX;
}

bool message_failure(const void *bytes, size_t size, int64_t code, struct wire_failure *how, const char **why)
{
    if (size <= sizeof *how || !is_text((const char *)bytes + sizeof *how, size - sizeof *how))
        return false;
    memcpy(how, bytes, sizeof *how);
    *why = (const char *)bytes + sizeof *how;
    return code >= 0 && code < FAILURE_COUNT && ends(how->host, sizeof how->host) && ends(how->cpu_model, sizeof how->cpu_model);
}

bool message_record(const void *bytes, size_t size, struct result *result)
{
    if (size != record_size(&result->layout))
        return false;
    record_unpack(result, bytes, size);
    result_end_texts(result);
    return *(unsigned char *)result_slab(result, VAR_STATUS) == STATUS_DONE;
}

const char *message_text(const void *bytes, size_t size)
{
    return is_text(bytes, size) ? bytes : "for a reason that cannot be read";
}
