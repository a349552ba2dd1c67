/* The convolution against the obvious loops, in double. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "math/blas_setup.h"
#include "nn/layer.h"
#include "unit.h"

static const struct shape {
    size_t height, width, in, out, window, stride, padding, n;
} shapes[] = {
    {1, 1, 5, 4, 1, 1, 0, 3},
    {4, 4, 3, 7, 1, 1, 0, 3},      /* the patches are x itself */
    {5, 4, 7, 3, 1, 2, 0, 2},      /* windows with pixels between them that nothing reads */
    {3, 3, 2, 3, 1, 1, 1, 2},      /* windows wholly in the padding */
    {5, 5, 3, 7, 3, 1, 1, 1},
    {5, 7, 3, 16, 3, 1, 1, 4},     /* not square */
    {6, 5, 7, 3, 3, 2, 1, 3},
    {7, 7, 1, 7, 3, 2, 0, 2},
    {4, 6, 3, 1, 2, 2, 0, 3},
    {3, 5, 16, 7, 2, 1, 1, 2},
    {9, 8, 3, 7, 5, 1, 2, 2},
    {8, 9, 7, 3, 5, 2, 2, 2},
    {6, 6, 1, 6, 5, 1, 0, 3},
    {3, 3, 16, 16, 5, 1, 2, 2},    /* the image is smaller than the window */
    {2, 3, 3, 2, 5, 1, 4, 2},      /* more padding than image */
    {4, 4, 3, 5, 4, 1, 0, 3},      /* the window is the image */
    {16, 16, 16, 16, 3, 1, 1, 7},  /* several blocks, ending inside images; from here to "end" by Winograd */
    {15, 13, 9, 11, 3, 1, 1, 6},   /* sides are odd, channels no multiple of anything */
    {12, 9, 8, 24, 3, 1, 0, 13},   /* no padding */
    {7, 10, 16, 8, 3, 1, 2, 10},   /* more than one pixel of it */
    {2, 3, 8, 9, 3, 1, 4, 20},     /* windows wholly in it */
    {1, 1, 8, 8, 3, 1, 1, 300},    /* hardly an image */
    {8, 8, 48, 80, 3, 1, 1, 16},   /* end: few tiles in a block */
    {16, 16, 16, 7, 5, 2, 2, 9},
    {10, 10, 100, 3, 3, 1, 0, 2},
    {3, 3, 1000, 2, 5, 1, 2, 2},   /* a few patches in a block */
    {2, 3, 4000, 2, 5, 1, 2, 2},   /* not one fits */
    {5, 4, 4000, 2, 5, 2, 2, 2},
    {3, 3, 3, 2, 3, 1, 1, 0},      /* no examples */
};
static const struct { double weight_scale, bias_scale; bool bias; } scales[] = {
    {1, 1, true}, {1, 1, false}, {0.4, 0.25, true}, {0.4, 0, true},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, SCALES = sizeof scales / sizeof *scales, CASES = SHAPES * SCALES };

/* A layer with numbers for everything it reads and NaN in everything it is to overwrite; the slow results. */
struct frame {
    struct layer l;
    size_t n, X, Y, P, W;   /* numbers in x, y, the parameters, the weights */
    real *parameters, *tangent, *x, *tx, *y, *dy, *dx, *gradient;
    double *slow;           /* as many as the largest of them */
};

static real *numbers(size_t n, struct random *r)
{
    real *x = mem_alloc(n, sizeof *x, NULL);
    for (size_t i = 0; i < n; i++)
        x[i] = r ? (real)random_normal(r) : (real)NAN;
    return x;
}

static size_t side(size_t in, const struct shape *s) { return (in + 2 * s->padding - s->window) / s->stride + 1; }

static void setup(struct frame *f, int k)
{
    const struct shape *s = &shapes[k / SCALES];
    bool bias = scales[k % SCALES].bias;
    struct random r;
    blas_set_threads(1);   /* as jobs have it, and needed for products of small matrices */
    f->n = s->n;
    f->W = s->out * s->window * s->window * s->in;
    f->P = f->W + (bias ? s->out : 0);
    f->l = (struct layer){
        .ops = &layer_convolution, .n_parameters = f->P, .in = {s->height, s->width, s->in},
        .out = {side(s->height, s), side(s->width, s), s->out}, .window = s->window, .stride = s->stride,
        .padding = s->padding, .bias = bias, .weight_scale = scales[k % SCALES].weight_scale,
        .bias_scale = scales[k % SCALES].bias_scale,
    };
    f->l.inputs = image_features(f->l.in);
    f->l.outputs = image_features(f->l.out);
    f->X = f->n * f->l.inputs;
    f->Y = f->n * f->l.outputs;
    random_start(&r, (uint64_t)k, RANDOM_SET, 0);
    f->parameters = numbers(f->P, &r);
    f->tangent = numbers(f->P, &r);
    f->x = numbers(f->X, &r);
    f->tx = numbers(f->X, &r);
    f->dy = numbers(f->Y, &r);
    f->y = numbers(f->Y, NULL);
    f->dx = numbers(f->X, NULL);
    f->gradient = numbers(f->P, NULL);
    f->slow = mem_alloc(f->X + f->Y + f->P, sizeof *f->slow, NULL);
}

static void teardown(struct frame *f)
{
    real *held[] = {f->parameters, f->tangent, f->x, f->tx, f->dy, f->y, f->dx, f->gradient};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        mem_free(held[i]);
    mem_free(f->slow);
}

/* What every product of the convolution has in common: which y, x and w meet.
 * long: the seven loops that define a convolution */
static void each_product(const struct frame *f, void (*meet)(struct frame *, const void *, size_t y, size_t x, size_t w),
                         struct frame *to, const void *context)
{
    const struct layer *l = &f->l;
    for (size_t i = 0; i < f->n; i++)
        for (size_t row = 0; row < l->out.height; row++)
            for (size_t column = 0; column < l->out.width; column++)
                for (size_t o = 0; o < l->out.channels; o++)
                    for (size_t a = 0; a < l->window; a++)
                        for (size_t b = 0; b < l->window; b++)
                            for (size_t c = 0; c < l->in.channels; c++) {
                                size_t v = row * l->stride + a, h = column * l->stride + b;
                                if (v < l->padding || v >= l->padding + l->in.height || h < l->padding
                                    || h >= l->padding + l->in.width)
                                    continue;
                                v -= l->padding;
                                h -= l->padding;
                                meet(to, context,
                                     ((i * l->out.height + row) * l->out.width + column) * l->out.channels + o,
                                     ((i * l->in.height + v) * l->in.width + h) * l->in.channels + c,
                                     ((o * l->window + a) * l->window + b) * l->in.channels + c);
                            }
}

struct operands {
    const real *weight, *x, *dy;
};

static void into_y(struct frame *f, const void *context, size_t y, size_t x, size_t w)
{
    const struct operands *p = context;
    f->slow[y] += f->l.weight_scale * (double)p->weight[w] * (double)p->x[x];
}

static void into_x(struct frame *f, const void *context, size_t y, size_t x, size_t w)
{
    const struct operands *p = context;
    f->slow[x] += f->l.weight_scale * (double)p->weight[w] * (double)p->dy[y];
}

static void into_w(struct frame *f, const void *context, size_t y, size_t x, size_t w)
{
    const struct operands *p = context;
    f->slow[w] += f->l.weight_scale * (double)p->x[x] * (double)p->dy[y];
}

static void add_slow_bias(struct frame *f, const real *parameters)
{
    for (size_t y = 0; f->l.bias && y < f->Y; y++)
        f->slow[y] += f->l.bias_scale * (double)parameters[f->W + y % f->l.out.channels];
}

/* Compares with f->slow, and clears that. Sums of `terms` products, in blocks. */
static void check(struct frame *f, const char *what, size_t n, const real *x, size_t terms)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)x[i] - f->slow[i]) * ((double)x[i] - f->slow[i]);
        norm += f->slow[i] * f->slow[i];
    }
    double error = sqrt(difference / (norm > 0 ? norm : 1)), tolerance = (2 + sqrt((double)terms)) * REAL_EPSILON;
    ck_assert_msg(error <= tolerance, "%s of %zux%zux%zu, window %zu, stride %zu, padding %zu: relative error %g > %g",
                  what, f->l.in.height, f->l.in.width, f->l.in.channels, f->l.window, f->l.stride, f->l.padding,
                  error, tolerance);
    memset(f->slow, 0, n * sizeof *f->slow);
}

static size_t patch(const struct frame *f) { return f->l.window * f->l.window * f->l.in.channels; }

START_TEST(a_convolution_multiplies_windows_by_its_weights_and_adds_its_bias)
{
    struct frame f;
    setup(&f, _i);
    f.l.ops->forward(&f.l, f.parameters, f.x, f.n, f.y);
    each_product(&f, into_y, &f, &(struct operands){.weight = f.parameters, .x = f.x});
    add_slow_bias(&f, f.parameters);
    check(&f, "y", f.Y, f.y, patch(&f));
    teardown(&f);
}
END_TEST

START_TEST(its_jvp_is_the_product_rule)
{
    struct frame f;
    setup(&f, _i);
    each_product(&f, into_y, &f, &(struct operands){.weight = f.tangent, .x = f.x});
    each_product(&f, into_y, &f, &(struct operands){.weight = f.parameters, .x = f.tx});
    add_slow_bias(&f, f.tangent);
    f.l.ops->jvp(&f.l, f.parameters, f.x, NULL, f.n, f.tx, f.tangent, f.y);
    check(&f, "ty", f.Y, f.y, 2 * patch(&f));
    each_product(&f, into_y, &f, &(struct operands){.weight = f.tangent, .x = f.x});
    add_slow_bias(&f, f.tangent);
    f.l.ops->jvp(&f.l, f.parameters, f.x, NULL, f.n, NULL, f.tangent, f.y);
    check(&f, "ty without tx", f.Y, f.y, patch(&f));
    teardown(&f);
}
END_TEST

START_TEST(its_vjp_overwrites_with_sums_over_positions)
{
    struct frame f;
    setup(&f, _i);
    f.l.ops->vjp(&f.l, f.parameters, f.x, NULL, f.n, f.dy, f.dx, f.gradient);
    each_product(&f, into_x, &f, &(struct operands){.weight = f.parameters, .dy = f.dy});
    check(&f, "dx", f.X, f.dx, f.l.window * f.l.window * f.l.out.channels);
    each_product(&f, into_w, &f, &(struct operands){.x = f.x, .dy = f.dy});
    for (size_t y = 0; f.l.bias && y < f.Y; y++)
        f.slow[f.W + y % f.l.out.channels] += f.l.bias_scale * (double)f.dy[y];
    check(&f, "gradient", f.P, f.gradient, f.Y / f.l.out.channels);
    teardown(&f);
}
END_TEST

START_TEST(each_half_of_its_vjp_is_the_same_alone)
{
    struct frame f;
    setup(&f, _i);
    real *dx = numbers(f.X, NULL), *gradient = numbers(f.P, NULL);
    f.l.ops->vjp(&f.l, f.parameters, f.x, NULL, f.n, f.dy, f.dx, f.gradient);
    f.l.ops->vjp(&f.l, f.parameters, f.x, NULL, f.n, f.dy, dx, NULL);
    f.l.ops->vjp(&f.l, f.parameters, f.x, NULL, f.n, f.dy, NULL, gradient);
    ck_assert(memcmp(dx, f.dx, f.X * sizeof *dx) == 0);
    ck_assert(memcmp(gradient, f.gradient, f.P * sizeof *gradient) == 0);
    f.l.ops->vjp(&f.l, f.parameters, f.x, NULL, f.n, f.dy, NULL, NULL);
    mem_free(dx);
    mem_free(gradient);
    teardown(&f);
}
END_TEST

static double dot(size_t n, const real *x, const real *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

/* <dy, J (tx, tangent)> = <J^T dy, (tx, tangent)> */
START_TEST(its_vjp_is_the_adjoint_of_its_jvp)
{
    struct frame f;
    setup(&f, _i);
    f.l.ops->jvp(&f.l, f.parameters, f.x, NULL, f.n, f.tx, f.tangent, f.y);
    f.l.ops->vjp(&f.l, f.parameters, f.x, NULL, f.n, f.dy, f.dx, f.gradient);
    double left = dot(f.Y, f.dy, f.y), right = dot(f.X, f.dx, f.tx) + dot(f.P, f.gradient, f.tangent);
    double scale = sqrt(dot(f.Y, f.dy, f.dy) * dot(f.Y, f.y, f.y));
    ck_assert_double_le(fabs(left - right), 20 * REAL_EPSILON * scale);
    teardown(&f);
}
END_TEST

/* Of a product of its arguments, central differences are exact at any distance. */
START_TEST(its_jvp_agrees_with_differences)
{
    struct frame f;
    setup(&f, _i);
    for (int sign = -1; sign <= 1; sign += 2) {
        for (size_t i = 0; i < f.X; i++)
            f.dx[i] = f.x[i] + (real)sign * f.tx[i];
        for (size_t i = 0; i < f.P; i++)
            f.gradient[i] = f.parameters[i] + (real)sign * f.tangent[i];
        f.l.ops->forward(&f.l, f.gradient, f.dx, f.n, f.y);
        for (size_t i = 0; i < f.Y; i++)
            f.slow[i] += sign * 0.5 * (double)f.y[i];
    }
    f.l.ops->jvp(&f.l, f.parameters, f.x, NULL, f.n, f.tx, f.tangent, f.y);
    check(&f, "ty against differences", f.Y, f.y, 4 * patch(&f));
    teardown(&f);
}
END_TEST

START_TEST(rows_of_a_batch_are_what_they_are_alone)
{
    struct frame f;
    setup(&f, _i);
    f.l.ops->forward(&f.l, f.parameters, f.x, f.n, f.y);
    for (size_t i = 0; i < f.Y; i++)
        f.slow[i] = (double)f.y[i];
    for (size_t i = 0; i < f.n; i++)
        f.l.ops->forward(&f.l, f.parameters, f.x + i * f.l.inputs, 1, f.y + i * f.l.outputs);
    check(&f, "single rows", f.Y, f.y, patch(&f));
    f.l.ops->vjp(&f.l, f.parameters, f.x, NULL, f.n, f.dy, f.dx, NULL);
    for (size_t i = 0; i < f.X; i++)
        f.slow[i] = (double)f.dx[i];
    for (size_t i = 0; i < f.n; i++)
        f.l.ops->vjp(&f.l, f.parameters, f.x + i * f.l.inputs, NULL, 1, f.dy + i * f.l.outputs,
                     f.dx + i * f.l.inputs, NULL);
    check(&f, "dx of single rows", f.X, f.dx, f.l.window * f.l.window * f.l.out.channels);
    teardown(&f);
}
END_TEST

START_TEST(it_reads_its_input_only_and_a_nan_there_shows)
{
    struct frame f;
    setup(&f, 4 * SCALES);
    ck_assert_uint_eq(f.l.ops->uses(&f.l), LAYER_USES_INPUT);
    f.x[0] = (real)NAN;
    f.l.ops->forward(&f.l, f.parameters, f.x, f.n, f.y);
    for (size_t o = 0; o < f.l.out.channels; o++)
        ck_assert(isnan(f.y[o]));
    teardown(&f);
}
END_TEST

START_TEST(its_weights_and_biases_start_from_streams_of_their_own)
{
    struct frame f;
    struct random r;
    setup(&f, 5 * SCALES);
    f.l.init_weight = 0.5;
    f.l.init_bias = 2;
    f.l.ops->init(&f.l, 7, 4, f.parameters);
    random_start(&r, 7, RANDOM_INIT, 4);
    for (size_t i = 0; i < f.W; i++)
        ck_assert_double_eq((double)f.parameters[i], (double)(real)(0.5 * random_normal(&r)));
    random_start(&r, 7, RANDOM_INIT, 5);
    for (size_t i = f.W; i < f.P; i++)
        ck_assert_double_eq((double)f.parameters[i], (double)(real)(2 * random_normal(&r)));
    teardown(&f);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, a_convolution_multiplies_windows_by_its_weights_and_adds_its_bias, 0, CASES);
    tcase_add_loop_test(tests, its_jvp_is_the_product_rule, 0, CASES);
    tcase_add_loop_test(tests, its_vjp_overwrites_with_sums_over_positions, 0, CASES);
    tcase_add_loop_test(tests, each_half_of_its_vjp_is_the_same_alone, 0, CASES);
    tcase_add_loop_test(tests, its_vjp_is_the_adjoint_of_its_jvp, 0, CASES);
    tcase_add_loop_test(tests, its_jvp_agrees_with_differences, 0, CASES);
    tcase_add_loop_test(tests, rows_of_a_batch_are_what_they_are_alone, 0, CASES);
    tcase_add_test(tests, it_reads_its_input_only_and_a_nan_there_shows);
    tcase_add_test(tests, its_weights_and_biases_start_from_streams_of_their_own);
}

UNIT_MAIN("convolution", add)
