/* Passes over rows that do not fit at once: in blocks they must give what they give at once. */
#include "draw.h"
#include "train/function_space.h"

enum { C = TOY_OUTPUTS, ROWS = 75, CYCLE = TOY_TRAIN + 4, MANY = 22 * CYCLE };

/* Trains on so many rows, some of them twice; with a budget of 1 byte in the least blocks there are, 32 + 32 + 11. */
static void enlarge(struct toy *t, size_t rows, size_t budget)
{
    mem_free(t->split.row[PART_TRAIN]);
    t->split.row[PART_TRAIN] = mem_alloc(rows, sizeof(size_t), NULL);
    for (size_t i = 0; i < rows; i++)
        t->split.row[PART_TRAIN][i] = i * 5 % CYCLE;
    t->split.count[PART_TRAIN] = rows;
    t->problem.tape_budget = budget;
}

struct products { real *f, *df, *gradient; };

static struct products products_of(struct toy *t, const real *theta, const real *u, const real *w)
{
    struct products p = {mem_alloc(ROWS * C, sizeof(real), NULL), mem_alloc(ROWS * C, sizeof(real), NULL),
                         mem_alloc(t->P, sizeof(real), NULL)};
    struct function_space *space = function_space_create(&t->problem, NULL);
    ck_assert_uint_eq(function_space_size(space), ROWS * C);
    function_space_move(space, t->theta_0);
    function_space_jvp(space, w, p.df);
    function_space_move(space, theta);   /* and nothing is left of the point before */
    function_space_vjp(space, u, p.gradient);
    function_space_jvp(space, w, p.df);
    function_space_outputs(space, p.f);
    function_space_destroy(space);
    return p;
}

static void free_products(struct products *p)
{
    mem_free(p->f);
    mem_free(p->df);
    mem_free(p->gradient);
}

static void agree(const char *what, size_t n, const real *x, const real *y)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
        norm += (double)y[i] * (double)y[i];
    }
    ck_assert_msg(sqrt(difference) <= 100 * REAL_EPSILON * sqrt(norm), "%s: %g apart", what, sqrt(difference / norm));
}

START_TEST(products_with_the_features_are_those_of_all_rows_at_once)
{
    struct random r;
    struct toy t;
    draw(_i, &r);
    struct drawn d = draw_any(_i, &r);
    toy_create_on(&t, d.network, d.input, toy_training(TRAINER_LINEARISED, INFINITY));
    real u[ROWS * C], *w = mem_alloc(t.P, sizeof *w, NULL);
    toy_normal(&r, ROWS * C, u);
    toy_normal(&r, t.P, w);
    for (size_t p = 0; p < t.P; p++)
        t.theta[p] = t.theta_0[p] + (real)0.1 * w[p];
    enlarge(&t, ROWS, 0);
    struct products whole = products_of(&t, t.theta, u, w);
    enlarge(&t, ROWS, 1);
    struct products blocks = products_of(&t, t.theta, u, w);
    agree("Phi^T u", t.P, blocks.gradient, whole.gradient);
    agree("Phi w", ROWS * C, blocks.df, whole.df);
    agree("f", ROWS * C, blocks.f, whole.f);
    free_products(&whole);
    free_products(&blocks);
    mem_free(w);
    toy_free(&t);
}
END_TEST

/* Momentum and decay, so that all images are taken, and f_0. */
static void trains_alike(enum trainer_kind trainer, enum engine engine, int64_t batch)
{
    struct toy a, b;
    struct training_spec spec = toy_training(trainer, trainer == TRAINER_GAUSS_NEWTON ? 20 : 4);
    spec.engine = engine;
    spec.batch = batch;
    spec.steps = trainer == TRAINER_GAUSS_NEWTON ? 2 : 11;
    spec.damping = NAN;
    spec.momentum = 0.5;
    spec.weight_decay = 0.02;
    spec.centred = true;
    toy_create(&a, toy_network(2, ACTIVATION_TANH, PARAMETERISATION_NTK), spec);
    toy_create(&b, toy_network(2, ACTIVATION_TANH, PARAMETERISATION_NTK), spec);
    enlarge(&a, ROWS, 0);
    enlarge(&b, ROWS, 1);
    toy_train(&a, NULL);
    toy_train(&b, NULL);
    double *theta = mem_alloc(a.P, sizeof *theta, NULL);
    for (size_t p = 0; p < a.P; p++)
        theta[p] = (double)a.theta[p];
    /* conjugate gradients and the filter end where rounding lets them */
    ck_assert_double_le(toy_distance(a.P, b.theta, theta), sizeof(real) == sizeof(double) ? 1e-8 : 1e-4);
    mem_free(theta);
    toy_free(&a);
    toy_free(&b);
}

START_TEST(every_engine_trains_in_blocks_as_it_does_at_once)
{
    trains_alike(TRAINER_LINEARISED, ENGINE_TANGENT, BATCH_FULL);
    trains_alike(TRAINER_LINEARISED, ENGINE_TANGENT, 40);
    trains_alike(TRAINER_LINEARISED, ENGINE_KERNEL, BATCH_FULL);
    trains_alike(TRAINER_LINEARISED, ENGINE_KERNEL, 40);
    trains_alike(TRAINER_LINEARISED, ENGINE_FILTER, BATCH_FULL);
    trains_alike(TRAINER_GAUSS_NEWTON, ENGINE_TANGENT, BATCH_FULL);
}
END_TEST

START_TEST(lambda_max_is_the_same_in_blocks)
{
    double whole, blocks;
    struct toy t;
    struct training_spec spec = toy_training(TRAINER_LINEARISED, INFINITY);
    spec.loss = (enum loss)_i;
    toy_create(&t, toy_network(1, ACTIVATION_ERF, PARAMETERISATION_STANDARD), spec);
    enlarge(&t, ROWS, 0);
    ck_assert_int_eq(stability_lambda_max(&t.problem, t.theta_0, &whole, NULL), 0);
    enlarge(&t, ROWS, 1);
    ck_assert_int_eq(stability_lambda_max(&t.problem, t.theta_0, &blocks, NULL), 0);
    ck_assert_double_eq_tol(blocks / whole, 1, 1000 * REAL_EPSILON);
    toy_free(&t);
}
END_TEST

/* A part of many rows is read block by block (READOUT_ROWS). Each row comes as often, so that the means are those of
 * reading each once. */
START_TEST(a_part_of_several_blocks_is_read_row_by_row)
{
    struct toy t;
    struct score few, many;
    struct training_spec spec = toy_training(TRAINER_LINEARISED, INFINITY);
    spec.loss = (enum loss)(_i % 2);
    spec.centred = _i / 2;
    spec.steps = 5;
    toy_create(&t, toy_network(1, ACTIVATION_TANH, PARAMETERISATION_STANDARD), spec);
    toy_train(&t, NULL);
    real *delta = mem_alloc(t.P, sizeof *delta, NULL), f[CYCLE * C], f_lin[CYCLE * C];
    real *many_f = mem_alloc(MANY * C, sizeof(real), NULL), *many_f_lin = mem_alloc(MANY * C, sizeof(real), NULL);
    for (size_t p = 0; p < t.P; p++)
        delta[p] = t.theta[p] - t.theta_s[p];
    struct moment moment = {.theta = t.theta, .theta_s = t.theta_s, .delta = delta};
    enlarge(&t, CYCLE, 0);
    ck_assert_int_eq(evaluate_part(&t.problem, &moment, PART_TRAIN, &few, f_lin, f, NULL), 0);
    enlarge(&t, MANY, 0);
    ck_assert_uint_gt(MANY, 2 * READOUT_ROWS);
    ck_assert_int_eq(evaluate_part(&t.problem, &moment, PART_TRAIN, &many, many_f_lin, many_f, NULL), 0);
    ck_assert_double_eq_tol(many.loss, few.loss, 100 * REAL_EPSILON);
    ck_assert_double_eq_tol(many.loss_network, few.loss_network, 100 * REAL_EPSILON);
    ck_assert_double_eq_tol(many.accuracy, few.accuracy, 1e-12);
    ck_assert_double_eq_tol(many.accuracy_network, few.accuracy_network, 1e-12);
    for (size_t i = 0; i < MANY * C; i++) {
        ck_assert_double_eq_tol((double)many_f[i], (double)f[i % (CYCLE * C)], 100 * REAL_EPSILON);
        ck_assert_double_eq_tol((double)many_f_lin[i], (double)f_lin[i % (CYCLE * C)], 100 * REAL_EPSILON);
    }
    void *const blocks[] = {delta, many_f, many_f_lin};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        mem_free(blocks[i]);
    toy_free(&t);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, products_with_the_features_are_those_of_all_rows_at_once, 0, DRAWS_ALL);
    tcase_add_test(tests, every_engine_trains_in_blocks_as_it_does_at_once);
    tcase_add_loop_test(tests, lambda_max_is_the_same_in_blocks, 0, 2);
    tcase_add_loop_test(tests, a_part_of_several_blocks_is_read_row_by_row, 0, 4);
}

UNIT_MAIN("blocks", add)
