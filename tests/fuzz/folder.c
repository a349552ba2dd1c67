/* A folder for targets whose input is a file of some name. */
#include <sys/stat.h>

#include "base/folder.h"
#include "fuzz.h"

static char folder[64];
static pid_t owner;

static void remove_folder(void)
{
    if (getpid() == owner)
        folder_remove(folder);
}

const char *fuzz_folder(void)
{
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "%s/relin-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        FUZZ_CLAIM(mkdtemp(folder));
        owner = getpid();
        atexit(remove_folder);
    }
    return folder;
}

void fuzz_put(const char *name, const void *bytes, size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    mkdir(path, 0700);
    *slash = '/';
    FILE *file = fopen(path, "wb");
    FUZZ_CLAIM(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}
