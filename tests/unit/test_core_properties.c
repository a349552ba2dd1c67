/* The identities of method.md section 2 as properties: of random networks, losses, batches, momenta, decays and
 * schedules, each drawn from one seed, which a failure names. */
#include "linear_model.h"
#include "math/eigen.h"
#include "train/batches.h"

enum { DRAWS = 60, ROWS = N * C };

/* How many units of rounding a comparison may be off: of one long run, and where matrices are inverted. */
#define ROUNDINGS 20000
#define agrees(seed, distance) \
    ck_assert_msg((distance) <= ROUNDINGS * REAL_EPSILON, "seed %d: %g, allowed %g", seed, distance, ROUNDINGS * REAL_EPSILON)

static uint32_t below(struct random *r, uint32_t n)
{
    return (uint32_t)random_below(r, n);
}

static struct network_spec draw_network(struct random *r)
{
    struct network_spec spec = toy_network(below(r, 4), (enum activation)below(r, 4), (enum parameterisation)below(r, 2));
    for (size_t i = 0; i < spec.n_widths; i++)
        spec.widths[i] = 2 + (int64_t)below(r, 8);
    spec.bias = below(r, 4) > 0;
    spec.sigma_b = below(r, 2) ? 0.3 : 0;
    /* in single precision a unit of ReLU may be on the other side of 0 than in the reference */
    if (sizeof(real) == sizeof(float) && spec.activation == ACTIVATION_RELU)
        spec.activation = ACTIVATION_TANH;
    return spec;
}

static struct refresh_schedule draw_schedule(struct random *r)
{
    switch (below(r, 4)) {
    case 0: return (struct refresh_schedule){.kind = REFRESH_AT, .count = 2, .at = {1 + below(r, 5), 6 + below(r, 20)}};
    case 1: return (struct refresh_schedule){.kind = REFRESH_LOG, .count = 1 + below(r, 6)};
    case 2: return (struct refresh_schedule){.kind = REFRESH_FIRST, .count = 1 + below(r, 4), .every = 1 + below(r, 5)};
    default: return (struct refresh_schedule){.kind = REFRESH_PERIOD};
    }
}

static struct training_spec draw_training(struct random *r)
{
    const double periods[] = {1, 2, 3, 5, 9, INFINITY};
    struct training_spec spec = toy_training(TRAINER_LINEARISED, periods[below(r, 6)]);
    spec.loss = below(r, 2) ? LOSS_CROSS_ENTROPY : LOSS_HALF_MSE;
    spec.steps = 1 + below(r, 24);
    spec.batch = below(r, 2) ? BATCH_FULL : 1 + below(r, N);
    spec.momentum = below(r, 2) ? 0.7 : 0;
    spec.momentum_at_refresh = below(r, 2) ? MOMENTUM_RESET : MOMENTUM_KEEP;
    spec.weight_decay = below(r, 2) ? 0.02 : 0;
    spec.centred = below(r, 3) == 0;
    spec.lr = 0.01 + 0.02 * random_uniform(r);
    spec.schedule.kind = (enum schedule_kind)below(r, 3);
    spec.schedule.every = 1 + below(r, 5);
    spec.schedule.factor = 0.5;
    spec.schedule.final = 0.1;
    spec.schedule.warmup = below(r, 4);
    spec.seed_init = below(r, 1000);
    spec.seed_batch = below(r, 1000);
    spec.refresh = draw_schedule(r);
    training_canonicalise_refresh(&spec);
    return spec;
}

/* A draw for plain gradient descent on half-MSE with the full batch, where closed forms hold. */
static struct training_spec draw_plain(struct random *r, int64_t steps)
{
    struct training_spec spec = toy_training(TRAINER_LINEARISED, INFINITY);
    spec.steps = steps;
    spec.seed_init = below(r, 1000);
    return spec;
}

static void draw(int seed, struct random *r)
{
    random_start(r, (uint64_t)seed, RANDOM_SET, 77);
}

START_TEST(identity_1_K_of_1_is_SGD_bit_for_bit)
{
    struct random r;
    struct toy a, b;
    draw(_i, &r);
    struct network_spec network = draw_network(&r);
    struct training_spec spec = draw_training(&r);
    spec.refresh = (struct refresh_schedule){.kind = REFRESH_PERIOD};
    spec.refresh_period = 1;
    toy_create(&b, network, spec);
    spec.trainer = TRAINER_STANDARD;
    toy_create(&a, network, spec);
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
    struct network_spec network = draw_network(&r);
    toy_create(&t, network, draw_training(&r));
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
    struct network_spec network = draw_network(&r);
    toy_create(&t, network, draw_training(&r));
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
    struct network_spec network = draw_network(&r);
    toy_create(&t, network, draw_plain(&r, lengths[_i % 4]));
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

START_TEST(identity_4_a_long_segment_is_a_damped_gauss_newton_step)
{
    static struct spectrum s;
    static const int64_t lengths[] = {10, 100, 1000, 5000};
    struct random r;
    struct toy t;
    struct linear_model m;
    double weight[ROWS], dot = 0, ours = 0, theirs = 0;
    draw(_i, &r);
    struct network_spec network = draw_network(&r);
    toy_create(&t, network, draw_plain(&r, lengths[_i % 4]));
    explicit_create(&t, &m);
    decompose(&t, &m, &s);
    t.problem.lr = 0.9 * N / s.value[ROWS - 1];
    double damping = N / (t.problem.lr * (double)t.training.steps);
    for (size_t e = 0; e < ROWS; e++)
        weight[e] = 1 / (fmax(s.value[e], 0) + damping);
    toy_train(&t, NULL);
    step_along(&t, &m, &s, weight, m.theta);
    for (size_t p = 0; p < t.P; p++) {
        double a = (double)t.theta[p] - (double)t.theta_0[p], b = m.theta[p] - (double)t.theta_0[p];
        dot += a * b;
        ours += a * a;
        theirs += b * b;
    }
    ck_assert_msg(dot >= 0.98 * sqrt(ours * theirs), "seed %d: cosine %g", _i, dot / sqrt(ours * theirs));
    explicit_free(&m);
    toy_free(&t);
}
END_TEST

/* --- identity 7: the two read-outs --- */

static int compare_read_outs(void *context, const struct moment *moment)
{
    struct toy *t = context;
    struct score score;
    bool linear_network = t->network.n_widths == 0, start = !moment->delta;
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
    struct network_spec network = draw_network(&r);
    network.activation = ACTIVATION_TANH;
    struct training_spec spec = draw_plain(&r, 20);
    toy_create(&t, network, spec);
    const struct trainer_hooks hooks = {.context = &t, .at_moment = compare_read_outs};
    toy_train(&t, &hooks);
    toy_free(&t);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, identity_1_K_of_1_is_SGD_bit_for_bit, 0, DRAWS);
    tcase_add_loop_test(tests, section_1_training_is_that_of_the_explicit_linear_model, 0, DRAWS);
    tcase_add_loop_test(tests, identity_3_a_segment_is_stepped_in_function_space_and_the_parameters_recovered, 0, DRAWS);
    tcase_add_loop_test(tests, identities_2_and_6_a_segment_is_a_spectral_filter_of_the_residual, 0, DRAWS);
    tcase_add_loop_test(tests, identity_4_a_long_segment_is_a_damped_gauss_newton_step, 0, DRAWS);
    tcase_add_loop_test(tests, identity_7_f_lin_and_the_network_agree_where_theta_is_theta_s_and_part_inside_a_segment, 0, DRAWS / 3);
}

UNIT_MAIN("properties", add)
