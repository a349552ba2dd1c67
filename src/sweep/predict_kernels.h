/* What the kernels of a job cost, by formula; private to src/sweep/predict*.c and relin bench. */
#ifndef RELIN_SWEEP_PREDICT_KERNELS_H
#define RELIN_SWEEP_PREDICT_KERNELS_H

#include "sweep/job.h"

struct kernel_cost {
    double flops;     /* of the whole run, in double */
    double bytes;     /* at its peak */
};

/* inputs: rows of the probe. */
void kernel_predict(const struct job *job, const struct dataset *set, double inputs, struct kernel_cost *cost);

#endif
