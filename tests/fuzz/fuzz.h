/* What the fuzz targets share. A target is one file fuzz_NAME.c with the two functions below. It is linked with
 * libFuzzer where clang is (make fuzz), and everywhere with replay.c: a driver with a mutator of its own, which
 * plays files and seeded mutations of the seeds. */
#ifndef RELIN_TESTS_FUZZ_H
#define RELIN_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Does with size bytes what the program does with such input. What must not be ends the process. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Valid inputs to start from: number n into out; returns its size (at most room), or 0 after the last. */
size_t fuzz_seed(size_t n, uint8_t *out, size_t room);

/* Something a target claims; as assert, but in every build. */
#define FUZZ_CLAIM(condition)                                                          \
    do {                                                                               \
        if (!(condition)) {                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
            abort();                                                                   \
        }                                                                              \
    } while (0)

/* The path of a file in memory with these bytes; the same path each time, so one at a time. */
static inline const char *fuzz_file(const void *bytes, size_t size)
{
    static int file = -1;
    static char path[64];
    if (file < 0) {
        file = memfd_create("fuzz", 0);
        FUZZ_CLAIM(file >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    FUZZ_CLAIM(ftruncate(file, 0) == 0 && pwrite(file, bytes, size, 0) == (ssize_t)size);
    return path;
}

/* A folder of this process in memory, made once, removed at its end. */
const char *fuzz_folder(void);
/* Writes folder/name (whose own folder is made), replacing it. */
void fuzz_put(const char *name, const void *bytes, size_t size);

#endif
