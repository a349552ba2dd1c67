/* Archives of numpy, as of dSprites. The first byte of an input says what the rest is: a whole archive, or one member
 * of it, for which an archive with valid sizes and check sums is made. */
#include <zlib.h>

#include "base/error.h"
#include "data/dataset.h"
#include "data/npy_header.h"
#include "fuzz.h"

enum { MEMBERS = 3, WHOLE = 3, HEADER = 4, KINDS = 5, ROWS = 24, SIDE = 4, MOST = 1 << 17 };
static const char *const names[MEMBERS] = {"imgs.npy", "latents_values.npy", "metadata.npy"};

static void number(uint8_t *out, size_t *at, uint64_t value, int bytes)
{
    for (int b = 0; b < bytes; b++)
        out[(*at)++] = (uint8_t)(value >> (8 * b));
}

static void bytes(uint8_t *out, size_t *at, const void *from, size_t size)
{
    memcpy(out + *at, from, size);
    *at += size;
}

static size_t npy(uint8_t *out, const char *header, const void *data, size_t size)
{
    size_t at = 0;
    bytes(out, &at, "\x93NUMPY\x01\x00", 8);
    number(out, &at, strlen(header), 2);
    bytes(out, &at, header, strlen(header));
    bytes(out, &at, data, size);
    return at;
}

static size_t make_member(int n, uint8_t *out)
{
    static uint8_t images[ROWS * SIDE * SIDE];
    static double latents[ROWS][6];
    for (size_t i = 0; i < ROWS; i++) {
        const double row[6] = {1, (double)(1 + i % 3), 0.5, (double)(i / 3 % 2) * 3, (double)(i / 6) / 31, 0.5};
        memcpy(latents[i], row, sizeof row);
        images[i * SIDE * SIDE] = 1;
    }
    if (n == 0)
        return npy(out, "{'descr': '|u1', 'fortran_order': False, 'shape': (24, 4, 4), }   \n", images, sizeof images);
    if (n == 1)
        return npy(out, "{'descr': '<f8', 'fortran_order': False, 'shape': (24, 6), }   \n", latents, sizeof latents);
    return npy(out, "{'descr': '|O', 'fortran_order': False, 'shape': (), }   \n", "\x80\x03no", 4);
}

static void fields(uint8_t *out, size_t *at, const char *name, const uint8_t *member, size_t size)
{
    number(out, at, 20, 2);
    number(out, at, 0, 8);   /* flags, stored, time, date */
    number(out, at, crc32(0, member, (uInt)size), 4);
    number(out, at, size, 4);
    number(out, at, size, 4);
    number(out, at, strlen(name), 2);
    number(out, at, 0, 2);
}

/* The archive of valid members but number n, which is data. */
static size_t make_archive(int n, const uint8_t *data, size_t size, uint8_t *out)
{
    static uint8_t member[MEMBERS][MOST + 1024];
    size_t at = 0, sizes[MEMBERS], offset[MEMBERS];
    for (int m = 0; m < MEMBERS; m++) {
        offset[m] = at;
        sizes[m] = m == n ? size : make_member(m, member[m]);
        if (m == n)
            memcpy(member[m], data, size);
        number(out, &at, 0x04034b50, 4);
        fields(out, &at, names[m], member[m], sizes[m]);
        bytes(out, &at, names[m], strlen(names[m]));
        bytes(out, &at, member[m], sizes[m]);
    }
    size_t directory = at;
    for (int m = 0; m < MEMBERS; m++) {
        number(out, &at, 0x02014b50, 4);
        number(out, &at, 20, 2);
        fields(out, &at, names[m], member[m], sizes[m]);
        number(out, &at, 0, 8);   /* comment, disk, attributes */
        number(out, &at, 0, 2);
        number(out, &at, offset[m], 4);
        bytes(out, &at, names[m], strlen(names[m]));
    }
    size_t length = at - directory;
    number(out, &at, 0x06054b50, 4);
    number(out, &at, 0, 4);
    number(out, &at, MEMBERS, 2);
    number(out, &at, MEMBERS, 2);
    number(out, &at, length, 4);
    number(out, &at, directory, 4);
    number(out, &at, 0, 2);
    return at;
}

size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    static const char header[] = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 64, 64)}";
    if (n >= KINDS || room < 8192)
        return 0;
    out[0] = (uint8_t)n;
    if (n == WHOLE)
        return 1 + make_archive(-1, NULL, 0, out + 1);
    if (n == HEADER) {
        memcpy(out + 1, header, sizeof header - 1);
        return sizeof header;
    }
    return 1 + make_member((int)n, out + 1);
}

static void parse_header(const uint8_t *data, size_t size)
{
    struct npy_header header;
    char *text = malloc(size + 1);
    FUZZ_CLAIM(text);
    memcpy(text, data, size);
    text[size] = 0;
    if (!npy_header_parse(text, &header))
        FUZZ_CLAIM(header.n_dims >= 0 && header.n_dims <= NPY_MAX_DIMS);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t archive[2 * MOST];
    struct dataset set;
    struct error err = {0};
    if (size < 1 || size > MOST)
        return 0;
    int kind = data[0] % KINDS;
    if (kind == HEADER) {
        parse_header(data + 1, size - 1);
        return 0;
    }
    if (kind == WHOLE)
        fuzz_put("tiny.npz", data + 1, size - 1);
    else
        fuzz_put("tiny.npz", archive, make_archive(kind, data + 1, size - 1, archive));
    struct data_spec spec = {.set = "tiny", .train = DATA_ALL, .test = DATA_ALL};
    if (dataset_load(&set, &spec, fuzz_folder(), &err))
        FUZZ_CLAIM(err.code != ERROR_NONE && strlen(err.text) > 20);
    dataset_close(&set);
    return 0;
}
