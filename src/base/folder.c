#define _GNU_SOURCE   /* nftw */
#include "base/folder.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

enum { OPEN_FOLDERS = 16 };

static int remove_one(const char *path, const struct stat *what, int kind, struct FTW *place)
{
    (void)what;
    (void)kind;
    (void)place;
    remove(path);
    return 0;
}

void folder_remove(const char *path)
{
    nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
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

double folder_written(const char *path)
{
    newest = -INFINITY;
    nftw(path, take_newest, OPEN_FOLDERS, FTW_PHYS);
    return newest;
}
