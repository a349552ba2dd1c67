/* When the filter engine's space is large enough, on a diagonal kernel whose every step is known. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/random.h"
#include "train/filter_space.h"
#include "unit.h"

enum { MOST = 400 };
#define TOLERANCE 1e-8
static const double ETA = 0.9;

struct diagonal { size_t n, products; };

static double eigenvalue(const struct diagonal *d, size_t i)
{
    return (double)d->n / (double)(i + 1);
}

static int apply(void *context, const double *x, double *y)
{
    struct diagonal *d = context;
    d->products++;
    for (size_t i = 0; i < d->n; i++)
        y[i] = eigenvalue(d, i) * x[i];
    return 0;
}

/* alpha after the steps of a segment, a coordinate at a time. */
static double stepped(const struct mode_rule *rule, double lambda, double r, double p, double q, int64_t steps)
{
    double alpha, beta;
    struct modes mode = {1, &lambda, &r, &p, &q};
    struct mode_state state = {.alpha = &alpha, .beta = &beta};
    modes_start(&mode, 0, &state);
    while (state.step < steps)
        modes_step(rule, &mode, &state);
    return alpha;
}

/* What an estimate of the error that errs to the safe side leaves: a 15th of the tolerance at most was seen. */
#define MOST_ERROR (TOLERANCE / 4)

/* Solves a segment from r and, where it is not NULL, p; returns the products that it took. */
static size_t solve(size_t n, size_t most, double momentum, double decay, const double *r, const double *p, int64_t steps)
{
    struct error err = {0};
    struct diagonal d = {.n = n};
    struct filter_space f;
    struct training_spec spec = {.lr = ETA, .momentum = momentum, .weight_decay = decay,
                                 .schedule = {.every = 1, .factor = 1}};
    struct mode_rule rule = mode_rule(&spec, ETA, (double)n, false);
    double x[MOST], difference = 0, norm = 0;
    ck_assert_int_eq(filter_space_create(&f, &rule, n, most, 1e-15, &err), 0);
    filter_space_clear(&f);
    ck_assert_int_eq(filter_space_begin(&f, PART_R, r, &err), 0);
    if (p)
        ck_assert_int_eq(filter_space_begin(&f, PART_P, p, &err), 0);
    int result = filter_space_converge(&f, 0, steps, TOLERANCE, 0, apply, &d, &err);
    ck_assert_msg(result == 0, "%s", err.text);
    ck_assert(modes_advance(&f.rule, &f.modes, &f.state, steps, INFINITY, f.scratch));
    filter_space_vector(&f, f.state.alpha, x);
    for (size_t i = 0; i < n; i++) {
        double expected = stepped(&rule, eigenvalue(&d, i), r[i], p ? p[i] : 0, 0, steps);
        difference += (x[i] - expected) * (x[i] - expected);
        norm += expected * expected;
    }
    ck_assert_double_le(sqrt(difference / norm), MOST_ERROR);
    filter_space_free(&f);
    return d.products;
}

static void normal(uint64_t seed, size_t n, double scale, double *x)
{
    struct random r;
    random_start(&r, seed, RANDOM_SET, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = scale * random_normal(&r);
}

START_TEST(a_small_kernel_is_taken_whole_by_two_chains)
{
    double r[MOST], p[MOST];
    for (size_t n = 1; n < 30; n++) {
        normal(n, n, 1, r);
        normal(n + 100, n, 1, p);
        ck_assert_uint_le(solve(n, n, 0, 0.01, r, p, 100000), n);
    }
}
END_TEST

START_TEST(a_start_that_is_a_multiple_of_another_costs_no_product)
{
    double r[MOST], p[MOST];
    normal(1, MOST, 1, r);
    for (size_t i = 0; i < MOST; i++)
        p[i] = 2 * r[i];
    size_t alone = solve(MOST, 200, 0, 0, r, NULL, 300);
    ck_assert_uint_le(solve(MOST, 200, 0, 1e-4, r, p, 300), alone + 8);
}
END_TEST

START_TEST(the_error_is_not_underestimated_at_any_momentum)
{
    double r[MOST];
    static const double momenta[] = {0, 0.5, 0.9, 0.99};
    normal(3, MOST, 1, r);
    for (int64_t steps = 20; steps < 300000; steps *= 7)
        for (int i = 0; i < 4; i++)
            ck_assert_uint_lt(solve(MOST, MOST, momenta[i], 0, r, NULL, steps), MOST / 2);
}
END_TEST

START_TEST(a_space_with_no_room_for_the_segment_is_an_error)
{
    double r[MOST];
    struct error err = {0};
    struct diagonal d = {.n = MOST};
    struct filter_space f;
    struct training_spec spec = {.lr = ETA, .schedule = {.every = 1, .factor = 1}};
    struct mode_rule rule = mode_rule(&spec, ETA, MOST, false);
    normal(2, MOST, 1, r);
    ck_assert_int_eq(filter_space_create(&f, &rule, MOST, 20, 1e-15, &err), 0);
    filter_space_clear(&f);
    ck_assert_int_eq(filter_space_begin(&f, PART_R, r, &err), 0);
    ck_assert_int_eq(filter_space_converge(&f, 0, 10000, TOLERANCE, 0, apply, &d, &err), -1);
    ck_assert_msg(strstr(err.text, "engine filter: after 20 products") && strstr(err.text, "set training.engine to tangent"),
                  "%s", err.text);
    filter_space_free(&f);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, a_small_kernel_is_taken_whole_by_two_chains);
    tcase_add_test(tests, a_start_that_is_a_multiple_of_another_costs_no_product);
    tcase_add_test(tests, the_error_is_not_underestimated_at_any_momentum);
    tcase_add_test(tests, a_space_with_no_room_for_the_segment_is_an_error);
}

UNIT_MAIN("filter space", add)
