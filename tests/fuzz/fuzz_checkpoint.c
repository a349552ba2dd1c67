/* A job's checkpoint. The first byte of an input says whether the rest is the whole file, or a state for which
 * identity, length and CRC are made. */
#include "base/checkpoint.h"
#include "base/error.h"
#include "fuzz.h"

static const char identity[] = "job 0123456789abcdef, fuzz";

/* What a reader would ask for: counted blocks. */
static void carry(struct checkpoint *c, uint32_t *n, uint8_t block[64])
{
    checkpoint_carry(c, n, sizeof *n);
    for (uint32_t i = 0; i < *n % 64; i++)
        checkpoint_carry(c, block, i);
}

static void path_of(char path[128])
{
    snprintf(path, 128, "%s/a.checkpoints/job", fuzz_folder());
}

static void write_state(const uint8_t *data, size_t size)
{
    char path[128];
    struct error err = {0};
    path_of(path);
    struct checkpoint *c = checkpoint_write(path, identity, &err);
    FUZZ_CLAIM(c);
    checkpoint_begin(c);
    checkpoint_carry(c, (void *)data, size);
    FUZZ_CLAIM(checkpoint_seal(c, &err) == 0 && checkpoint_save(c, &err) == 0);
    checkpoint_free(c);
}

size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    char path[128];
    const uint8_t state[] = {3, 0, 0, 0, 1, 2, 3};
    path_of(path);
    if (n > 1)
        return 0;
    out[0] = (uint8_t)n;
    if (n == 1) {
        memcpy(out + 1, state, sizeof state);
        return 1 + sizeof state;
    }
    write_state(state, sizeof state);
    FILE *file = fopen(path, "rb");
    FUZZ_CLAIM(file);
    size_t size = fread(out + 1, 1, room - 1, file);
    fclose(file);
    return 1 + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    struct error err = {0};
    uint32_t n = 0;
    uint8_t block[64] = {0};
    if (size < 1)
        return 0;
    path_of(path);
    if (data[0] % 2)
        write_state(data + 1, size - 1);
    else
        fuzz_put("a.checkpoints/job", data + 1, size - 1);
    struct checkpoint *c = checkpoint_read(path, identity, &err);
    FUZZ_CLAIM(c || (err.code != ERROR_NONE && err.text[0]));
    if (c) {
        carry(c, &n, block);
        if (checkpoint_check(c, true, &err))
            FUZZ_CLAIM(err.text[0]);
        checkpoint_free(c);
    }
    return 0;
}
