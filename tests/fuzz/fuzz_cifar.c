/* CIFAR-10's binary files: the first byte of an input says whether the rest is a batch or the test batch. */
#include "base/error.h"
#include "data/dataset.h"
#include "fuzz.h"

enum { RECORD = 3073 };

size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    size_t records = 1 + n / 2;
    if (n >= 6 || 1 + records * RECORD > room)
        return 0;
    out[0] = n % 2;
    for (size_t i = 0; i < records * RECORD; i++)
        out[1 + i] = i % RECORD ? (uint8_t)(i * 7) : (uint8_t)(i % 10);
    return 1 + records * RECORD;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[2] = {"tiny/test_batch.bin", "tiny/data_batch_1.bin"};
    static int last = -1;
    static uint8_t valid[2 * RECORD];
    struct dataset set;
    struct error err = {0};
    if (size < 1 || size > 1 << 17)
        return 0;
    int which = data[0] % 2;
    if (last != which)
        fuzz_put(names[1 - which], valid, sizeof valid);
    fuzz_put(names[which], data + 1, size - 1);
    last = which;
    struct data_spec spec = {.set = "tiny", .train = DATA_ALL, .test = DATA_ALL};
    if (dataset_load(&set, &spec, fuzz_folder(), &err))
        FUZZ_CLAIM(err.code != ERROR_NONE && strlen(err.text) > 20);
    dataset_close(&set);
    return 0;
}
