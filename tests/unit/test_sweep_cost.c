/* Predicted cost and the lengths of the result file's axes. */
#include "sweep_text.h"

/* 64 inputs, 4 classes, pools of 500; nothing reads the pools. */
static const struct dataset set = {.train = {.rows = 500, .features = 64}, .test = {.rows = 300, .features = 64},
                                   .outputs = 4, .n_dims = 1, .shape = {64}};

static struct job_cost cost_with(const char *override)
{
    struct sweep sweep;
    struct job_cost cost;
    load_right(&sweep, BEGIN "grid: {architecture: b, refresh_period: 10}\n", override);
    job_predict(&sweep.jobs[0], &set, &cost);
    sweep_free(&sweep);
    ck_assert(cost.flops > 0 && cost.seconds > 0 && cost.bytes > 0);
    return cost;
}

/* From cheap to dear. */
static const char *const ladders[][4] = {
    {"training.steps=50", "training.steps=100", "training.steps=1000", "training.steps=100000"},
    {"architectures.b.widths=[4]", "architectures.b.widths=[8]", "architectures.b.widths=[8, 8]", "architectures.b.widths=[512, 512]"},
    {"data.train=10", "data.train=50", "data.train=100", "data.train=all"},
    {"grid.refresh_period=50", "grid.refresh_period=20", "grid.refresh_period=5", "grid.refresh_period=2"},
    {"training.batch=1", "training.batch=10", "training.batch=50", "training.batch=full"},
    {"kernels.snapshots=0", "kernels.snapshots=30", "kernels.snapshots=60", "kernels.snapshots=100"},
    {"kernels.probe=5", "kernels.probe=10", "kernels.probe=30", "kernels.probe=50"},
    {"training.evaluations=1", "training.evaluations=5", "training.evaluations=50", "training.evaluations=100"},
};

START_TEST(more_work_is_predicted_to_take_longer)
{
    struct job_cost before = cost_with(ladders[_i][0]);
    for (size_t k = 1; k < 4; k++) {
        struct job_cost cost = cost_with(ladders[_i][k]);
        ck_assert_msg(cost.seconds > before.seconds && cost.flops > before.flops, "%s: %g s, %g flops; %s: %g s, %g flops",
                      ladders[_i][k - 1], before.seconds, before.flops, ladders[_i][k], cost.seconds, cost.flops);
        ck_assert_msg(cost.bytes >= before.bytes, "%s: %g bytes, after %g", ladders[_i][k], cost.bytes, before.bytes);
        before = cost;
    }
}
END_TEST

START_TEST(gauss_newton_costs_more_with_less_damping_and_more_than_gradient_descent)
{
    static const char *const dampings[] = {"{trainer: gauss-newton, training.damping: 10000000}", "{trainer: gauss-newton, training.damping: 20000}",
                                           "{trainer: gauss-newton, training.damping: 5000}", "{trainer: gauss-newton, training.damping: 0}"};
    static const char *const periods[] = {"{trainer: gauss-newton, refresh_period: 10}", "{trainer: gauss-newton, refresh_period: 100}",
                                          "{trainer: gauss-newton, refresh_period: 1000}"};
    char override[100];
    struct job_cost before = cost_with("grid.refresh_period=1");
    for (size_t k = 0; k < 7; k++) {
        snprintf(override, sizeof override, "grid=%s", k < 4 ? dampings[k] : periods[k - 4]);
        struct job_cost cost = cost_with(override);
        if (k == 4)   /* K = 10: from SGD on again */
            before = cost_with("grid.refresh_period=1");
        ck_assert_msg(cost.flops > before.flops && cost.seconds > before.seconds, "%s: %g flops, after %g", override,
                      cost.flops, before.flops);
        before = cost;
    }
}
END_TEST

START_TEST(double_precision_costs_more_time_and_memory_but_no_more_flops)
{
    struct job_cost one = cost_with("training.precision=single"), two = cost_with("training.precision=double");
    ck_assert(two.seconds > one.seconds && two.bytes > one.bytes);
    ck_assert_double_eq(two.flops, one.flops);
}
END_TEST

START_TEST(a_kernel_costs_by_its_mode)
{
    struct job_cost sum = cost_with("kernels.mode=sum_of_logits"), trace = cost_with("kernels.mode=trace"),
                    full = cost_with("kernels.mode=full");
    ck_assert(sum.flops < trace.flops && trace.flops < full.flops);
    ck_assert(sum.bytes <= trace.bytes && trace.bytes < full.bytes);
}
END_TEST

static struct result_layout layout_with(const char *override)
{
    struct sweep sweep;
    struct result_layout layout;
    load_right(&sweep, BEGIN "grid: {architecture: [a, b], refresh_period: [1, 10, inf]}\n", override);
    const struct dataset *sets[16];
    ck_assert_uint_le(sweep.n_jobs, 16);
    for (size_t i = 0; i < sweep.n_jobs; i++)
        sets[i] = &set;
    sweep_layout(&sweep, sets, &layout);
    sweep_free(&sweep);
    return layout;
}

/* T = 100, K = 10: 9 refreshes; the larger of the two networks has 3 layers; 100 training rows, 50 test rows. */
START_TEST(axes_are_as_long_as_the_job_that_needs_most)
{
    struct result_layout plain = layout_with("kernels.probe=30");
    ck_assert_uint_eq(plain.refresh, 9);
    ck_assert_uint_eq(plain.layer, 3);
    ck_assert_uint_eq(plain.probe, 60);
    ck_assert_uint_eq(plain.eigenvalue, 60);
    ck_assert_uint_eq(plain.parameter, 0);
    ck_assert(plain.kernel);
    ck_assert_uint_le(plain.eval, 25);
    ck_assert_uint_eq(layout_with(NULL).probe, 150);
    ck_assert_uint_eq(layout_with("training.steps=100000").refresh, 64);
    ck_assert_uint_eq(layout_with("training.steps=0").eval, 1);
    ck_assert_uint_eq(layout_with("kernels.snapshots=0").probe, 0);
    ck_assert_uint_eq(layout_with("kernels.mode=sum_of_logits").probe, 150);
    ck_assert_uint_eq(layout_with("kernels.mode=full").probe, 150 * 4);
    ck_assert_uint_eq(layout_with("kernels.mode=full").eigenvalue, 150 * 4);
    ck_assert(!layout_with("kernels.store=metrics").kernel);
    /* (64 + 1) 8 + (8 + 1) 4 + (4 + 1) 4 of b */
    ck_assert_uint_eq(layout_with("kernels.parameters=final").parameter, 576);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, more_work_is_predicted_to_take_longer, 0, (int)(sizeof ladders / sizeof *ladders));
    tcase_add_test(tests, gauss_newton_costs_more_with_less_damping_and_more_than_gradient_descent);
    tcase_add_test(tests, double_precision_costs_more_time_and_memory_but_no_more_flops);
    tcase_add_test(tests, a_kernel_costs_by_its_mode);
    tcase_add_test(tests, axes_are_as_long_as_the_job_that_needs_most);
}

UNIT_MAIN("cost of sweep files", add_tests)
