/* Settings of training and architectures, by number, for the tests of trainers. */
#ifndef RELIN_TESTS_TOY_SETTINGS_H
#define RELIN_TESTS_TOY_SETTINGS_H

#include "toy.h"

/* A setting per test index: every combination of loss, batch, momentum, decay, depth. */
static inline struct training_spec setting(int i, enum trainer_kind trainer, double refresh_period)
{
    struct training_spec spec = toy_training(trainer, refresh_period);
    spec.loss = i & 1 ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE;
    spec.batch = i & 2 ? 6 : BATCH_FULL;   /* 23 rows: three full batches and one of five */
    spec.momentum = i & 4 ? 0.8 : 0;
    spec.weight_decay = i & 8 ? 0.01 : 0;
    spec.centred = i & 16;
    spec.momentum_at_refresh = i & 32 ? MOMENTUM_RESET : MOMENTUM_KEEP;
    spec.schedule.kind = (enum schedule_kind)(i % 3);
    spec.schedule.every = 7;
    spec.schedule.factor = 0.5;
    spec.schedule.final = 0.1;
    spec.schedule.warmup = i % 5;
    return spec;
}
enum { SETTINGS = 64 };

static inline struct network_spec architecture(int i)
{
    return toy_network((size_t)(i % 3), (enum activation)(i % 4), (enum parameterisation)(i / 4 % 2));
}

static const double periods[] = {1, 2, 5, 7, 19, INFINITY};
enum { PERIODS = sizeof periods / sizeof *periods };

#endif
