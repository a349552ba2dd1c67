/* What the kernels of a job cost, by formula; private to src/sweep/predict*.c and relin bench. */
#ifndef RELIN_SWEEP_PREDICT_KERNELS_H
#define RELIN_SWEEP_PREDICT_KERNELS_H

#include "sweep/job.h"

struct kernel_cost {
    double flops;     /* of the whole run, in double, */
    double eigen_flops, side;   /* and those of them that are of eigenproblems, of matrices with so many rows */
    double bytes;     /* at its peak */
};

/* inputs: rows of the probe. */
void kernel_predict(const struct job *job, const struct dataset *set, double inputs, struct kernel_cost *cost);

#endif
