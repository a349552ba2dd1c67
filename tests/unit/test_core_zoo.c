/* What every architecture must satisfy, in both parameterisations and precisions. */
#include "nn/cost.h"
#include "toy.h"
#include "zoo.h"

enum { N = 3 };

struct frame {
    struct specimen s;
    struct network *net;
    size_t P, in, C;
    real *theta, *v, *gradient, *x, *u;
    struct tape *tape;
};

static real *drawn(struct random *r, size_t n, double deviation)
{
    real *x = mem_alloc(n, sizeof *x, NULL);
    toy_normal(r, n, x);
    for (size_t i = 0; i < n; i++)
        x[i] = (real)deviation * x[i];
    return x;
}

static void setup(struct frame *c, int i)
{
    struct error err = {0};
    struct random r;
    c->s = zoo_specimen(i);
    c->net = network_create(&c->s.spec, c->s.input, c->s.outputs, &err);
    ck_assert_msg(c->net != NULL, "%s: %s", c->s.label, err.text);
    c->P = c->net->n_parameters;
    c->in = image_features(c->s.input);
    c->C = c->s.outputs;
    random_start(&r, (uint64_t)i, RANDOM_SET, 0);
    c->theta = mem_alloc(c->P, sizeof(real), NULL);
    network_init(c->net, 3, c->theta);
    c->v = drawn(&r, c->P, 1);
    for (size_t p = 0; p < c->P; p++)   /* also scales and shifts that are not 1 and 0 */
        c->theta[p] += (real)0.1 * c->v[p];
    mem_free(c->v);
    c->v = drawn(&r, c->P, 1);
    c->gradient = mem_alloc(c->P, sizeof(real), NULL);
    c->x = drawn(&r, N * c->in, 1);
    c->u = drawn(&r, N * c->C, 1);
    c->tape = tape_create(c->net, N, false, NULL);
}

static void teardown(struct frame *c)
{
    real *held[] = {c->theta, c->v, c->gradient, c->x, c->u};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        mem_free(held[i]);
    tape_destroy(c->tape);
    network_destroy(c->net);
}

static double dot(size_t n, const real *x, const real *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

START_TEST(vjp_and_jvp_are_adjoint)
{
    struct frame c;
    setup(&c, _i);
    real jv[N * 3];
    network_forward(c.net, c.theta, c.x, N, c.tape);
    network_jvp(c.net, c.theta, c.tape, c.v, jv);
    network_vjp(c.net, c.theta, c.tape, c.u, c.gradient);
    double left = dot(N * c.C, c.u, jv), right = dot(c.P, c.gradient, c.v);
    double scale = sqrt(dot(c.P, c.gradient, c.gradient) * dot(c.P, c.v, c.v));
    ck_assert_msg(fabs(left - right) <= 60 * REAL_EPSILON * scale, "%s: <u, Jv> = %.10g, <J'u, v> = %.10g", c.s.label, left, right);
    ck_assert_double_gt(fabs(left), 0);
    teardown(&c);
}
END_TEST

/* Kinks (relu, max pooling) let only short steps through, so this is for double. */
START_TEST(jvp_agrees_with_finite_differences)
{
    struct frame c;
    setup(&c, _i);
    real jv[N * 3], *moved = mem_alloc(c.P, sizeof *moved, NULL);
    double difference[N * 3] = {0}, h = 1e-6;
    for (int sign = -1; sign <= 1; sign += 2) {
        for (size_t p = 0; p < c.P; p++)
            moved[p] = (real)((double)c.theta[p] + sign * h * (double)c.v[p]);
        const real *f = network_forward(c.net, moved, c.x, N, c.tape);
        for (size_t i = 0; i < N * c.C; i++)
            difference[i] += sign * (double)f[i] / (2 * h);
    }
    network_forward(c.net, c.theta, c.x, N, c.tape);
    network_jvp(c.net, c.theta, c.tape, c.v, jv);
    double distance = toy_distance(N * c.C, jv, difference);
    ck_assert_msg(distance < 1e-6, "%s: %.2e from finite differences", c.s.label, distance);
    mem_free(moved);
    teardown(&c);
}
END_TEST

START_TEST(jvp_and_vjp_are_linear_and_leave_nothing_behind)
{
    struct frame c;
    struct random r;
    setup(&c, _i);
    random_start(&r, 5, RANDOM_SET, 1);
    real a[N * 3], b[N * 3], ab[N * 3], *w = drawn(&r, c.P, 1), *sum = mem_alloc(c.P, sizeof *sum, NULL);
    double expected[N * 3];
    for (size_t p = 0; p < c.P; p++)
        sum[p] = 2 * c.v[p] - 3 * w[p];
    network_forward(c.net, c.theta, c.x, N, c.tape);
    network_jvp(c.net, c.theta, c.tape, c.v, a);
    network_jvp(c.net, c.theta, c.tape, w, b);
    network_vjp(c.net, c.theta, c.tape, c.u, c.gradient);
    network_jvp(c.net, c.theta, c.tape, sum, ab);
    for (size_t i = 0; i < N * c.C; i++)
        expected[i] = 2 * (double)a[i] - 3 * (double)b[i];
    ck_assert_double_le(toy_distance(N * c.C, ab, expected), 100 * REAL_EPSILON);
    network_vjp(c.net, c.theta, c.tape, c.u, w);   /* again, after others: the same bits */
    ck_assert_mem_eq(w, c.gradient, c.P * sizeof *w);
    mem_free(w);
    mem_free(sum);
    teardown(&c);
}
END_TEST

START_TEST(rows_are_computed_each_for_itself)
{
    struct frame c;
    setup(&c, _i);
    struct tape *single = tape_create(c.net, 1, false, NULL);
    real jv[N * 3], row_jv[3], *row = mem_alloc(c.P, sizeof *row, NULL);
    double *sum = mem_alloc(c.P, sizeof *sum, NULL);
    network_forward(c.net, c.theta, c.x, N, c.tape);
    network_jvp(c.net, c.theta, c.tape, c.v, jv);
    network_vjp(c.net, c.theta, c.tape, c.u, c.gradient);
    for (size_t i = 0; i < N; i++) {
        const real *f = network_forward(c.net, c.theta, c.x + i * c.in, 1, single);
        network_jvp(c.net, c.theta, single, c.v, row_jv);
        network_vjp(c.net, c.theta, single, c.u + i * c.C, row);
        for (size_t o = 0; o < c.C; o++) {
            ck_assert_double_eq_tol((double)f[o], (double)c.tape->value[c.net->n_layers][i * c.C + o], 100 * REAL_EPSILON);
            ck_assert_double_eq_tol((double)row_jv[o], (double)jv[i * c.C + o], 4000 * REAL_EPSILON);
        }
        for (size_t p = 0; p < c.P; p++)
            sum[p] += (double)row[p];
    }
    ck_assert_double_le(toy_distance(c.P, c.gradient, sum), 100 * REAL_EPSILON);
    tape_destroy(single);
    mem_free(row);
    mem_free(sum);
    teardown(&c);
}
END_TEST

START_TEST(a_store_keeps_all_that_derivatives_read)
{
    struct frame c;
    setup(&c, _i);
    const size_t index[N] = {2, 0, 2};
    struct tape *store = tape_create_store(c.net, N, NULL), *batch = tape_create(c.net, N, true, NULL);
    real jv[N * 3], gathered[N * 3], *row = mem_alloc(c.P, sizeof *row, NULL);
    network_forward(c.net, c.theta, c.x, N, c.tape);
    tape_put(c.net, c.tape, 0, store);
    for (size_t b = 1; b <= c.net->n_layers; b++)   /* what the store left out must not matter */
        for (size_t k = 0; k < N * c.net->layers[b - 1].outputs; k++)
            batch->storage[b][k] = (real)NAN;
    tape_gather(c.net, store, index, N, batch);
    for (size_t i = 0; i < N; i++)
        memcpy(batch->input + i * c.in, c.x + index[i] * c.in, c.in * sizeof *c.x);
    network_jvp(c.net, c.theta, c.tape, c.v, jv);
    network_jvp(c.net, c.theta, batch, c.v, gathered);
    network_vjp(c.net, c.theta, batch, c.u, row);
    for (size_t i = 0; i < N; i++)
        for (size_t o = 0; o < c.C; o++)
            ck_assert_double_eq_tol((double)gathered[i * c.C + o], (double)jv[index[i] * c.C + o], 1000 * REAL_EPSILON);
    double left = dot(N * c.C, c.u, gathered), right = dot(c.P, row, c.v);
    ck_assert_double_eq_tol(left, right, 60 * REAL_EPSILON * sqrt(dot(c.P, row, row) * dot(c.P, c.v, c.v)));
    tape_destroy(store);
    tape_destroy(batch);
    mem_free(row);
    teardown(&c);
}
END_TEST

struct seen { struct frame *c; int expected; };

/* A layer's gradient is its own VJP of what the visit gets. */
static void check_layer(void *context, int number, const struct layer *l, const real *input, const real *output,
                        const real *delta)
{
    struct seen *seen = context;
    real *own = mem_alloc(l->n_parameters, sizeof *own, NULL);
    ck_assert_int_eq(number, seen->expected--);
    l->ops->vjp(l, seen->c->theta + l->offset, input, output, N, delta, NULL, own);
    ck_assert_mem_eq(own, seen->c->gradient + l->offset, l->n_parameters * sizeof *own);
    mem_free(own);
}

START_TEST(each_layer_with_parameters_is_visited_once_with_its_delta)
{
    struct frame c;
    setup(&c, _i);
    network_forward(c.net, c.theta, c.x, N, c.tape);
    network_vjp(c.net, c.theta, c.tape, c.u, c.gradient);
    struct seen seen = {&c, (int)c.net->n_parameterised - 1};
    network_deltas(c.net, c.theta, c.tape, c.u, check_layer, &seen);
    ck_assert_int_eq(seen.expected, -1);
    teardown(&c);
}
END_TEST

START_TEST(measured_sizes_are_those_of_the_built_network)
{
    struct frame c;
    struct network_size size;
    double forward, step, boundary = 0, first = 0, all = 0, scratch = 0;
    setup(&c, _i);
    ck_assert_int_eq(network_measure(&c.s.spec, c.s.input, c.C, &size, NULL), 0);
    network_flops(c.net, &forward, &step);
    for (size_t i = 0; i < c.net->n_layers; i++) {
        const struct layer *l = &c.net->layers[i];
        bool conv = l->ops == &layer_convolution, weights = conv || l->ops == &layer_dense;
        double own = weights ? (double)(conv ? l->outputs * l->window * l->window * l->in.channels : l->outputs * l->inputs) : 0;
        boundary += (double)l->outputs;
        all += own;
        first += first == 0 ? own : 0;
    }
    for (size_t s = 0; s < c.net->n_slots; s++)
        scratch += (double)c.net->slot_features[s];
    ck_assert_double_eq(size.parameters, (double)c.P);
    ck_assert_double_eq(size.widest, (double)c.net->widest);
    ck_assert_int_eq(size.parameterised_layers, (int)c.net->n_parameterised);
    ck_assert_double_eq(size.boundary, boundary);
    ck_assert_double_eq(size.scratch, scratch);
    ck_assert_double_eq(forward, 2 * all);
    ck_assert_double_eq(size.first + size.rest, all);
    ck_assert_double_ge(size.first, first);
    ck_assert_double_eq(step, 2 * (2 * size.first + 3 * size.rest));
    teardown(&c);
}
END_TEST

START_TEST(tensors_cover_the_parameters_and_start_as_their_kind_says)
{
    struct frame c;
    setup(&c, _i);
    size_t next = 0;
    bool ntk = c.s.spec.parameterisation == PARAMETERISATION_NTK;
    network_init(c.net, 3, c.theta);
    for (size_t k = 0; k < c.net->n_tensors; k++) {
        const struct tensor *t = &c.net->tensors[k];
        size_t size = 1, fan_in = 1;
        for (size_t d = 0; d < t->n_dims; d++)
            size *= t->shape[d];
        for (size_t d = 1; d < t->n_dims; d++)
            fan_in *= t->shape[d];
        ck_assert_uint_eq(t->offset, next);
        ck_assert_uint_eq(t->size, size);
        next += size;
        bool scale = strstr(t->name, ".scale"), shift = strstr(t->name, ".shift"), bias = strstr(t->name, ".bias");
        double gain = c.s.spec.activation == ACTIVATION_RELU || c.s.spec.activation == ACTIVATION_GELU ? sqrt(2) : 1;
        double deviation = ntk ? 1 : bias ? 0.3 : gain / sqrt((double)fan_in);
        struct random r;
        random_start(&r, 3, RANDOM_INIT, k);
        for (size_t p = 0; p < size; p++)
            ck_assert(c.theta[t->offset + p] == (scale ? 1 : shift ? 0 : (real)(deviation * random_normal(&r))));
    }
    ck_assert_uint_eq(next, c.P);
    teardown(&c);
}
END_TEST

START_TEST(everything_a_network_takes_is_given_back)
{
    size_t before = mem_in_use();
    struct frame c;
    setup(&c, _i);
    tape_destroy(tape_create_store(c.net, 5, NULL));
    teardown(&c);
    ck_assert_uint_eq(mem_in_use(), before);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, vjp_and_jvp_are_adjoint, 0, 2 * ZOO);
    if (REAL_EPSILON < 1e-10)
        tcase_add_loop_test(tests, jvp_agrees_with_finite_differences, 0, 2 * ZOO);
    tcase_add_loop_test(tests, jvp_and_vjp_are_linear_and_leave_nothing_behind, 0, 2 * ZOO);
    tcase_add_loop_test(tests, rows_are_computed_each_for_itself, 0, 2 * ZOO);
    tcase_add_loop_test(tests, a_store_keeps_all_that_derivatives_read, 0, 2 * ZOO);
    tcase_add_loop_test(tests, each_layer_with_parameters_is_visited_once_with_its_delta, 0, 2 * ZOO);
    tcase_add_loop_test(tests, measured_sizes_are_those_of_the_built_network, 0, 2 * ZOO);
    tcase_add_loop_test(tests, tensors_cover_the_parameters_and_start_as_their_kind_says, 0, 2 * ZOO);
    tcase_add_loop_test(tests, everything_a_network_takes_is_given_back, 0, 2 * ZOO);
}

UNIT_MAIN("every architecture", add)
