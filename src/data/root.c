#include <stdlib.h>
#include <sys/stat.h>

#include "data/dataset.h"

const char *dataset_root(void)
{
    const char *root = getenv("RELIN_DATA");
    if (root && root[0])
        return root;
    struct stat status;
    return stat("data", &status) == 0 && S_ISDIR(status.st_mode) ? "data" : NULL;
}
