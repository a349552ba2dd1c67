/* Pooling and transposition against the obvious loops. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/layer.h"
#include "unit.h"

static const struct shape {
    size_t height, width, channels, window, stride, padding, n;
} shapes[] = {
    {4, 4, 1, 2, 2, 0, 1},
    {6, 4, 3, 2, 2, 0, 3},
    {5, 7, 16, 2, 2, 0, 2},     /* a last line and column in no window */
    {6, 6, 7, 3, 1, 1, 2},      /* windows overlap */
    {7, 5, 3, 3, 2, 1, 2},
    {5, 5, 3, 3, 2, 2, 2},      /* corners see one pixel */
    {4, 4, 2, 1, 2, 0, 2},
    {3, 2, 70, 5, 1, 4, 2},     /* the window is larger than the image; more channels than a chunk */
    {4, 4, 130, 4, 1, 0, 2},
    {5, 3, 7, 0, 1, 0, 3},      /* the whole of it */
    {1, 1, 200, 0, 1, 0, 2},
    {4, 4, 3, 2, 2, 0, 0},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, CASES = 2 * SHAPES };

struct frame {
    struct layer l;
    size_t n, X, Y;
    real *x, *tx, *y, *dy, *ty, *dx;
    double *slow;
};

static real *numbers(size_t n, struct random *r)
{
    real *x = mem_alloc(n, sizeof *x, NULL);
    for (size_t i = 0; i < n; i++)
        x[i] = r ? (real)random_normal(r) : (real)NAN;
    return x;
}

static size_t side(size_t in, const struct shape *s)
{
    return s->window ? (in + 2 * s->padding - s->window) / s->stride + 1 : 1;
}

static void setup(struct frame *f, int k)
{
    const struct shape *s = &shapes[k / 2];
    struct random r;
    f->n = s->n;
    f->l = (struct layer){.ops = &layer_pooling, .pooling = k % 2 ? POOLING_MAX : POOLING_AVERAGE, .number = -1,
                          .in = {s->height, s->width, s->channels},
                          .out = {side(s->height, s), side(s->width, s), s->channels}, .window = s->window,
                          .stride = s->stride, .padding = s->padding};
    f->l.inputs = image_features(f->l.in);
    f->l.outputs = image_features(f->l.out);
    f->X = f->n * f->l.inputs;
    f->Y = f->n * f->l.outputs;
    random_start(&r, (uint64_t)k, RANDOM_SET, 0);
    f->x = numbers(f->X, &r);
    f->tx = numbers(f->X, &r);
    f->dy = numbers(f->Y, &r);
    f->y = numbers(f->Y, NULL);
    f->ty = numbers(f->Y, NULL);
    f->dx = numbers(f->X, NULL);
    f->slow = mem_alloc(f->X + f->Y, sizeof *f->slow, NULL);
}

static void teardown(struct frame *f)
{
    real *held[] = {f->x, f->tx, f->dy, f->y, f->ty, f->dx};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        mem_free(held[i]);
    mem_free(f->slow);
}

/* The pixel of x that is number (a, b) in the window of an output, or -1 in the padding. */
static ptrdiff_t covered(const struct layer *l, size_t output, size_t a, size_t b)
{
    size_t c = output % l->out.channels, column = output / l->out.channels % l->out.width;
    size_t row = output / l->out.channels / l->out.width % l->out.height;
    ptrdiff_t v = (ptrdiff_t)(row * l->stride + a) - (ptrdiff_t)l->padding;
    ptrdiff_t h = (ptrdiff_t)(column * l->stride + b) - (ptrdiff_t)l->padding;
    if (v < 0 || h < 0 || v >= (ptrdiff_t)l->in.height || h >= (ptrdiff_t)l->in.width)
        return -1;
    return (ptrdiff_t)(((output / l->outputs * l->in.height + (size_t)v) * l->in.width + (size_t)h) * l->in.channels + c);
}

/* How output `o` depends on x: calls visit(f, o, pixel, derivative) for all it may depend on; returns its value. */
static double each_pixel(struct frame *f, size_t o, void (*visit)(struct frame *, size_t o, size_t pixel, double slope))
{
    size_t down = f->l.window ? f->l.window : f->l.in.height, across = f->l.window ? f->l.window : f->l.in.width;
    double sum = 0, largest = -INFINITY, slope = 1 / (double)(down * across);
    ptrdiff_t where = -1;
    for (size_t a = 0; a < down; a++)
        for (size_t b = 0; b < across; b++) {
            ptrdiff_t pixel = covered(&f->l, o, a, b);
            if (pixel < 0)
                continue;
            double x = (double)f->x[pixel];
            sum += x * slope;
            if (x > largest) {
                largest = x;
                where = pixel;
            }
            if (f->l.pooling == POOLING_AVERAGE && visit)
                visit(f, o, (size_t)pixel, slope);
        }
    if (f->l.pooling == POOLING_MAX && visit)
        visit(f, o, (size_t)where, 1);
    return f->l.pooling == POOLING_MAX ? largest : sum;
}

static void pull(struct frame *f, size_t o, size_t pixel, double slope) { f->slow[o] += slope * (double)f->tx[pixel]; }
static void push(struct frame *f, size_t o, size_t pixel, double slope) { f->slow[pixel] += slope * (double)f->dy[o]; }

static void check(struct frame *f, const char *what, size_t n, const real *x)
{
    for (size_t i = 0; i < n; i++) {
        double error = fabs((double)x[i] - f->slow[i]);
        ck_assert_msg(error <= 20 * REAL_EPSILON * fmax(1, fabs(f->slow[i])), "%s of %zux%zux%zu, window %zu, stride %zu, padding %zu, number %zu: %g, not %g",
                      what, f->l.in.height, f->l.in.width, f->l.in.channels, f->l.window, f->l.stride, f->l.padding, i,
                      (double)x[i], f->slow[i]);
    }
    memset(f->slow, 0, n * sizeof *f->slow);
}

START_TEST(pooling_takes_the_largest_or_the_average_of_windows)
{
    struct frame f;
    setup(&f, _i);
    f.l.ops->forward(&f.l, NULL, f.x, f.n, f.y);
    for (size_t o = 0; o < f.Y; o++)
        f.slow[o] = each_pixel(&f, o, NULL);
    check(&f, "y", f.Y, f.y);
    teardown(&f);
}
END_TEST

START_TEST(its_derivatives_are_those_of_the_loops)
{
    struct frame f;
    setup(&f, _i);
    f.l.ops->forward(&f.l, NULL, f.x, f.n, f.y);
    f.l.ops->jvp(&f.l, NULL, f.x, f.y, f.n, f.tx, NULL, f.ty);
    for (size_t o = 0; o < f.Y; o++)
        each_pixel(&f, o, pull);
    check(&f, "ty", f.Y, f.ty);
    f.l.ops->vjp(&f.l, NULL, f.x, f.y, f.n, f.dy, f.dx, NULL);
    for (size_t o = 0; o < f.Y; o++)
        each_pixel(&f, o, push);
    check(&f, "dx", f.X, f.dx);
    f.l.ops->vjp(&f.l, NULL, f.x, f.y, f.n, f.dy, NULL, NULL);
    f.l.ops->jvp(&f.l, NULL, f.x, f.y, f.n, NULL, NULL, f.ty);
    check(&f, "ty without tx", f.Y, f.ty);   /* zeros */
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

START_TEST(its_vjp_is_the_adjoint_of_its_jvp)
{
    struct frame f;
    setup(&f, _i);
    f.l.ops->forward(&f.l, NULL, f.x, f.n, f.y);
    f.l.ops->jvp(&f.l, NULL, f.x, f.y, f.n, f.tx, NULL, f.ty);
    f.l.ops->vjp(&f.l, NULL, f.x, f.y, f.n, f.dy, f.dx, NULL);
    double scale = sqrt(dot(f.X, f.dx, f.dx) * dot(f.X, f.tx, f.tx));
    ck_assert_double_le(fabs(dot(f.Y, f.dy, f.ty) - dot(f.X, f.dx, f.tx)), 20 * REAL_EPSILON * scale);
    teardown(&f);
}
END_TEST

/* Linear as long as the largest stays the largest, so the distance need not be small. */
START_TEST(its_jvp_agrees_with_differences)
{
    struct frame f;
    setup(&f, _i);
    real h = (real)0.0625;
    for (size_t i = 0; i < f.X; i++)   /* all pixels of an image at least 1 apart, more than 2 h |tx| */
        f.x[i] = (real)(i / f.l.in.channels * 7 % 64);
    f.l.ops->forward(&f.l, NULL, f.x, f.n, f.y);
    f.l.ops->jvp(&f.l, NULL, f.x, f.y, f.n, f.tx, NULL, f.ty);
    for (int sign = -1; sign <= 1; sign += 2) {
        for (size_t i = 0; i < f.X; i++)
            f.dx[i] = f.x[i] + (real)sign * h * f.tx[i];
        f.l.ops->forward(&f.l, NULL, f.dx, f.n, f.y);
        for (size_t i = 0; i < f.Y; i++)
            f.slow[i] += sign * 0.5 * (double)f.y[i] / (double)h;
    }
    for (size_t i = 0; i < f.Y; i++)
        ck_assert_double_eq_tol((double)f.ty[i], f.slow[i], 2000 * REAL_EPSILON);
    teardown(&f);
}
END_TEST

START_TEST(derivatives_read_only_what_pooling_says)
{
    struct frame f;
    setup(&f, _i);
    unsigned uses = f.l.ops->uses(&f.l);
    ck_assert_uint_eq(uses, f.l.pooling == POOLING_MAX ? LAYER_USES_INPUT | LAYER_USES_OUTPUT : 0);
    f.l.ops->forward(&f.l, NULL, f.x, f.n, f.y);
    const real *x = uses & LAYER_USES_INPUT ? f.x : NULL, *y = uses & LAYER_USES_OUTPUT ? f.y : NULL;
    f.l.ops->jvp(&f.l, NULL, x, y, f.n, f.tx, NULL, f.ty);
    f.l.ops->vjp(&f.l, NULL, x, y, f.n, f.dy, f.dx, NULL);
    for (size_t i = 0; i < f.Y; i++)
        ck_assert(!isnan(f.ty[i]));
    for (size_t i = 0; i < f.X; i++)
        ck_assert(!isnan(f.dx[i]));
    teardown(&f);
}
END_TEST

/* Two of three equal maxima in every window of 2 x 2. */
START_TEST(of_equal_maxima_the_first_has_the_derivative)
{
    real x[8] = {1, 5, 2, 2, 5, 5, 2, 2}, y[2], dy[2] = {10, 20}, dx[8], tx[8] = {1, 2, 3, 4, 5, 6, 7, 8}, ty[2];
    real expected[8] = {0, 10, 20, 0, 0, 0, 0, 0};
    struct layer l = {.ops = &layer_pooling, .pooling = POOLING_MAX, .inputs = 8, .outputs = 2, .in = {2, 4, 1},
                      .out = {1, 2, 1}, .window = 2, .stride = 2};
    l.ops->forward(&l, NULL, x, 1, y);
    ck_assert(y[0] == 5 && y[1] == 2);
    l.ops->vjp(&l, NULL, x, y, 1, dy, dx, NULL);
    ck_assert_mem_eq(dx, expected, sizeof dx);
    l.ops->jvp(&l, NULL, x, y, 1, tx, NULL, ty);
    ck_assert(ty[0] == 2 && ty[1] == 3);
}
END_TEST

/* ... and negative numbers are larger than the padding around them. */
START_TEST(padding_is_never_the_largest)
{
    real x[4] = {-3, -4, -5, -6}, y[9], expected[9] = {-3, -3, -4, -3, -3, -4, -5, -5, -6};
    struct layer l = {.ops = &layer_pooling, .pooling = POOLING_MAX, .inputs = 4, .outputs = 9, .in = {2, 2, 1},
                      .out = {3, 3, 1}, .window = 2, .stride = 1, .padding = 1};
    l.ops->forward(&l, NULL, x, 1, y);
    ck_assert_mem_eq(y, expected, sizeof y);
}
END_TEST

START_TEST(a_nan_shows_wherever_in_the_window_it_is)
{
    enum { CHANNELS = 5 };   /* vectors and what is left over */
    for (int kind = 0; kind < 2; kind++)
        for (size_t where = 0; where < 9; where++) {
            real x[9 * CHANNELS], y[CHANNELS], dx[9 * CHANNELS], dy[CHANNELS];
            struct layer l = {.ops = &layer_pooling, .pooling = kind ? POOLING_MAX : POOLING_AVERAGE,
                              .inputs = 9 * CHANNELS, .outputs = CHANNELS, .in = {3, 3, CHANNELS},
                              .out = {1, 1, CHANNELS}, .window = 3, .stride = 1};
            for (size_t i = 0; i < 9 * CHANNELS; i++)
                x[i] = i / CHANNELS == where ? (real)NAN : (real)i;
            l.ops->forward(&l, NULL, x, 1, y);
            for (size_t c = 0; c < CHANNELS; c++) {
                ck_assert(isnan(y[c]));
                dy[c] = (real)NAN;
            }
            l.ops->vjp(&l, NULL, x, y, 1, dy, dx, NULL);
            for (size_t c = 0; c < CHANNELS; c++) {
                bool any = false;
                for (size_t i = 0; i < 9; i++)
                    any = any || isnan(dx[i * CHANNELS + c]);
                ck_assert(any);
            }
        }
}
END_TEST

START_TEST(transposition_puts_channels_last_and_its_derivatives_go_along)
{
    enum { ROWS = 2, CHANNELS = 3, HEIGHT = 2, WIDTH = 4, FEATURES = CHANNELS * HEIGHT * WIDTH };
    real x[ROWS * FEATURES], y[ROWS * FEATURES], back[ROWS * FEATURES], zero[ROWS * FEATURES] = {0};
    struct layer l = {.ops = &layer_transpose, .number = -1, .inputs = FEATURES, .outputs = FEATURES,
                      .in = {HEIGHT, WIDTH, CHANNELS}, .out = {HEIGHT, WIDTH, CHANNELS}};
    ck_assert_uint_eq(l.ops->uses(&l), 0);
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        x[i] = (real)i;
    l.ops->forward(&l, NULL, x, ROWS, y);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t v = 0; v < HEIGHT; v++)
                for (size_t h = 0; h < WIDTH; h++)
                    ck_assert(y[((i * HEIGHT + v) * WIDTH + h) * CHANNELS + c]
                              == x[((i * CHANNELS + c) * HEIGHT + v) * WIDTH + h]);
    l.ops->vjp(&l, NULL, NULL, NULL, ROWS, y, back, NULL);
    ck_assert_mem_eq(back, x, sizeof x);
    l.ops->vjp(&l, NULL, NULL, NULL, ROWS, y, NULL, NULL);
    l.ops->jvp(&l, NULL, NULL, NULL, ROWS, x, NULL, back);
    ck_assert_mem_eq(back, y, sizeof y);
    l.ops->jvp(&l, NULL, NULL, NULL, ROWS, NULL, NULL, back);
    ck_assert_mem_eq(back, zero, sizeof zero);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, pooling_takes_the_largest_or_the_average_of_windows, 0, CASES);
    tcase_add_loop_test(tests, its_derivatives_are_those_of_the_loops, 0, CASES);
    tcase_add_loop_test(tests, its_vjp_is_the_adjoint_of_its_jvp, 0, CASES);
    tcase_add_loop_test(tests, its_jvp_agrees_with_differences, 0, CASES);
    tcase_add_loop_test(tests, derivatives_read_only_what_pooling_says, 0, CASES);
    tcase_add_test(tests, of_equal_maxima_the_first_has_the_derivative);
    tcase_add_test(tests, padding_is_never_the_largest);
    tcase_add_test(tests, a_nan_shows_wherever_in_the_window_it_is);
    tcase_add_test(tests, transposition_puts_channels_last_and_its_derivatives_go_along);
}

UNIT_MAIN("pooling", add)
