#include "math/cg.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

static double dot(size_t n, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

static int multiply(cg_operator apply, void *context, const double *x, double *y, struct error *err)
{
    return apply(context, x, y) == 0 ? 0
         : error_set(err, ERROR_JOB, "conjugate gradients: the operator could not be applied");
}

/* x from 0; r = b on entry. */
static int iterate(size_t n, cg_operator apply, void *context, double target, double accuracy, size_t most,
                   double *x, double *r, double *p, double *q, struct cg_report *report, struct error *err)
{
    double rr = dot(n, r, r), largest = 0;
    memcpy(p, r, n * sizeof *p);
    while (!(report->converged = sqrt(rr) <= target) && report->iterations < most) {
        if (multiply(apply, context, p, q, err) != 0)
            return -1;
        report->iterations++;
        double pp = dot(n, p, p), curvature = dot(n, p, q);
        largest = fmax(largest, curvature / pp);
        if (!(curvature > accuracy * largest * pp) || !isfinite(curvature))
            return 0;
        double along = rr / curvature, before = rr;
        for (size_t i = 0; i < n; i++) {
            x[i] += along * p[i];
            r[i] -= along * q[i];
        }
        rr = dot(n, r, r);
        for (size_t i = 0; i < n; i++)
            p[i] = r[i] + rr / before * p[i];
    }
    return 0;
}

int cg_solve(size_t n, cg_operator apply, void *context, const double *b, double tolerance, double accuracy,
             size_t most, double *x, struct cg_report *report, struct error *err)
{
    int result = -1;
    double norm = sqrt(dot(n, b, b));
    double *r = mem_alloc(n, sizeof *r, err), *p = mem_alloc(n, sizeof *p, err), *q = mem_alloc(n, sizeof *q, err);
    *report = (struct cg_report){.converged = norm == 0};
    memset(x, 0, n * sizeof *x);
    if (!r || !p || !q)
        goto done;
    memcpy(r, b, n * sizeof *r);
    if (iterate(n, apply, context, tolerance * norm, accuracy, most, x, r, p, q, report, err) != 0)
        goto done;
    result = 0;
    if (norm == 0 || (result = multiply(apply, context, x, q, err)) != 0)
        goto done;
    for (size_t i = 0; i < n; i++)
        r[i] = b[i] - q[i];
    report->residual = sqrt(dot(n, r, r)) / norm;
done:
    mem_free(r);
    mem_free(p);
    mem_free(q);
    return result;
}
