/* What the bodies of messages say. A size or a number of a message is believed only after it was compared with the message:
 * ranks may be of different programs, where nodes have different files, and what comes from elsewhere may be damaged.
 * Nothing here calls MPI. */
#ifndef RELIN_FARM_MESSAGE_H
#define RELIN_FARM_MESSAGE_H

#include "farm/wire.h"
#include "sweep/result.h"

/* Body of TAG_SETUP. Pointers are into the body. */
struct message_setup {
    struct wire_setup head;
    struct result_layout layout;
    const char *path, *root, *folder;   /* result file, folder of data, folder that programs run in */
    const char *sets;            /* head.n_sets texts of jobs, one after the other */
};

/* All answer false where the body is none of its tag. */
bool message_setup(const void *bytes, size_t size, struct message_setup *setup);
bool message_job(const void *bytes, size_t size, uint64_t n_sets, struct wire_job *job, const char **text);
/* code: of the head. */
bool message_failure(const void *bytes, size_t size, int64_t code, struct wire_failure *how, const char **why);
bool message_record(const void *bytes, size_t size, struct result *result);
/* Of a body that is one text; one that says why where it is none. */
const char *message_text(const void *bytes, size_t size);

#endif
