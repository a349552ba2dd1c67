/* The checkpoints of the jobs of one result file: FILE.h5.checkpoints/ID, one for each job that was stopped
 * or is running, ID its job_id; of a program of the user's own a folder (RELIN_CHECKPOINT). A job's own is removed
 * when it is done, the folder when it is empty. */
#ifndef RELIN_FARM_CHECKPOINTS_H
#define RELIN_FARM_CHECKPOINTS_H

#include <stdbool.h>
#include <stddef.h>

enum { CHECKPOINTS_PATH_SIZE = 4096 };

struct checkpoints {
    char result[CHECKPOINTS_PATH_SIZE];   /* path of the result file */
    double interval;                      /* limits.checkpoint, seconds; INFINITY: none are kept */
};

/* The path of a job's. Returns 0, or -1 where it is too long. */
int checkpoints_path(const char *result, const char *id, char *path, size_t size);
/* Is there any? */
bool checkpoints_any(const char *result);
/* Of a job that is done. */
void checkpoints_remove(const char *result, const char *id);
/* When the job's was last written (Unix seconds), the newest file of a folder's; -INFINITY: there is none. */
double checkpoints_written(const char *result, const char *id);
/* The folder, where it is empty. */
void checkpoints_remove_folder(const char *result);

#endif
