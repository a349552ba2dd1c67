/* The lock file beside a result file. */
#include "base/error.h"
#include "fuzz.h"
#include "store/store.h"

size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    static const char *const seeds[] = {
        "host node17\npid 4711\nslurm_job -\nrestart 0\nsince 1700000000.125\n",
        "host node17\npid 4711\nslurm_job 12\nrestart 1\nsince 1700000000.125\nspace 0a1b-2c/pid:[4026531836]\nstarted 99\n"
        "id 0123456789abcdef\n",
        "host a\npid 1\nslurm_job 1234_5\nrestart 3\nsince 1e9\n",
    };
    if (n >= sizeof seeds / sizeof *seeds)
        return 0;
    return (size_t)snprintf((char *)out, room, "%s", seeds[n]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    struct store_lock_info info;
    struct error err = {0};
    fuzz_put("a.h5.lock", data, size);
    snprintf(path, sizeof path, "%s/a.h5", fuzz_folder());
    if (store_lock_read(path, &info))
        FUZZ_CLAIM(memchr(info.host, 0, sizeof info.host) && memchr(info.slurm_job, 0, sizeof info.slurm_job)
                   && memchr(info.space, 0, sizeof info.space) && memchr(info.id, 0, sizeof info.id));
    if (size % 8)   /* to take it costs an fsync and a thread */
        return 0;
    if (store_lock(path, &err))
        FUZZ_CLAIM(err.code != ERROR_NONE && err.text[0]);
    else
        FUZZ_CLAIM(store_lock_check(path, &err) == 0);
    store_unlock(path);
    return 0;
}
