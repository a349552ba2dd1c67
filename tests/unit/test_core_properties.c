/* The identities of method.md section 2 as properties: of random networks, losses, batches, momenta, decays and
 * schedules, each drawn from one seed, which a failure names. */
#include "draw.h"
#include "linear_model.h"
#include "math/eigen.h"
#include "ntk/gram.h"
#include "train/batches.h"
#include "train/core_theta.h"

enum { ROWS = N * C };

/* How many units of rounding a comparison may be off: of one long run, and where matrices are inverted. */
#define ROUNDINGS 20000
#define agrees(seed, distance) \
    ck_assert_msg((distance) <= ROUNDINGS * REAL_EPSILON, "seed %d: %g, allowed %g", seed, distance, ROUNDINGS * REAL_EPSILON)

START_TEST(identity_1_K_of_1_is_SGD_bit_for_bit)
{
    struct random r;
    struct toy a, b;
    draw(_i, &r);
    struct drawn d = draw_any(_i, &r);
    struct training_spec spec = draw_training(&r);
    spec.refresh = (struct refresh_schedule){.kind = REFRESH_PERIOD};
    spec.refresh_period = 1;
    toy_create_on(&b, d.network, d.input, spec);
    spec.trainer = TRAINER_STANDARD;
    toy_create_on(&a, d.network, d.input, spec);
    toy_train(&a, NULL);
    toy_train(&b, NULL);
    ck_assert_msg(memcmp(a.theta, b.theta, a.P * sizeof(real)) == 0, "seed %d", _i);
    toy_free(&a);
    toy_free(&b);
}
END_TEST

START_TEST(section_1_training_is_that_of_the_explicit_linear_model)
{
    struct random r;
    struct toy t;
    struct linear_model m;
    draw(_i, &r);
    struct drawn d = draw_any(_i, &r);
    toy_create_on(&t, d.network, d.input, draw_training(&r));
    explicit_create(&t, &m);
    toy_train(&t, NULL);
    explicit_train(&t, &m, NULL);
    agrees(_i, toy_distance(t.P, t.theta, m.theta));
    explicit_free(&m);
    toy_free(&t);
}
END_TEST

/* --- identity 3: a segment stepped in function space --- */

/* A vector of parameters in a segment: p theta_s + q v_s + Phi_s^T gamma. */
struct combination { double p, q, gamma[ROWS]; };

/* x = scale x + factor y */
static void combine(struct combination *x, double scale, double factor, const struct combination *y)
{
    x->p = scale * x->p + factor * y->p;
    x->q = scale * x->q + factor * y->q;
    for (size_t i = 0; i < ROWS; i++)
        x->gamma[i] = scale * x->gamma[i] + factor * y->gamma[i];
}

static void recover(const struct toy *t, const struct linear_model *m, const struct combination *x, const double *v_s,
                    double *out)
{
    for (size_t p = 0; p < t->P; p++) {
        out[p] = x->p * (double)m->theta_s[p] + x->q * v_s[p];
        for (size_t i = 0; i < ROWS; i++)
            out[p] += m->J[i * t->P + p] * x->gamma[i];
    }
}

static void image(const struct toy *t, const struct linear_model *m, const double *vector, double *out)
{
    for (size_t i = 0; i < ROWS; i++) {
        out[i] = 0;
        for (size_t p = 0; p < t->P; p++)
            out[i] += m->J[i * t->P + p] * vector[p];
    }
}

/* g (ROWS), overwritten: the loss's derivative on the batch, 0 elsewhere, at f_lin = f_s + Phi (theta - theta_s). */
static void function_gradient(const struct toy *t, const struct linear_model *m, const double *f, const size_t *batch,
                              size_t n, double *g)
{
    memset(g, 0, ROWS * sizeof *g);
    for (size_t b = 0; b < n; b++) {
        const size_t row = batch[b] * C;
        double sum = 0, shift[C];
        for (size_t c = 0; c < C; c++)
            sum += exp(shift[c] = f[row + c] - (t->training.centred ? m->f_0[row + c] : 0));
        for (size_t c = 0; c < C; c++)
            g[row + c] = ((t->training.loss == LOSS_HALF_MSE ? shift[c] : exp(shift[c]) / sum) - (double)m->y[row + c])
                       / (double)n;
    }
}

/* One segment from step s to end, on Theta_s, Phi_s theta_s and Phi_s v_s alone. */
static void function_segment(const struct toy *t, struct linear_model *m, struct batches *batches, int64_t s, int64_t end)
{
    static double Theta[ROWS][ROWS], theta_image[ROWS], v_image[ROWS], f[ROWS];
    static struct combination theta, v, g;
    double *start = mem_alloc(t->P, sizeof *start, NULL), *v_s = mem_alloc(t->P, sizeof *v_s, NULL);
    for (size_t p = 0; p < t->P; p++)
        start[p] = (double)m->theta_s[p];
    memcpy(v_s, m->v, t->P * sizeof *v_s);
    image(t, m, start, theta_image);
    image(t, m, v_s, v_image);
    for (size_t i = 0; i < ROWS; i++)
        image(t, m, m->J + i * t->P, Theta[i]);
    memset(&theta, 0, sizeof theta);
    memset(&v, 0, sizeof v);
    theta.p = v.q = 1;
    for (int64_t step = s; step < end; step++) {
        size_t n, all[N];
        const size_t *batch = batches_at(batches, step, &n);
        for (size_t i = 0; i < N; i++)
            all[i] = i;
        for (size_t i = 0; i < ROWS; i++) {
            f[i] = m->f_s[i] + (theta.p - 1) * theta_image[i] + theta.q * v_image[i];
            for (size_t j = 0; j < ROWS; j++)
                f[i] += Theta[i][j] * theta.gamma[j];
        }
        memset(&g, 0, sizeof g);
        function_gradient(t, m, f, batch ? batch : all, n, g.gamma);
        combine(&v, t->training.momentum, 1, &g);
        combine(&v, 1, t->training.weight_decay, &theta);
        combine(&theta, 1, -training_lr(&t->training, t->training.lr, step), &v);
    }
    recover(t, m, &theta, v_s, m->theta);
    recover(t, m, &v, v_s, start);
    memcpy(m->v, start, t->P * sizeof *m->v);
    mem_free(start);
    mem_free(v_s);
}

START_TEST(identity_3_a_segment_is_stepped_in_function_space_and_the_parameters_recovered)
{
    struct random r;
    struct toy t;
    struct linear_model m;
    struct batches batches;
    draw(_i, &r);
    struct drawn d = draw_any(_i, &r);
    toy_create_on(&t, d.network, d.input, draw_training(&r));
    explicit_create(&t, &m);
    ck_assert_int_eq(batches_create(&batches, N, t.training.batch, t.training.seed_batch, NULL), 0);
    toy_train(&t, NULL);
    for (int64_t s = 0, end; s < t.training.steps; s = end) {
        end = training_next_refresh(&t.training, s);
        if (s > 0)
            explicit_linearise(&t, &m);
        function_segment(&t, &m, &batches, s, end);
    }
    agrees(_i, toy_distance(t.P, t.theta, m.theta));
    mem_free(batches.order);
    explicit_free(&m);
    toy_free(&t);
}
END_TEST

/* --- identities 2, 4 and 6: closed forms in the eigenvectors of Theta --- */

struct spectrum { double value[ROWS], vector[ROWS * ROWS], residual[ROWS]; };   /* vectors by rows; residual along each */

static void decompose(const struct toy *t, const struct linear_model *m, struct spectrum *s)
{
    double *Theta = mem_alloc(ROWS * ROWS, sizeof *Theta, NULL);
    for (size_t i = 0; i < ROWS; i++)
        image(t, m, m->J + i * t->P, Theta + i * ROWS);
    ck_assert_int_eq(eigen_symmetric(ROWS, Theta, s->value, s->vector, NULL), 0);
    for (size_t e = 0; e < ROWS; e++) {
        s->residual[e] = 0;
        for (size_t i = 0; i < ROWS; i++)
            s->residual[e] += s->vector[e * ROWS + i] * (m->f_s[i] - (double)m->y[i]);
    }
    mem_free(Theta);
}

/* out (P) = theta_s - Phi^T sum_e weight_e residual_e u_e */
static void step_along(const struct toy *t, const struct linear_model *m, const struct spectrum *s, const double *weight,
                       double *out)
{
    double alpha[ROWS] = {0};
    for (size_t e = 0; e < ROWS; e++)
        for (size_t i = 0; i < ROWS; i++)
            alpha[i] += weight[e] * s->residual[e] * s->vector[e * ROWS + i];
    for (size_t p = 0; p < t->P; p++) {
        out[p] = (double)m->theta_s[p];
        for (size_t i = 0; i < ROWS; i++)
            out[p] -= m->J[i * t->P + p] * alpha[i];
    }
}

START_TEST(identities_2_and_6_a_segment_is_a_spectral_filter_of_the_residual)
{
    static struct spectrum s;
    static const int64_t lengths[] = {1, 7, 100, 700};
    struct random r;
    struct toy t;
    struct linear_model m;
    double weight[ROWS], f[ROWS], worst = 0, largest = 0;
    draw(_i, &r);
    struct drawn d = draw_any(_i, &r);
    toy_create_on(&t, d.network, d.input, draw_plain(&r, lengths[_i % 4]));
    explicit_create(&t, &m);
    decompose(&t, &m, &s);
    double eta = t.problem.lr = (double)(real)(0.9 * N / s.value[ROWS - 1]), K = (double)t.training.steps;
    /* h_K(lambda) = (1 - (1 - eta lambda/N)^K)/lambda, eta K/N at 0 */
    for (size_t e = 0; e < ROWS; e++) {
        double lambda = fmax(s.value[e], 0);
        weight[e] = lambda * eta * K / N < 1e-8 ? eta * K / N : -expm1(K * log1p(-eta * lambda / N)) / lambda;
    }
    toy_train(&t, NULL);
    step_along(&t, &m, &s, weight, m.theta);
    agrees(_i, toy_distance(t.P, t.theta, m.theta));
    /* r_K = (I - eta/N Theta)^K r_0 */
    for (size_t i = 0; i < N; i++)
        explicit_outputs(&t, &m, i, f + i * C);
    for (size_t i = 0; i < ROWS; i++) {
        double expected = 0;
        for (size_t e = 0; e < ROWS; e++)
            expected += pow(1 - eta * fmax(s.value[e], 0) / N, K) * s.residual[e] * s.vector[e * ROWS + i];
        worst = fmax(worst, fabs(f[i] - (double)m.y[i] - expected));
        largest = fmax(largest, fabs(f[i]));
    }
    agrees(_i, worst / fmax(largest, 1));
    explicit_free(&m);
    toy_free(&t);
}
END_TEST

/* The cosine between two changes of theta_0. */
static void along_the_same_way(int seed, const struct toy *t, const real *x, const double *y)
{
    double dot = 0, ours = 0, theirs = 0;
    for (size_t p = 0; p < t->P; p++) {
        double a = (double)x[p] - (double)t->theta_0[p], b = y[p] - (double)t->theta_0[p];
        dot += a * b;
        ours += a * a;
        theirs += b * b;
    }
    ck_assert_msg(dot >= 0.98 * sqrt(ours * theirs), "seed %d: cosine %g", seed, dot / sqrt(ours * theirs));
}

/* The step of Gauss-Newton, to what conjugate gradients leave of it: their residual over the damping. */
static void solved(int seed, const struct toy *t, const double *expected)
{
    double error = 0, change = 0;
    for (size_t p = 0; p < t->P; p++) {
        double moved = expected[p] - (double)t->theta_0[p];
        error += ((double)t->theta[p] - expected[p]) * ((double)t->theta[p] - expected[p]);
        change += moved * moved;
    }
    double most = sizeof(real) == sizeof(double) ? 1e-8 : 2e-2;
    ck_assert_msg(sqrt(error) <= most * sqrt(change), "seed %d: Gauss-Newton %g off", seed, sqrt(error / change));
}

START_TEST(identity_4_a_long_segment_is_a_damped_gauss_newton_step)
{
    static struct spectrum s;
    static const int64_t lengths[] = {10, 100, 1000, 5000};
    struct random r;
    struct toy t;
    struct linear_model m;
    double weight[ROWS];
    draw(_i, &r);
    struct drawn d = draw_any(_i, &r);
    toy_create_on(&t, d.network, d.input, draw_plain(&r, lengths[_i % (_i < DRAWS ? 4 : 3)]));
    explicit_create(&t, &m);
    decompose(&t, &m, &s);
    t.problem.lr = 0.9 * N / s.value[ROWS - 1];
    double damping = N / (t.problem.lr * (double)t.training.steps);
    for (size_t e = 0; e < ROWS; e++)
        weight[e] = 1 / (fmax(s.value[e], 0) + damping);
    toy_train(&t, NULL);
    step_along(&t, &m, &s, weight, m.theta);
    along_the_same_way(_i, &t, t.theta, m.theta);
    /* and the trainer of that name takes this very step */
    t.training.trainer = TRAINER_GAUSS_NEWTON;
    t.training.refresh_period = (double)t.training.steps;
    t.training.damping = NAN;
    t.training.steps = 1;
    toy_train(&t, NULL);
    solved(_i, &t, m.theta);
    explicit_free(&m);
    toy_free(&t);
}
END_TEST

/* --- identity 5: the kernel without a Jacobian --- */

START_TEST(identity_5_the_kernel_formed_layer_by_layer_is_J_times_its_transpose)
{
    struct random r;
    struct toy t;
    struct linear_model m;
    draw(_i, &r);
    struct drawn d = draw_any(_i, &r);
    toy_create_on(&t, d.network, d.input, draw_plain(&r, 1));
    explicit_create(&t, &m);
    double *expected = mem_alloc(ROWS * ROWS, sizeof *expected, NULL);
    real *kernel = mem_alloc(ROWS * ROWS, sizeof *kernel, NULL), f[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        image(&t, &m, m.J + i * t.P, expected + i * ROWS);
    for (int few = 0; few < 2; few++) {   /* all rows at once, and a few in a block */
        ck_assert_int_eq(theta_form(&t.problem, t.theta_0, few ? 30000 : 0, kernel, f, NULL), 0);
        double error = toy_distance(ROWS * ROWS, kernel, expected);
        ck_assert_msg(error <= 50 * REAL_EPSILON, "seed %d: %g", _i, error);
        ck_assert_double_le(toy_distance(ROWS, f, m.f_s), 100 * REAL_EPSILON);
    }
#if RELIN_DOUBLE
    struct gram *gram = gram_create(t.net, KERNEL_FULL, 0, m.x, N, NULL);
    double *terms = mem_alloc(t.net->n_parameterised * ROWS, ROWS * sizeof *terms, NULL);
    gram_compute(gram, t.theta_0, kernel, terms, NULL);
    double error = toy_distance(ROWS * ROWS, kernel, expected);
    ck_assert_msg(error <= 50 * REAL_EPSILON, "seed %d: %g", _i, error);
    gram_destroy(gram);
    mem_free(terms);
#endif
    mem_free(kernel);
    mem_free(expected);
    explicit_free(&m);
    toy_free(&t);
}
END_TEST

/* --- identity 7: the two read-outs --- */

static int compare_read_outs(void *context, const struct moment *moment)
{
    struct toy *t = context;
    struct score score;
    bool linear_network = t->network.type == NETWORK_MLP && t->network.n_widths == 0, start = !moment->delta;
    ck_assert_int_eq(evaluate_part(&t->problem, moment, PART_TRAIN, &score, NULL, NULL, NULL), 0);
    double difference = fabs(score.loss - score.loss_network);
    if (start)
        ck_assert(difference == 0);
    else if (linear_network)
        ck_assert_double_le(difference, 1000 * REAL_EPSILON);
    else if (moment->step == t->training.steps)
        ck_assert_double_gt(difference, 0);
    return 0;
}

START_TEST(identity_7_f_lin_and_the_network_agree_where_theta_is_theta_s_and_part_inside_a_segment)
{
    struct random r;
    struct toy t;
    draw(_i, &r);
    struct drawn d = draw_any(_i, &r);
    d.network.activation = ACTIVATION_TANH;
    struct training_spec spec = draw_plain(&r, 20);
    toy_create_on(&t, d.network, d.input, spec);
    const struct trainer_hooks hooks = {.context = &t, .at_moment = compare_read_outs};
    toy_train(&t, &hooks);
    toy_free(&t);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, identity_1_K_of_1_is_SGD_bit_for_bit, 0, DRAWS_ALL);
    tcase_add_loop_test(tests, section_1_training_is_that_of_the_explicit_linear_model, 0, DRAWS_ALL);
    tcase_add_loop_test(tests, identity_3_a_segment_is_stepped_in_function_space_and_the_parameters_recovered, 0, DRAWS_ALL);
    tcase_add_loop_test(tests, identities_2_and_6_a_segment_is_a_spectral_filter_of_the_residual, 0, DRAWS_ALL);
    tcase_add_loop_test(tests, identity_4_a_long_segment_is_a_damped_gauss_newton_step, 0, DRAWS_ALL);
    tcase_add_loop_test(tests, identity_5_the_kernel_formed_layer_by_layer_is_J_times_its_transpose, 0, DRAWS_ALL);
    tcase_add_loop_test(tests, identity_7_f_lin_and_the_network_agree_where_theta_is_theta_s_and_part_inside_a_segment, 0, DRAWS / 3);
    tcase_add_loop_test(tests, identity_7_f_lin_and_the_network_agree_where_theta_is_theta_s_and_part_inside_a_segment, DRAWS, DRAWS_ALL);
}

UNIT_MAIN("properties", add)
