#define _GNU_SOURCE   /* nftw */
#include "farm/checkpoints.h"

#include <ftw.h>
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

static int remove_one(const char *path, const struct stat *what, int kind, struct FTW *place)
{
    (void)what;
    (void)kind;
    (void)place;
    remove(path);
    return 0;
}

void checkpoints_remove(const char *result, const char *id)
{
    char path[ROOM];
    struct stat there;
    if (checkpoints_path(result, id, path, sizeof path))
        return;
    if (lstat(path, &there) == 0 && S_ISDIR(there.st_mode))
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    else
        checkpoint_remove(path);
}

static double newest;   /* nftw hands nothing through */

static int take_newest(const char *path, const struct stat *what, int kind, struct FTW *place)
{
    double when = (double)what->st_mtim.tv_sec + 1e-9 * (double)what->st_mtim.tv_nsec;
    (void)path;
    (void)place;
    if (kind == FTW_F && when > newest)
        newest = when;
    return 0;
}

double checkpoints_written(const char *result, const char *id)
{
    char path[ROOM];
    newest = -INFINITY;
    if (checkpoints_path(result, id, path, sizeof path) == 0)
        nftw(path, take_newest, 16, FTW_PHYS);
    return newest;
}

void checkpoints_remove_folder(const char *result)
{
    char path[ROOM];
    if (checkpoints_path(result, "", path, sizeof path) == 0)
        rmdir(path);
}
