#include "toy.h"
#include "train/optimiser.h"

enum { P = 1003 };   /* not a multiple of any vector's length */

struct state { real gradient[P], velocity[P], theta[P], base[P], delta[P]; };

static void draw(struct state *s)
{
    struct random r;
    random_start(&r, 31, RANDOM_SET, 0);
    toy_normal(&r, sizeof *s / sizeof(real), (real *)s);
}

START_TEST(the_update_is_that_of_heavy_ball_momentum_with_decay)
{
    static struct state s, was;
    draw(&s);
    was = s;
    optimiser_update(P, (real)0.1, (real)0.9, (real)0.01, s.gradient, s.velocity, s.theta, s.base, s.delta);
    for (size_t p = 0; p < P; p++) {
        double v = 0.9 * (double)was.velocity[p] + (double)was.gradient[p] + 0.01 * (double)was.theta[p];
        double theta = (double)was.theta[p] - 0.1 * v;
        ck_assert_double_eq_tol((double)s.velocity[p], v, 10 * REAL_EPSILON);
        ck_assert_double_eq_tol((double)s.theta[p], theta, 10 * REAL_EPSILON);
        ck_assert(s.delta[p] == s.theta[p] - s.base[p]);
    }
}
END_TEST

START_TEST(theta_has_the_same_bits_with_and_without_delta)
{
    static struct state a, b;
    draw(&a);
    b = a;
    bool momentum = _i & 1;
    real mu = momentum ? (real)0.9 : 0, decay = _i & 2 ? (real)0.01 : 0;
    for (int step = 0; step < 3; step++) {
        optimiser_update(P, (real)0.1, mu, decay, a.gradient, momentum ? a.velocity : NULL, a.theta, NULL, NULL);
        optimiser_update(P, (real)0.1, mu, decay, b.gradient, momentum ? b.velocity : NULL, b.theta, b.base, b.delta);
    }
    ck_assert_mem_eq(a.theta, b.theta, sizeof a.theta);
    ck_assert_mem_eq(a.velocity, b.velocity, sizeof a.velocity);
}
END_TEST

START_TEST(no_velocity_equals_a_momentum_of_zero)
{
    static struct state a, b;
    draw(&a);
    b = a;
    optimiser_update(P, (real)0.1, 0, (real)0.01, a.gradient, NULL, a.theta, NULL, NULL);
    optimiser_update(P, (real)0.1, 0, (real)0.01, b.gradient, b.velocity, b.theta, NULL, NULL);
    ck_assert_mem_eq(a.theta, b.theta, sizeof a.theta);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, the_update_is_that_of_heavy_ball_momentum_with_decay);
    tcase_add_loop_test(tests, theta_has_the_same_bits_with_and_without_delta, 0, 4);
    tcase_add_test(tests, no_velocity_equals_a_momentum_of_zero);
}

UNIT_MAIN("optimiser", add)
