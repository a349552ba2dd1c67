/* `teacher`: Gaussian inputs x ~ N(0, I_d), targets from a teacher that set_seed fixes.
 *
 * multi-index: z_j = u_j.x for r = `indices` random orthonormal directions u_j, and
 *     y_o = sum_j a_oj h_{1 + j mod 3}(z_j) + sum_{j<r-1} b_oj z_j z_{j+1}
 * with the normalised Hermite polynomials h_1 = z, h_2 = (z^2-1)/sqrt 2, h_3 = (z^3-3z)/sqrt 6.
 * All terms are orthonormal functions of a Gaussian, so with |(a_o, b_o)| = 1 (direction
 * uniform) y_o has mean 0 and variance 1 exactly.
 *
 * network: z_j = w_j.x for m = `indices` unit vectors w_j, y_o = (sum_j a_oj relu(z_j) - mean)/sd,
 * a_oj ~ N(0, 1), with the exact mean and standard deviation under x ~ N(0, I):
 *     E relu(z_i) = 1/sqrt(2 pi),  E relu(z_i) relu(z_j) = (sin t + (pi - t) cos t)/(2 pi),  cos t = w_i.w_j.
 *
 * Training targets get noise ~ N(0, noise^2). Classification: the label is the largest of the
 * outputs (in training with their noise). */
#include <inttypes.h>
#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "data/source.h"

enum { MOST_NUMBERS = 1 << 20 };   /* of each size of a teacher: keeps products in range */

struct teacher {
    enum teacher_kind kind;
    size_t inputs, outputs, indices;
    double *direction;      /* (inputs, indices): column j is u_j or w_j */
    double *z;              /* (indices) scratch */
    size_t n_terms;
    double *term;           /* (n_terms) scratch: values of the orthonormal terms, or of relu(z) */
    double *weight;         /* (outputs, n_terms) */
    double *shift;          /* (outputs) subtracted */
};

/* Product of columns i and j. */
static double column_dot(const struct teacher *t, size_t i, size_t j)
{
    double sum = 0;
    for (size_t k = 0; k < t->inputs; k++)
        sum += t->direction[k * t->indices + i] * t->direction[k * t->indices + j];
    return sum;
}

/* Column j += factor * column i. */
static void column_add(struct teacher *t, double factor, size_t i, size_t j)
{
    for (size_t k = 0; k < t->inputs; k++)
        t->direction[k * t->indices + j] += factor * t->direction[k * t->indices + i];
}

/* Unit columns; for multi-index also orthogonal (Gram-Schmidt, twice for its rounding). */
static void draw_directions(struct teacher *t, uint64_t set_seed)
{
    struct random r;
    random_start(&r, set_seed, RANDOM_SET, source_substream(POOL_COUNT, 0));
    for (size_t j = 0; j < t->indices; j++) {
        for (size_t k = 0; k < t->inputs; k++)
            t->direction[k * t->indices + j] = random_normal(&r);
        for (int pass = 0; pass < 2; pass++) {
            for (size_t i = 0; t->kind == TEACHER_MULTI_INDEX && i < j; i++)
                column_add(t, -column_dot(t, i, j), i, j);
            column_add(t, 1 / sqrt(column_dot(t, j, j)) - 1, j, j);
        }
    }
}

/* covariance (m, m), overwritten: of relu(z_i) and relu(z_j). */
static void relu_covariance(const struct teacher *t, double *covariance)
{
    size_t m = t->indices;
    for (size_t i = 0; i < m * m; i++)
        covariance[i] = 0;
    for (size_t k = 0; k < t->inputs; k++)
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < m; j++)
                covariance[i * m + j] += t->direction[k * m + i] * t->direction[k * m + j];
    for (size_t i = 0; i < m * m; i++) {
        double cosine = fmax(-1, fmin(1, covariance[i])), angle = acos(cosine);
        covariance[i] = (sin(angle) + (M_PI - angle) * cosine - 1) / (2 * M_PI);
    }
}

/* a^T C a: the variance of sum_j a_j relu(z_j); C NULL stands for the identity. */
static double quadratic_form(const double *a, const double *c, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = c ? 0 : i; j < (c ? n : i + 1); j++)
            sum += a[i] * a[j] * (c ? c[i * n + j] : 1);
    return sum;
}

/* covariance: of the terms; NULL: they are orthonormal and have mean 0. */
static void draw_weights(struct teacher *t, uint64_t set_seed, const double *covariance)
{
    struct random r;
    random_start(&r, set_seed, RANDOM_SET, source_substream(POOL_COUNT, 1));
    for (size_t o = 0; o < t->outputs; o++) {
        double *a = t->weight + o * t->n_terms, mean = 0;
        for (size_t i = 0; i < t->n_terms; i++) {
            a[i] = random_normal(&r);
            mean += covariance ? a[i] / sqrt(2 * M_PI) : 0;
        }
        double scale = 1 / sqrt(quadratic_form(a, covariance, t->n_terms));
        for (size_t i = 0; i < t->n_terms; i++)
            a[i] *= scale;
        t->shift[o] = mean * scale;
    }
}

static double hermite(size_t degree, double z)
{
    return degree == 1 ? z : degree == 2 ? (z * z - 1) / sqrt(2) : (z * z * z - 3 * z) / sqrt(6);
}

/* y (outputs), overwritten, of one x (inputs). */
static void teach(const struct teacher *t, const float *x, double *y)
{
    for (size_t j = 0; j < t->indices; j++)
        t->z[j] = 0;
    for (size_t k = 0; k < t->inputs; k++)
        for (size_t j = 0; j < t->indices; j++)
            t->z[j] += (double)x[k] * t->direction[k * t->indices + j];
    for (size_t j = 0; j < t->indices; j++)
        t->term[j] = t->kind == TEACHER_NETWORK ? fmax(0, t->z[j]) : hermite(1 + j % 3, t->z[j]);
    for (size_t j = t->indices; j < t->n_terms; j++)
        t->term[j] = t->z[j - t->indices] * t->z[j - t->indices + 1];
    for (size_t o = 0; o < t->outputs; o++) {
        y[o] = -t->shift[o];
        for (size_t i = 0; i < t->n_terms; i++)
            y[o] += t->weight[o * t->n_terms + i] * t->term[i];
    }
}

static int check_number(const char *key, int64_t value, int64_t least, int64_t most, struct error *err)
{
    if (value < least || value > most)
        return error_set(err, ERROR_DATA, "data.%s: expected a whole number from %" PRId64 " to %" PRId64 ", got %"
                         PRId64, key, least, most, value);
    return 0;
}

static int teacher_measure(const struct data_spec *spec, const char *folder, struct set_shape *shape,
                           struct error *err)
{
    (void)folder;
    bool classes = spec->task == TASK_CLASSIFICATION;
    int64_t most_indices = spec->teacher == TEACHER_MULTI_INDEX ? spec->inputs : MOST_NUMBERS;
    if (check_number("pool", spec->pool, 1, INT64_MAX, err) != 0
        || check_number("inputs", spec->inputs, 1, MOST_NUMBERS, err) != 0
        || check_number("outputs", spec->outputs, classes ? 2 : 1, MOST_NUMBERS, err) != 0
        || check_number("indices", spec->indices, 1, most_indices, err) != 0)
        return -1;
    if (!(spec->noise >= 0 && isfinite(spec->noise)))
        return error_set(err, ERROR_DATA, "data.noise: expected a number >= 0, got %g", spec->noise);
    *shape = (struct set_shape){
        .rows = {(size_t)spec->pool, (size_t)spec->pool},
        .task = spec->task,
        .outputs = (size_t)spec->outputs,
        .n_dims = 1,
        .shape = {(size_t)spec->inputs},
    };
    return 0;
}

static void fill_pool(const struct teacher *t, const struct data_spec *spec, unsigned pool, size_t rows,
                      const struct pool_memory *memory, double *y)
{
    for (size_t i = 0; i < rows; i++) {
        struct random r;
        float *x = (float *)memory->x + i * t->inputs;
        size_t largest = 0;
        random_start(&r, (uint64_t)spec->set_seed, RANDOM_SET, source_substream(pool, i));
        for (size_t k = 0; k < t->inputs; k++)
            x[k] = (float)random_normal(&r);
        teach(t, x, y);
        for (size_t o = 0; o < t->outputs; o++) {
            if (pool == POOL_TRAIN && spec->noise > 0)
                y[o] += spec->noise * random_normal(&r);
            if (y[o] > y[largest])
                largest = o;
            if (memory->target)
                memory->target[i * t->outputs + o] = (float)y[o];
        }
        if (memory->label)
            memory->label[i] = (int32_t)largest;
    }
}

static void teacher_free(struct teacher *t)
{
    mem_free(t->direction);
    mem_free(t->z);
    mem_free(t->term);
    mem_free(t->weight);
    mem_free(t->shift);
}

/* Returns 0, or -1 with *err filled; the caller frees in both cases. */
static int teacher_draw(struct teacher *t, const struct data_spec *spec, struct error *err)
{
    double *covariance = NULL;
    *t = (struct teacher){.kind = spec->teacher, .inputs = (size_t)spec->inputs, .outputs = (size_t)spec->outputs,
                          .indices = (size_t)spec->indices};
    t->n_terms = t->kind == TEACHER_NETWORK ? t->indices : 2 * t->indices - 1;
    t->direction = mem_alloc(t->inputs * t->indices, sizeof(double), err);
    t->z = mem_alloc(t->indices, sizeof(double), err);
    t->term = mem_alloc(t->n_terms, sizeof(double), err);
    t->weight = mem_alloc(t->outputs * t->n_terms, sizeof(double), err);
    t->shift = mem_alloc(t->outputs, sizeof(double), err);
    if (!t->direction || !t->z || !t->term || !t->weight || !t->shift)
        return -1;
    draw_directions(t, (uint64_t)spec->set_seed);
    if (t->kind == TEACHER_NETWORK) {
        covariance = mem_alloc(t->indices * t->indices, sizeof(double), err);
        if (!covariance)
            return -1;
        relu_covariance(t, covariance);
    }
    draw_weights(t, (uint64_t)spec->set_seed, covariance);
    mem_free(covariance);
    return 0;
}

static int teacher_fill(const struct data_spec *spec, const char *folder, const struct set_shape *shape,
                        const struct pool_memory memory[POOL_COUNT], struct error *err)
{
    struct teacher t;
    (void)folder;
    int result = teacher_draw(&t, spec, err);
    double *y = result == 0 ? mem_alloc(t.outputs, sizeof *y, err) : NULL;
    for (unsigned pool = 0; y && pool < POOL_COUNT; pool++)
        fill_pool(&t, spec, pool, shape->rows[pool], &memory[pool], y);
    mem_free(y);
    teacher_free(&t);
    return y ? 0 : -1;
}

static void teacher_identify(const struct data_spec *spec, struct text *identity)
{
    text_add(identity, " pool=%" PRId64 " set_seed=%" PRId64 " teacher=%s inputs=%" PRId64 " outputs=%" PRId64
             " indices=%" PRId64 " noise=", spec->pool, spec->set_seed,
             spec->teacher == TEACHER_NETWORK ? "network" : "multi-index", spec->inputs, spec->outputs, spec->indices);
    text_add_number(identity, spec->noise);
}

const struct data_source source_teacher = {
    .name = "teacher",
    .description = "procedural: Gaussian inputs, targets from a multi-index model or a random network",
    .procedural = true,
    .measure = teacher_measure,
    .fill = teacher_fill,
    .identify = teacher_identify,
};
