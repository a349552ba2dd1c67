/* A small archive as of dSprites, for the tests that read it whole and those that spoil it. */
#ifndef RELIN_TESTS_DSPRITES_FILES_H
#define RELIN_TESTS_DSPRITES_FILES_H

#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/dataset.h"
#include "data_files.h"
#include "npz_files.h"
#include "unit.h"

enum { ROWS = 240, SIDE = 4, IMAGE = SIDE * SIDE };

static char root[64];
static struct error err;
static struct dataset set;

static inline void make(void) { files_make(root); }
static inline void clean(void) { files_remove(root); }
static inline void empty(void) { files_empty(root); }

static unsigned char images[ROWS * IMAGE], archive[ZIP_MOST], member_bytes[4][1 << 16];
static double latents[ROWS][6];
static struct zip_member members[4];

static const char images_header[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (240, 4, 4), }      \n";
static const char latents_header[] = "{'descr': '<f8', 'fortran_order': False, 'shape': (240, 6), }      \n";
static const char object_header[] = "{'descr': '|O', 'fortran_order': False, 'shape': (), }\n";

/* Shapes, scales and places at 3 orientations each; the number of the row is written into its picture. */
static inline void invent(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        const double row[6] = {1, (double)(1 + i % 3), 0.5 + (double)(i / 9 % 3) / 10, (double)(i / 3 % 3) * 2.1,
                               (double)(i / 27 % 4) / 31, (double)(i / 108) / 31};
        memcpy(latents[i], row, sizeof row);
        for (size_t k = 0; k < IMAGE; k++)
            images[i * IMAGE + k] = (unsigned char)(i >> k & 1);
    }
}

/* Member n of the archive: a header and data. */
static inline void put_member(size_t n, const char *name, const char *header, const void *data, size_t size)
{
    members[n] = (struct zip_member){.name = name, .bytes = member_bytes[n], .deflate = n % 2 == 0};
    members[n].size = npy_bytes(member_bytes[n], header, data, size);
}

static inline void prepare(void)
{
    invent();
    put_member(0, "metadata.npy", object_header, "\x80\x03not to be decoded", 20);
    put_member(1, "latents_values.npy", latents_header, latents, sizeof latents);
    put_member(2, "imgs.npy", images_header, images, sizeof images);
    put_member(3, "latents_classes.npy", object_header, "\x80\x03", 2);
}

static inline size_t write_archive(const char *name)
{
    size_t size = zip_bytes(members, 4, archive);
    files_write_raw(root, name, archive, size);
    return size;
}

static inline struct data_spec tiny_spec(enum data_task task, enum data_target target)
{
    return (struct data_spec){.set = "tiny", .train = DATA_ALL, .test = DATA_ALL, .task = task, .target = target};
}

static inline int load(enum data_task task, enum data_target target)
{
    struct data_spec spec = tiny_spec(task, target);
    memset(&err, 0, sizeof err);
    return dataset_load(&set, &spec, root, &err);
}

/* Loading fails, and the message has both of these. */
static inline void refuse(const char *first, const char *second)
{
    size_t held = mem_in_use();
    ck_assert_int_eq(load(TASK_CLASSIFICATION, TARGET_AUTO), -1);
    ck_assert_int_eq(err.code, ERROR_DATA);
    ck_assert_ptr_null(set.map);
    ck_assert_uint_eq(mem_in_use(), held);
    ck_assert_msg(strstr(err.text, first) && strstr(err.text, second), "no '%s', '%s' in: %s", first, second, err.text);
}

#endif
