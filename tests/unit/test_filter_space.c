/* The filter's space on explicit spectra: is it as right as it says, and what does it cost? */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "train/filter_space.h"
#include "unit.h"

enum { N = 400 };

struct spectrum { double lambda[N]; int products; double noise; struct random random; };

/* Theta diagonal, which Lanczos does not know. */
static int apply(void *context, const double *x, double *y)
{
    struct spectrum *s = context;
    double norm = 0;
    for (int i = 0; i < N; i++) {
        y[i] = s->lambda[i] * x[i];
        norm += y[i] * y[i];
    }
    for (int i = 0; s->noise > 0 && i < N; i++)
        y[i] += s->noise * sqrt(norm / N) * random_normal(&s->random);
    s->products++;
    return 0;
}

static struct spectrum spectrum(int i, double noise)
{
    struct spectrum s = {.noise = noise};
    for (int k = 0; k < N; k++)
        s.lambda[k] = i == 0 ? 1 / (1.0 + k) : i == 1 ? 1 / pow(1 + k, 2) : k < N / 2 ? exp(-0.05 * k) : 0;
    random_start(&s.random, 3, RANDOM_SET, 7);
    return s;
}

static void random_vector(uint64_t seed, double size, double *x)
{
    struct random r;
    random_start(&r, seed, RANDOM_SET, 1);
    for (int i = 0; i < N; i++)
        x[i] = size * random_normal(&r);
}

static struct training_spec training(int i, int64_t steps)
{
    struct training_spec spec = {.steps = steps, .schedule = {.every = 1, .factor = 1, .final = 0.1}};
    spec.momentum = i & 1 ? 0.9 : 0;
    spec.weight_decay = i & 2 ? 1e-5 : 0;
    spec.schedule.kind = i & 4 ? SCHEDULE_COSINE : SCHEDULE_CONSTANT;
    spec.lr = N * (1 + spec.momentum);   /* half the limit, lambda_max = 1 */
    return spec;
}

/* alpha (N) of the steps to `end`, from the exact modes. */
static void exact(const struct spectrum *s, const struct mode_rule *rule, const double *r, const double *p,
                  const double *q, int64_t end, double *alpha)
{
    static double beta[N], scratch[4 * N];
    struct modes modes = {N, s->lambda, r, p, q};
    struct mode_state state = {.alpha = alpha, .beta = beta};
    modes_start(&modes, 0, &state);
    ck_assert(modes_advance(rule, &modes, &state, end, INFINITY, scratch));
}

/* |x - y| / |y|, each entry weighted. */
static double apart(const double *x, const double *y, const double *weight)
{
    double difference = 0, norm = 0;
    for (int i = 0; i < N; i++) {
        double w = weight ? weight[i] : 1;
        difference += w * (x[i] - y[i]) * (x[i] - y[i]);
        norm += w * y[i] * y[i];
    }
    return sqrt(difference / norm);
}

START_TEST(alpha_is_as_right_as_was_asked_for_at_every_step_of_the_segment)
{
    static const int64_t steps[] = {3, 100, 10000, 1000000};
    static double r[N], p[N], q[N], alpha[N], expected[N];
    for (size_t k = 0; k < (_i & 4 ? 3 : 4); k++) {   /* a cosine of a million steps takes its time */
        struct spectrum s = spectrum(_i / 8, 0);
        struct training_spec spec = training(_i, steps[k]);
        struct mode_rule rule = mode_rule(&spec, spec.lr, N, false);
        struct filter_space f;
        ck_assert_int_eq(filter_space_create(&f, &rule, N, N, 1e-16, NULL), 0);
        filter_space_clear(&f);
        random_vector(1, 1, r);
        random_vector(2, spec.momentum != 0 ? 1e-3 : 0, q);
        random_vector(3, spec.weight_decay != 0 ? 10 : 0, p);
        ck_assert_int_eq(filter_space_begin(&f, PART_R, r, NULL), 0);
        ck_assert_int_eq(filter_space_begin(&f, PART_Q, q, NULL), 0);
        ck_assert_int_eq(filter_space_begin(&f, PART_P, p, NULL), 0);
        ck_assert_int_eq(filter_space_converge(&f, 0, steps[k], 1e-8, 0, apply, &s, NULL), 0);
        if (f.n_chains == 1)   /* a polynomial of degree K - 1 */
            ck_assert_int_le(s.products, (int)fmin((double)steps[k], 1.2 * sqrt(2 * (double)steps[k] * log(2e8)) + 50));
        for (int64_t step = steps[k]; step > 0; step = step * 3 / 7) {
            modes_start(&f.modes, 0, &f.state);
            ck_assert(modes_advance(&rule, &f.modes, &f.state, step, INFINITY, f.scratch));
            filter_space_vector(&f, f.state.alpha, alpha);
            exact(&s, &rule, r, p, q, step, expected);
            ck_assert_msg(apart(alpha, expected, NULL) < 2e-8 && apart(alpha, expected, s.lambda) < 2e-8,
                          "step %d of %d, %d products: %g, %g", (int)step, (int)steps[k], s.products,
                          apart(alpha, expected, NULL), apart(alpha, expected, s.lambda));
        }
        filter_space_free(&f);
    }
}
END_TEST

START_TEST(rounding_of_the_products_ends_a_segment_that_it_keeps_from_its_tolerance)
{
    static double r[N], zero[N], alpha[N], expected[N];
    struct spectrum s = spectrum(0, 1e-7);
    struct training_spec spec = training(0, 3000);
    struct mode_rule rule = mode_rule(&spec, spec.lr, N, true);
    struct filter_space f;
    ck_assert_int_eq(filter_space_create(&f, &rule, N, N, 1e-7, NULL), 0);
    filter_space_clear(&f);
    random_vector(1, 1, r);
    ck_assert_int_eq(filter_space_begin(&f, PART_R, r, NULL), 0);
    ck_assert_int_eq(filter_space_converge(&f, 0, 3000, 1e-9, 0, apply, &s, NULL), 0);
    ck_assert_int_lt(s.products, 200);
    modes_advance(&rule, &f.modes, &f.state, 3000, INFINITY, f.scratch);
    filter_space_vector(&f, f.state.alpha, alpha);
    exact(&s, &rule, r, zero, zero, 3000, expected);
    ck_assert_double_lt(apart(alpha, expected, NULL), 1e-3);
    filter_space_free(&f);
}
END_TEST

START_TEST(a_space_that_is_full_too_early_is_an_error_that_says_what_to_set)
{
    static double r[N];
    struct spectrum s = spectrum(0, 0);
    struct training_spec spec = training(0, 10000);
    struct error err = {0};
    for (int single = 0; single < 2; single++) {
        struct mode_rule rule = mode_rule(&spec, spec.lr, N, single);
        struct filter_space f;
        ck_assert_int_eq(filter_space_create(&f, &rule, N, 20, 1e-16, NULL), 0);
        filter_space_clear(&f);
        random_vector(1, 1, r);
        ck_assert_int_eq(filter_space_begin(&f, PART_R, r, NULL), 0);
        ck_assert_int_eq(filter_space_converge(&f, 0, 10000, 1e-8, 0, apply, &s, &err), -1);
        ck_assert_msg(strstr(err.text, "engine filter: after 20 products with the kernel the segment of 10000 steps from step 0 is right to ")
                      && strstr(err.text, "expected 1.0e-08: set training.engine to tangent"), "%s", err.text);
        ck_assert_int_eq(strstr(err.text, "training.precision to double") != NULL, single);
        filter_space_free(&f);
    }
}
END_TEST

START_TEST(a_velocity_costs_products_only_where_it_matters)
{
    static double r[N], q[N];
    int products[3];
    for (int which = 0; which < 3; which++) {   /* no velocity; after a segment that has converged; of note */
        struct spectrum s = spectrum(0, 0);
        struct training_spec spec = training(1, 100000);
        struct mode_rule rule = mode_rule(&spec, spec.lr, N, false);
        struct filter_space f;
        ck_assert_int_eq(filter_space_create(&f, &rule, N, N, 1e-16, NULL), 0);
        filter_space_clear(&f);
        random_vector(1, 1, r);
        random_vector(2, which == 0 ? 0 : which == 1 ? 1e-19 : 1e-4, q);
        ck_assert_int_eq(filter_space_begin(&f, PART_R, r, NULL), 0);
        ck_assert_int_eq(filter_space_begin(&f, PART_Q, q, NULL), 0);
        ck_assert_int_eq(filter_space_converge(&f, 0, 100000, 1e-8, 0, apply, &s, NULL), 0);
        ck_assert_uint_eq(f.n_chains, which ? 2 : 1);
        products[which] = s.products;
        filter_space_free(&f);
    }
    ck_assert_int_eq(products[1], products[0]);
    ck_assert_int_gt(products[2], products[0]);
    ck_assert_int_lt(products[2], 5 * products[0] / 2);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, alpha_is_as_right_as_was_asked_for_at_every_step_of_the_segment, 0, 24);
    tcase_add_test(tests, rounding_of_the_products_ends_a_segment_that_it_keeps_from_its_tolerance);
    tcase_add_test(tests, a_space_that_is_full_too_early_is_an_error_that_says_what_to_set);
    tcase_add_test(tests, a_velocity_costs_products_only_where_it_matters);
}

UNIT_MAIN("filter space", add)
