/* The numbers of a snapshot in every mode, by the formulas of method.md section 5 written out for the matrix of
 * that mode; and what the file needs room for. */
#include "data/gather.h"
#include "experiment_frame.h"
#include "math/eigen.h"
#include "ntk/gram.h"
#include "ntk/probe.h"
#include "ntk/regression.h"

enum { PROBED = 2 * PROBE, MOST = PROBED * OUTPUTS, SNAPSHOTS = 4 };

static struct { double first[MOST * MOST], last[MOST * MOST]; size_t side; int n; } kernels;

static int keep(void *context, int64_t step, const double *kernel, size_t side)
{
    (void)context;
    ck_assert_int_ge(step, 0);
    memcpy(kernels.n++ ? kernels.last : kernels.first, kernel, side * side * sizeof *kernel);
    kernels.side = side;
    return 0;
}

static struct result measure(const struct job *job)
{
    size_t side = gram_side(job->kernels.mode, PROBED, OUTPUTS);
    struct result_layout layout = {.eval = EVAL, .refresh = REFRESH, .snapshot = SNAPSHOTS, .layer = 3,
                                   .eigenvalue = side, .probe = side, .parameter = PARAMETER, .kernel = 1};
    const struct experiment_observer observer = {.snapshot = keep};
    struct result result;
    result_bind(&result, &layout, mem_alloc(result_size(&layout), 1, NULL));
    result_clear(&result);
    kernels.n = 0;
    memset(&err, 0, sizeof err);
    ck_assert_msg(experiment_run(job, &set, &result, &observer, &err) == 0, "%s", err.text);
    ck_assert_int_eq(kernels.n, SNAPSHOTS);
    return result;
}

/* The targets as a mode sees them: `columns` vectors of `side` numbers. */
static double target(const double *y, bool full, size_t column, size_t row)
{
    return full ? y[row] : y[row * OUTPUTS + column];
}

/* <HKH, HLH>/(|HKH| |HLH|) over rows first .. first+n-1, H = I - 11^T/n; L NULL: the Gram matrix of targets. */
static double centred_cosine(const double *k, const double *l, const double *y, bool full, size_t first, size_t n)
{
    static double a[MOST * MOST], b[MOST * MOST];
    double *centred[2] = {a, b}, ab = 0, aa = 0, bb = 0;
    for (int which = 0; which < 2; which++) {
        double row[MOST] = {0}, column[MOST] = {0}, all = 0, *m = centred[which];
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                const double *from = which ? l : k;
                m[i * n + j] = from ? from[(first + i) * kernels.side + first + j] : 0;
                for (size_t c = 0; !from && c < (full ? 1 : OUTPUTS); c++)
                    m[i * n + j] += target(y, full, c, first + i) * target(y, full, c, first + j);
                row[i] += m[i * n + j] / (double)n;
                column[j] += m[i * n + j] / (double)n;
                all += m[i * n + j] / (double)(n * n);
            }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                m[i * n + j] += all - row[i] - column[j];
    }
    for (size_t i = 0; i < n * n; i++) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

/* Share of the centred targets in the `leading` eigenvectors of the largest eigenvalues. */
static double energy(const double *vectors, const double *y, bool full, size_t leading)
{
    size_t m = kernels.side;
    double inside = 0, whole = 0;
    for (size_t c = 0; c < (full ? 1 : OUTPUTS); c++) {
        double mean = 0;
        for (size_t i = 0; i < m; i++)
            mean += target(y, full, c, i) / (double)m;
        for (size_t i = 0; i < m; i++)
            whole += pow(target(y, full, c, i) - mean, 2);
        for (size_t j = 0; j < leading; j++) {
            double dot = 0;
            for (size_t i = 0; i < m; i++)
                dot += vectors[(m - 1 - j) * m + i] * (target(y, full, c, i) - mean);
            inside += dot * dot;
        }
    }
    return inside / whole;
}

static double last(const struct result *result, enum variable_id id)
{
    return number(result, id, SNAPSHOTS - 1);
}

static void check_matrix(const struct result *result)
{
    size_t m = kernels.side;
    const double *k = kernels.last, *k0 = kernels.first;
    double kk = 0, k00 = 0, kk0 = 0, change = 0, trace = 0, trace0 = 0;
    for (size_t i = 0; i < m * m; i++) {
        kk += k[i] * k[i];
        k00 += k0[i] * k0[i];
        kk0 += k[i] * k0[i];
        change += (k[i] - k0[i]) * (k[i] - k0[i]);
    }
    for (size_t i = 0; i < m; i++) {
        trace += k[i * m + i];
        trace0 += k0[i * m + i];
    }
    ck_assert_double_eq_tol(last(result, VAR_KERNEL_TRACE) / trace, 1, 1e-13);
    ck_assert_double_eq_tol(last(result, VAR_TRACE_RATIO), trace / trace0, 1e-13);
    ck_assert_double_eq_tol(last(result, VAR_KERNEL_DISTANCE), 1 - kk0 / sqrt(kk * k00), 1e-13);
    ck_assert_double_eq_tol(last(result, VAR_RELATIVE_CHANGE), sqrt(change / k00), 1e-13);
    ck_assert_double_eq_tol(last(result, VAR_EFFECTIVE_RANK) * kk / (trace * trace), 1, 1e-13);
    ck_assert_double_eq_tol(last(result, VAR_CKA), centred_cosine(k, k0, NULL, false, 0, m), 1e-12);
}

static void check_spectrum(const struct result *result, const struct job *job, const double *y)
{
    static double copy[MOST * MOST], vectors[MOST * MOST], values[MOST];
    size_t m = kernels.side;
    bool full = job->kernels.mode == KERNEL_FULL;
    double sum = 0, entropy = 0;
    memcpy(copy, kernels.last, m * m * sizeof *copy);
    ck_assert_int_eq(eigen_symmetric(m, copy, values, vectors, &err), 0);
    for (size_t i = 0; i < m; i++)
        sum += fmax(values[i], 0);
    for (size_t i = 0; i < m; i++) {
        entropy -= values[i] > 0 ? values[i] / sum * log(values[i] / sum) : 0;
        ck_assert_double_eq_tol(number(result, VAR_EIGENVALUES, (SNAPSHOTS - 1) * m + i), values[m - 1 - i], 1e-12 * sum);
        ck_assert_double_eq_tol(number(result, VAR_TARGET_ENERGY, (SNAPSHOTS - 1) * m + i),
                                energy(vectors, y, full, i + 1), 1e-11);
    }
    ck_assert_double_eq_tol(last(result, VAR_ENTROPY_RANK), exp(entropy), 1e-10);
    ck_assert_double_eq_tol(last(result, VAR_LAMBDA_MAX) / values[m - 1], 1, 1e-12);
    /* per input, not per row: it bounds eta for the probe's own training problem */
    ck_assert_double_eq_tol(last(result, VAR_STABILITY), job->training.lr * values[m - 1] / PROBED, 1e-12);
}

static void check_targets(const struct result *result, const struct job *job, const double *y)
{
    static double scratch[MOST * MOST];
    bool full = job->kernels.mode == KERNEL_FULL;
    size_t half = PROBE * (full ? OUTPUTS : 1);
    double loss, accuracy;
    ck_assert_double_eq_tol(last(result, VAR_TARGET_ALIGNMENT_TRAIN),
                            centred_cosine(kernels.last, NULL, y, full, 0, half), 1e-12);
    ck_assert_double_eq_tol(last(result, VAR_TARGET_ALIGNMENT_TEST),
                            centred_cosine(kernels.last, NULL, y, full, half, half), 1e-12);
    const struct regression r = {PROBE, PROBE, OUTPUTS, full, true, job->kernels.ridge, y};
    ck_assert_int_eq(regression_score(&r, kernels.last, scratch, &loss, &accuracy, &err), 0);
    ck_assert_double_eq_tol(last(result, VAR_KERNEL_REGRESSION_LOSS), loss, 1e-12);
    ck_assert(last(result, VAR_KERNEL_REGRESSION_ACCURACY) == accuracy);
    ck_assert(isfinite(last(result, VAR_KERNEL_REGRESSION_LOSS_LINEARISED)));
    ck_assert(isfinite(last(result, VAR_KERNEL_REGRESSION_ACCURACY_LINEARISED)));
}

static struct job job_in(int mode)
{
    struct job job = make_job(4, 30);
    job.kernels.mode = (enum kernel_mode)mode;
    job.kernels.ridge = 1e-3;
    return job;
}

START_TEST(every_number_is_its_formula_for_the_matrix_of_the_mode)
{
    struct job job = job_in(_i);
    struct split split;
    double y[PROBED * OUTPUTS];
    struct result result = measure(&job);
    ck_assert_int_eq(split_draw(&split, &set, &job.data, job.training.seed_data, PROBE, &err), 0);
    gather_targets(&split, PART_PROBE, NULL, 0, PROBED, y);
    ck_assert_uint_eq(kernels.side, _i == KERNEL_FULL ? MOST : PROBED);
    check_matrix(&result);
    check_spectrum(&result, &job, y);
    check_targets(&result, &job, y);
    const float *stored = result_f32(&result, VAR_KERNEL) + (SNAPSHOTS - 1) * kernels.side * kernels.side;
    for (size_t i = 0; i < kernels.side * kernels.side; i++)
        ck_assert(stored[i] == (float)kernels.last[i]);
    double shares = 0;
    for (size_t l = 0; l < 3; l++)
        shares += number(&result, VAR_LAYER_TRACE_SHARE, (SNAPSHOTS - 1) * 3 + l);
    ck_assert_double_eq_tol(shares, 1, 1e-13);
    split_free(&split);
    mem_free(result.block);
}
END_TEST

START_TEST(activations_and_their_alignment_know_no_mode)
{
    struct job trace = job_in(KERNEL_TRACE), other = job_in(1 + _i);
    struct result a = measure(&trace), b = measure(&other);
    for (size_t i = 0; i < 3 * SNAPSHOTS; i++)
        ck_assert_double_eq_tol(number(&a, VAR_LAYER_TARGET_ALIGNMENT, i), number(&b, VAR_LAYER_TARGET_ALIGNMENT, i), 1e-13);
    mem_free(a.block);
    mem_free(b.block);
}
END_TEST

START_TEST(regression_targets_have_a_loss_and_no_accuracy)
{
    struct job job = job_in(KERNEL_TRACE);
    struct dataset classes = set;
    job.data.task = TASK_REGRESSION;
    ck_assert_msg(dataset_load(&set, &job.data, NULL, &err) == 0, "%s", err.text);
    struct result result = measure(&job);
    ck_assert(isfinite(last(&result, VAR_KERNEL_REGRESSION_LOSS)));
    ck_assert(isnan(last(&result, VAR_KERNEL_REGRESSION_ACCURACY)));
    mem_free(result.block);
    dataset_close(&set);
    set = classes;
}
END_TEST

START_TEST(the_memory_of_kernels_is_predicted)
{
    struct job job = job_in(_i % 3);
    job.kernels.probe = 30;      /* most of the memory is the kernels' */
    job.training.refresh_period = _i < 3 ? 4 : INFINITY;
    struct result_layout layout = {.eval = EVAL, .refresh = REFRESH, .snapshot = SNAPSHOTS, .layer = 3,
                                   .eigenvalue = 180, .probe = 180, .parameter = PARAMETER};
    struct job_cost cost;
    struct result result;
    size_t before = mem_in_use(), block = result_size(&layout);
    result_bind(&result, &layout, mem_alloc(block, 1, NULL));
    result_clear(&result);
    ck_assert_msg(experiment_run(&job, &set, &result, NULL, &err) == 0, "%s", err.text);
    job_predict(&job, &set, &cost);
    double taken = (double)(mem_peak() - before - block);
    printf("mode %d: %.2f MB taken, %.2f predicted\n", _i % 3, taken / 1e6, cost.bytes / 1e6);
    ck_assert_double_lt(taken, 1.1 * cost.bytes);
    ck_assert_double_gt(taken, 0.6 * cost.bytes);
    mem_free(result.block);
}
END_TEST

START_TEST(a_kernel_too_large_for_lapack_is_refused)
{
    const struct probe_spec spec = {make_job(1, 1).network, image_flat(5), 1000, 47, 40, NULL, NULL, true, KERNEL_FULL, 1e-6};
    ck_assert_ptr_null(probe_create(&spec, &err));
    ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "at most 32766 rows, got 47000 (47 probe inputs times their outputs)"));
    ck_assert_ptr_nonnull(strstr(err.text, "kernels.mode"));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, load, unload);
    tcase_add_loop_test(tests, every_number_is_its_formula_for_the_matrix_of_the_mode, 0, 3);
    tcase_add_loop_test(tests, activations_and_their_alignment_know_no_mode, 0, 2);
    tcase_add_test(tests, regression_targets_have_a_loss_and_no_accuracy);
    tcase_add_loop_test(tests, the_memory_of_kernels_is_predicted, 0, 6);
    tcase_add_test(tests, a_kernel_too_large_for_lapack_is_refused);
}

UNIT_MAIN("kernel modes of a job", add)
