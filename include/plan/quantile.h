/* Sorted numbers and quantiles. */
#ifndef RELIN_PLAN_QUANTILE_H
#define RELIN_PLAN_QUANTILE_H

#include <stddef.h>

/* Ascending. */
void sort_numbers(double *values, size_t n);
/* order: 0 to n-1, the largest value first, of equals the first. */
void order_largest_first(const double *values, size_t n, size_t *order);
/* Quantile p of values[0..n-1], sorted ascending, interpolated; NaN of none. */
double sorted_quantile(const double *values, size_t n, double p);
/* Quantile p of the standard normal distribution; of Student's with so many degrees of freedom (whole ones up to 2000: to
 * rounding; else to 1e-3 relative, or better); of chi^2, freedom >= 1. 0 < p < 1. */
double normal_quantile(double p);
double student_quantile(double p, double freedom);
double chi_square_quantile(double p, size_t freedom);

#endif
