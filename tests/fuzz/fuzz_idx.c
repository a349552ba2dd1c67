/* IDX files, as of MNIST. The first byte of an input says which of a set's four files the rest is, and whether it is
 * gzipped on the way (so that mutations come behind the check sum); the other three are valid. */
#include <zlib.h>

#include "base/error.h"
#include "data/dataset.h"
#include "fuzz.h"

static const char *const names[4] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                     "t10k-labels-idx1-ubyte"};
enum { ROWS = 6, SIDE = 3, GZIPPED = 4, REGRESSION = 8, KINDS = 16 };

/* A valid file of a role: images of bytes, labels of bytes, or, for regression, targets of floats. */
static size_t make(int role, int regression, uint8_t *out)
{
    static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, ROWS, 0, 0, 0, SIDE, 0, 0, 0, SIDE},
                         labels[] = {0, 0, 8, 1, 0, 0, 0, ROWS}, targets[] = {0, 0, 0x0d, 2, 0, 0, 0, ROWS, 0, 0, 0, 2};
    size_t size = 0, n;
    if (role % 2 == 0) {
        memcpy(out, images, size = sizeof images);
        for (n = 0; n < ROWS * SIDE * SIDE; n++)
            out[size++] = (uint8_t)(n * 5);
    } else if (!regression) {
        memcpy(out, labels, size = sizeof labels);
        for (n = 0; n < ROWS; n++)
            out[size++] = (uint8_t)(n % 3);
    } else {
        memcpy(out, targets, size = sizeof targets);
        for (n = 0; n < 2 * ROWS; n++, size += 4)
            memcpy(out + size, (uint8_t[]){0x3f, 0x80, (uint8_t)n, 0}, 4);
    }
    return size;
}

size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    (void)room;
    if (n >= KINDS)
        return 0;
    out[0] = (uint8_t)n;
    return 1 + make((int)n % 4, n & REGRESSION, out + 1);
}

static void put(int role, const uint8_t *bytes, size_t size, int gzipped)
{
    char name[64];
    snprintf(name, sizeof name, "tiny/%s", names[role]);
    if (!gzipped) {
        fuzz_put(name, bytes, size);
        return;
    }
    static uint8_t packed[1 << 18];
    z_stream z = {0};
    FUZZ_CLAIM(deflateInit2(&z, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = (uint8_t *)bytes;
    z.avail_in = (uInt)size;
    z.next_out = packed;
    z.avail_out = sizeof packed;
    FUZZ_CLAIM(deflate(&z, Z_FINISH) == Z_STREAM_END);
    fuzz_put(name, packed, sizeof packed - z.avail_out);
    deflateEnd(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int last_role = -1, last_regression = -1;
    uint8_t valid[512];
    struct dataset set;
    struct error err = {0};
    if (size < 1 || size > 1 << 17)
        return 0;
    int role = data[0] % 4, regression = (data[0] & REGRESSION) != 0;
    for (int r = 0; r < 4; r++)
        if (r == last_role || regression != last_regression)
            put(r, valid, make(r, regression, valid), 0);
    put(role, data + 1, size - 1, data[0] & GZIPPED);
    last_role = role;
    last_regression = regression;
    struct data_spec spec = {.set = "tiny", .train = DATA_ALL, .test = DATA_ALL,
                             .task = regression ? TASK_REGRESSION : TASK_CLASSIFICATION};
    if (dataset_load(&set, &spec, fuzz_folder(), &err))
        FUZZ_CLAIM(err.code != ERROR_NONE && strlen(err.text) > 20);
    dataset_close(&set);
    return 0;
}
