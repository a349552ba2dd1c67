/* Predicted cost and the lengths of the result file's axes. */
#include <math.h>

#include "base/text.h"
#include "nn/cost.h"
#include "sweep_text.h"
#include "train/engine_cost.h"

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

/* The three-stage network of sweeps/cifar10-cnn.yaml on 128 rows: 0.46 GFLOP a step, 40 GFLOP/s
 * as they are counted, with what evaluations take. */
START_TEST(thin_convolutions_are_priced_by_the_numbers_they_move)
{
    const struct network_spec cnn = {.type = NETWORK_CNN, .n_channels = 3, .channels = {8, 16, 16}, .window = 3,
                                     .convolutions = 1, .pool = 2, .pooled = -1, .pooling = POOLING_AUTO,
                                     .width_multiplier = 1, .bias = true, .sigma_w = NAN};
    struct network_size size;
    struct engine_cost cost;
    ck_assert_int_eq(network_measure(&cnn, (struct image){32, 32, 3}, 10, &size, NULL), 0);
    ck_assert_double_eq(size.patches, 32 * 32 * 9 * 3);
    ck_assert_double_eq(size.transformed, 16 * 16 * 4 * (8 + 16) + 8 * 8 * 4 * (16 + 16));
    ck_assert_double_eq(size.saved, 16 * 16 * 5 * 8 * 16 + 8 * 8 * 5 * 16 * 16);
    struct engine_sizes sizes = {.rows = 128, .outputs = 10, .batch = 128, .steps = 1, .parameters = size.parameters,
                                 .forward = 2 * (size.first + size.rest), .first = 2 * size.first,
                                 .boundary = size.boundary, .saved = 2 * size.saved, .patches = size.patches,
                                 .transformed = size.transformed, .standard = true};
    engine_cost_tangent(&sizes, &cost);
    ck_assert_double_eq_tol(cost.flops / cost.seconds, 45e9, 12e9);
    ck_assert_double_eq(engine_moved_seconds(&sizes, 20, 0, 0), 2 * engine_moved_seconds(&sizes, 10, 0, 0));
}
END_TEST

/* Counted: Fashion-MNIST, 100 to 500 rows, single precision; a teacher's 1,000 with momentum 0.9, kept. */
static const struct { double rows, outputs, steps, momentum, counted; } segments[] = {
    {250, 10, 8, 0, 8}, {250, 10, 32, 0, 18}, {500, 10, 100, 0, 18}, {100, 10, 1000, 0, 26.5}, {500, 10, 1000, 0, 36},
    {500, 10, 10000, 0, 84}, {100, 10, 30000, 0, 114}, {1000, 2, 100, 0.9, 67},
};

START_TEST(products_of_a_segment_are_those_that_were_counted)
{
    struct engine_sizes sizes = {.rows = segments[_i].rows, .outputs = segments[_i].outputs, .steps = segments[_i].steps,
                                 .momentum = segments[_i].momentum, .momentum_kept = segments[_i].momentum > 0};
    double products = filter_products(&sizes), counted = segments[_i].counted;
    ck_assert_msg(products > counted / 1.5 && products < 1.5 * counted, "%g products, %g counted", products, counted);
    sizes.double_precision = true;
    ck_assert(filter_products(&sizes) >= products);
}
END_TEST

/* 1 GiB holds 2^28 numbers of single precision, 2^27 of double. */
START_TEST(activations_are_kept_up_to_a_fixed_budget)
{
    struct engine_sizes sizes = {.boundary = 1 << 14};
    ck_assert(engine_keeps(&sizes, 1 << 14) && !engine_keeps(&sizes, (1 << 14) + 1));
    sizes.double_precision = true;
    ck_assert(engine_keeps(&sizes, 1 << 13) && !engine_keeps(&sizes, (1 << 13) + 1));
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

/* The products of the limit's Lanczos are held, and are in the image of the state, which takes twice what is in it. */
START_TEST(what_is_held_for_checkpoints_is_counted)
{
    struct job_cost plain = cost_with("training.lr=0.1"), limit = cost_with("training.lr={of_limit: 0.5}"),
                    few = cost_with("data.train=50");
    double products = (limit.bytes - plain.bytes) / 3;
    ck_assert_double_eq(products, 60.0 * 4 * 4 * 100);   /* single precision, C = 4, N = 100 */
    ck_assert(few.bytes < plain.bytes);
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

/* 100 rows, 4 classes: what auto takes. */
static const struct { const char *override, *training; enum engine engine; } choices[] = {
    {"grid.refresh_period=1", "", ENGINE_TANGENT},                      /* SGD bit for bit */
    {"grid={architecture: b, training.trainer: linearised, refresh_period: 1}", "", ENGINE_TANGENT},
    {"grid.refresh_period=2", "", ENGINE_TANGENT},                      /* a basis does not pay */
    {"grid.refresh_period=5000", ", steps: 10000", ENGINE_FILTER},
    {"grid.refresh_period=5000", ", steps: 10000, batch: 50", ENGINE_TANGENT},
    {"grid={architecture: b, refresh: [{gap: 0.1}]}", ", steps: 10000", ENGINE_TANGENT},
    {"grid={architecture: b, refresh: [{log: 3}]}", ", steps: 100000", ENGINE_FILTER},
    {"grid.refresh_period=5000", ", steps: 10000, loss: cross-entropy", ENGINE_TANGENT},
};

static void planned(struct sweep *sweep, const char *training, const char *override)
{
    struct text text = {0};
    text_add(&text, DATA NETS "training: {lr: 0.1%s%s}\ngrid: {architecture: b, refresh_period: 10}\n",
             strstr(training, "steps") ? "" : ", steps: 100", training);
    load_right(sweep, text.chars, override);
    job_plan_engine(&sweep->jobs[0], &set);
    text_free(&text);
}

START_TEST(auto_takes_the_cheapest_engine_that_can)
{
    struct sweep sweep;
    planned(&sweep, choices[_i].training, choices[_i].override);
    const struct job *job = &sweep.jobs[0];
    ck_assert_int_eq(job->training.engine, choices[_i].engine);
    ck_assert_int_eq(job->engine, ENGINE_AUTO);
    for (int e = ENGINE_TANGENT; e < ENGINE_COUNT; e++) {
        bool can = !training_engine_refusal(&job->training, (enum engine)e);
        ck_assert(isnan(job->engine_seconds[e]) == !can);
        if (can && !training_is_exact(&job->training))
            ck_assert(job->engine_seconds[job->training.engine] <= job->engine_seconds[e]);
    }
    sweep_free(&sweep);
}
END_TEST

START_TEST(the_choice_is_in_the_text_of_a_job_and_not_in_its_id)
{
    struct sweep sweep;
    struct job job;
    struct error err = {0};
    char id[HASH_HEX_SIZE];
    planned(&sweep, ", steps: 10000", "grid.refresh_period=5000");
    memcpy(id, sweep.jobs[0].id, sizeof id);
    for (int pass = 0; pass < 2; pass++) {
        enum engine engine = pass ? ENGINE_KERNEL : ENGINE_FILTER;
        ck_assert_msg(job_parse(&job, sweep.jobs[0].text, &err) == 0, "%s", err.text);
        ck_assert_str_eq(job.id, id);
        ck_assert_str_eq(job.text, sweep.jobs[0].text);
        ck_assert_int_eq(job.training.engine, engine);
        ck_assert_str_eq(job_engine_name(&job), pass ? "kernel" : "filter");
        job_free(&job);
        job_set_engine(&sweep.jobs[0], ENGINE_KERNEL);
    }
    struct job_cost kernel, tangent;
    job_predict(&sweep.jobs[0], &set, &kernel);
    job_set_engine(&sweep.jobs[0], ENGINE_TANGENT);
    job_predict(&sweep.jobs[0], &set, &tangent);
    ck_assert(kernel.seconds != tangent.seconds && kernel.bytes != tangent.bytes);
    ck_assert_int_eq(job_parse(&job, "{\"architecture\":{},\"data\":{},\"training\":{},\"kernels\":{},\"engine_planned\":\"warp\"}", &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "engine_planned: expected tangent, kernel or filter"));
    sweep_free(&sweep);
}
END_TEST

START_TEST(an_engine_that_is_asked_for_is_taken_whatever_it_costs)
{
    struct sweep sweep;
    planned(&sweep, ", engine: kernel", "grid.refresh_period=2");
    ck_assert_int_eq(sweep.jobs[0].training.engine, ENGINE_KERNEL);
    ck_assert(sweep.jobs[0].engine_seconds[ENGINE_TANGENT] < sweep.jobs[0].engine_seconds[ENGINE_KERNEL]);
    sweep_free(&sweep);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, more_work_is_predicted_to_take_longer, 0, (int)(sizeof ladders / sizeof *ladders));
    tcase_add_test(tests, gauss_newton_costs_more_with_less_damping_and_more_than_gradient_descent);
    tcase_add_test(tests, double_precision_costs_more_time_and_memory_but_no_more_flops);
    tcase_add_loop_test(tests, auto_takes_the_cheapest_engine_that_can, 0, (int)(sizeof choices / sizeof *choices));
    tcase_add_test(tests, the_choice_is_in_the_text_of_a_job_and_not_in_its_id);
    tcase_add_test(tests, an_engine_that_is_asked_for_is_taken_whatever_it_costs);
    tcase_add_test(tests, a_kernel_costs_by_its_mode);
    tcase_add_test(tests, what_is_held_for_checkpoints_is_counted);
    tcase_add_test(tests, thin_convolutions_are_priced_by_the_numbers_they_move);
    tcase_add_loop_test(tests, products_of_a_segment_are_those_that_were_counted, 0, (int)(sizeof segments / sizeof *segments));
    tcase_add_test(tests, activations_are_kept_up_to_a_fixed_budget);
    tcase_add_test(tests, axes_are_as_long_as_the_job_that_needs_most);
}

UNIT_MAIN("cost of sweep files", add_tests)
