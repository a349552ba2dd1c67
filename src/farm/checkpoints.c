#include "farm/checkpoints.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checkpoint.h"
#include "base/folder.h"

enum { ROOM = CHECKPOINTS_PATH_SIZE + 64 };

int checkpoints_path(const char *result, const char *id, char *path, size_t size)
{
    int length = snprintf(path, size, "%s.checkpoints%s%s", result, *id ? "/" : "", id);
    return length > 0 && (size_t)length < size ? 0 : -1;
}

bool checkpoints_any(const char *result)
{
    char path[ROOM];
    return checkpoints_path(result, "", path, sizeof path) == 0 && access(path, F_OK) == 0;
}

void checkpoints_remove(const char *result, const char *id)
{
    char path[ROOM];
    struct stat there;
    if (checkpoints_path(result, id, path, sizeof path))
        return;
    if (lstat(path, &there) == 0 && S_ISDIR(there.st_mode))
        folder_remove(path);
    else
        checkpoint_remove(path);
}

double checkpoints_written(const char *result, const char *id)
{
    char path[ROOM];
    return checkpoints_path(result, id, path, sizeof path) ? -INFINITY : folder_written(path);
}

void checkpoints_remove_folder(const char *result)
{
    char path[ROOM];
    if (checkpoints_path(result, "", path, sizeof path) == 0)
        rmdir(path);
}
