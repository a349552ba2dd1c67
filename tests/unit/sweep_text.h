/* For tests of sweep files: a sweep that is right, and loading one from a text. */
#ifndef RELIN_TESTS_SWEEP_TEXT_H
#define RELIN_TESTS_SWEEP_TEXT_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "sweep/sweep.h"
#include "unit.h"

#define DATA "data: {set: sprites, train: 100, validation: 50, test: 50}\n"
#define NETS "architectures: {a: {widths: [8]}, b: {widths: [8, 4], activation: tanh}}\n"
#define TRAINING "training: {steps: 100, lr: 0.1}\n"
#define BEGIN DATA NETS TRAINING

/* Loads the text from a file whose path is left in path[]; override may be NULL. */
static inline int load_bytes(struct sweep *sweep, const char *text, size_t length, const char *override, char path[64],
                             struct error *err)
{
    snprintf(path, 64, "/tmp/relin_test_sweep_XXXXXX");
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, text, length), (ssize_t)length);
    close(descriptor);
    int status = sweep_load(sweep, path, &override, override != NULL, err);
    unlink(path);
    return status;
}

static inline void load_right(struct sweep *sweep, const char *text, const char *override)
{
    char path[64];
    struct error err = {0};
    int status = load_bytes(sweep, text, strlen(text), override, path, &err);
    ck_assert_msg(status == 0, "%s\n%s", err.text, text);
}

#endif
