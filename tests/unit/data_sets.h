/* Procedural sets as the tests of the data layer make them. */
#ifndef RELIN_TESTS_DATA_SETS_H
#define RELIN_TESTS_DATA_SETS_H

#include <string.h>

#include "base/error.h"
#include "data/dataset.h"
#include "unit.h"

static struct error err;

static inline struct data_spec sprites_spec(void)
{
    return (struct data_spec){.set = "sprites", .train = 100, .test = 100, .pool = 600, .set_seed = 4, .image_size = 32};
}

static inline struct data_spec teacher_spec(enum teacher_kind kind, enum data_task task)
{
    return (struct data_spec){.set = "teacher", .train = 100, .test = 100, .task = task, .pool = 20000, .set_seed = 2,
                              .teacher = kind, .inputs = 12, .outputs = 3, .indices = 5};
}

static inline struct dataset load(const struct data_spec *spec)
{
    struct dataset set;
    ck_assert_msg(dataset_load(&set, spec, NULL, &err) == 0, "%s", err.text);
    return set;
}

static inline bool same_pool(const struct dataset *a, const struct data_pool *p, const struct data_pool *q, size_t rows)
{
    size_t y = a->task == TASK_CLASSIFICATION ? sizeof(int32_t) : a->outputs * sizeof(float);
    return memcmp(p->x, q->x, rows * p->features * (p->bytes ? 1 : sizeof(float))) == 0
           && memcmp(p->label ? (const void *)p->label : p->target, q->label ? (const void *)q->label : q->target,
                     rows * y) == 0;
}

#endif
