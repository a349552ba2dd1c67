#include "farm/checkpoints.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checkpoint.h"

enum { ROOM = CHECKPOINTS_PATH_SIZE + 64 };

int checkpoints_path(const char *result, const char *id, char *path, size_t size)
{
    int length = snprintf(path, size, "%s.checkpoints%s%s", result, *id ? "/" : "", id);
    return length > 0 && (size_t)length < size ? 0 : -1;
}

double checkpoints_time(const char *result, const char *id)
{
    char path[ROOM];
    struct stat found;
    if (checkpoints_path(result, id, path, sizeof path) || stat(path, &found))
        return NAN;
    return (double)found.st_mtim.tv_sec + 1e-9 * (double)found.st_mtim.tv_nsec;
}

void checkpoints_remove(const char *result, const char *id)
{
    char path[ROOM];
    if (checkpoints_path(result, id, path, sizeof path) == 0)
        checkpoint_remove(path);
}

void checkpoints_remove_folder(const char *result)
{
    char path[ROOM];
    if (checkpoints_path(result, "", path, sizeof path) == 0)
        rmdir(path);
}
