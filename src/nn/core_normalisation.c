/* Layer and group normalisation (Ba et al. 2016; Wu and He 2018). x, y (n, height, width, channels), by example
 * and by group of channels, M = height width channels/groups numbers each:
 *
 *   forward   h = (x - mean x)/sqrt(var x + 1e-5),  y = s h + b,  s and b by channel
 *   vjp       db = sum dy,  ds = sum dy h;  with q = s dy:  dx = (q - mean q - h mean(q h))/sqrt(var x + 1e-5)
 *   jvp       th = (tx - mean tx - h mean(tx h))/sqrt(var x + 1e-5),  ty = s th + ts h + tb
 *
 * s starts at 1 and b at 0. They have no fan-in, so they are the same in both parameterisations.
 *
 * An output depends on its own example only; batch normalisation's depends on the other rows of the batch, so that
 * neither f_theta(x) nor its derivatives would be functions of x: there is none here. */
#include <math.h>
#include <string.h>

#include "math/wide.h"
#include "nn/layer.h"

static const double EPSILON = 1e-5;
enum { LANES = 64 };

/* Channels that are summed side by side: whole groups, or a part of one. */
struct lanes {
    size_t positions, channels;     /* of an example */
    size_t first, n;                /* the channels of these lanes */
    size_t group;                   /* channels a group */
};

/* Sums of a group, or of each of the groups of the lanes. */
struct sums { double a[LANES], b[LANES]; };

static size_t positions_of(const struct layer *l) { return l->in.height * l->in.width; }

static unsigned normalisation_uses(const struct layer *l)
{
    (void)l;
    return LAYER_USES_INPUT;
}

static void normalisation_init(const struct layer *l, uint64_t seed, uint64_t tensor, real *parameters)
{
    (void)seed, (void)tensor;
    for (size_t c = 0; c < l->in.channels; c++) {
        parameters[c] = 1;
        parameters[l->in.channels + c] = 0;
    }
}

/* Where the sums of lane j go. */
static size_t group_of(const struct lanes *s, size_t j)
{
    return s->group < LANES ? j / s->group : 0;
}

/* By lane: a = sum over positions of u (x - mean), b = sum of u. Adds them into the sums of the groups, times the
 * weight of their channel (1 where NULL); a_lane and b_lane, overwritten, are the unweighted ones. */
WIDE static void add_sums(const struct lanes *s, const real *x, const real *mean, const real *u, const real *weight,
                     real *a_lane, real *b_lane, struct sums *sums)
{
    memset(a_lane, 0, s->n * sizeof *a_lane);
    memset(b_lane, 0, s->n * sizeof *b_lane);
    for (size_t p = 0; p < s->positions; p++) {
        const real *xp = x + p * s->channels + s->first, *up = u + p * s->channels + s->first;
        for (size_t j = 0; j < s->n; j++) {
            a_lane[j] += up[j] * (xp[j] - mean[j]);
            b_lane[j] += up[j];
        }
    }
    for (size_t j = 0; j < s->n; j++) {
        double w = weight ? (double)weight[s->first + j] : 1;
        sums->a[group_of(s, j)] += w * (double)a_lane[j];
        sums->b[group_of(s, j)] += w * (double)b_lane[j];
    }
}

/* Adds into the sums of the groups: a = sum of x - shift, b = of its square. */
WIDE static void add_moments(const struct lanes *s, const real *x, const real *shift, struct sums *sums)
{
    real a[LANES] = {0}, b[LANES] = {0};
    for (size_t p = 0; p < s->positions; p++) {
        const real *xp = x + p * s->channels + s->first;
        for (size_t j = 0; j < s->n; j++) {
            real d = xp[j] - shift[j];
            a[j] += d;
            b[j] += d * d;
        }
    }
    for (size_t j = 0; j < s->n; j++) {
        sums->a[group_of(s, j)] += (double)a[j];
        sums->b[group_of(s, j)] += (double)b[j];
    }
}

/* A bundle: groups whose lanes are handled together (one group where it has more than LANES channels, then in
 * several steps, which share its mean). */
struct bundle {
    struct lanes lanes;
    size_t end;                     /* its channels end here */
    real mean[LANES], scale[LANES]; /* by lane: mean and 1/sqrt(var + epsilon) of its group */
};

static void bundle_start(struct bundle *b, const struct layer *l, size_t first)
{
    size_t group = l->in.channels / l->groups, width = group < LANES ? LANES / group * group : group;
    b->lanes = (struct lanes){positions_of(l), l->in.channels, first, 0, group};
    b->end = first + width < l->in.channels ? first + width : l->in.channels;
}

/* The next lanes of a bundle; false after the last. Begin with n = 0. */
static bool lanes_next(struct bundle *b, size_t first)
{
    struct lanes *s = &b->lanes;
    s->first = s->n == 0 ? first : s->first + s->n;
    s->n = b->end - s->first < LANES ? b->end - s->first : LANES;
    if (s->n == 0)
        s->first = first;
    return s->n > 0;
}

/* Fills mean and scale for an example x. Two passes: the variance is of what is left after the mean. */
static void bundle_measure(struct bundle *b, size_t first, const real *x)
{
    double count = (double)b->lanes.positions * (double)b->lanes.group;
    struct sums sums = {0};
    memset(b->mean, 0, sizeof b->mean);
    while (lanes_next(b, first))
        add_moments(&b->lanes, x, b->mean, &sums);
    for (size_t j = 0; j < LANES; j++)
        b->mean[j] = (real)(sums.a[group_of(&b->lanes, j)] / count);
    sums = (struct sums){0};
    while (lanes_next(b, first))
        add_moments(&b->lanes, x, b->mean, &sums);
    for (size_t j = 0; j < LANES; j++) {
        size_t g = group_of(&b->lanes, j);
        double off = sums.a[g] / count;   /* what rounding left in the mean */
        b->scale[j] = (real)(1 / sqrt(sums.b[g] / count - off * off + EPSILON));
    }
}

static void normalisation_forward(const struct layer *l, const real *parameters, const real *x, size_t n, real *y)
{
    const real *s = parameters, *shift = parameters + l->in.channels;
    struct bundle b;
    for (size_t i = 0; i < n; i++, x += l->inputs, y += l->inputs)
        for (size_t first = 0; first < l->in.channels; first = b.end) {
            bundle_start(&b, l, first);
            bundle_measure(&b, first, x);
            while (lanes_next(&b, first))
                for (size_t p = 0; p < b.lanes.positions; p++) {
                    size_t at = p * l->in.channels + b.lanes.first;
                    for (size_t j = 0; j < b.lanes.n; j++)
                        y[at + j] = s[b.lanes.first + j] * ((x[at + j] - b.mean[j]) * b.scale[j])
                                    + shift[b.lanes.first + j];
                }
        }
}

/* out, overwritten = outside (q - mean q - h mean(q h)) scale with q = inside u; inside and outside by channel, 1
 * where NULL. sums: a = sum q (x - mean), b = sum q, by group. */
WIDE static void project(const struct bundle *b, const struct sums *sums, const real *x, const real *u, const real *inside,
                    const real *outside, real *out)
{
    const struct lanes *s = &b->lanes;
    double count = (double)s->positions * (double)s->group;
    real mean[LANES], slope[LANES], in[LANES], factor[LANES];
    for (size_t j = 0; j < s->n; j++) {
        size_t g = group_of(s, j);
        double scale = (double)b->scale[j];
        mean[j] = (real)(sums->b[g] / count);
        slope[j] = (real)(sums->a[g] / count * scale * scale);
        in[j] = inside ? inside[s->first + j] : 1;
        factor[j] = b->scale[j] * (outside ? outside[s->first + j] : 1);
    }
    for (size_t p = 0; p < s->positions; p++) {
        size_t at = p * s->channels + s->first;
        for (size_t j = 0; j < s->n; j++)
            out[at + j] = factor[j] * (in[j] * u[at + j] - mean[j] - (x[at + j] - b->mean[j]) * slope[j]);
    }
}

static void normalisation_vjp(const struct layer *l, const real *parameters, const real *x, const real *y, size_t n,
                              const real *dy, real *dx, real *gradient)
{
    struct bundle b;
    real a_lane[LANES], b_lane[LANES];
    (void)y;
    if (gradient)
        memset(gradient, 0, l->n_parameters * sizeof *gradient);
    for (size_t i = 0; i < n; i++, x += l->inputs, dy += l->inputs, dx = dx ? dx + l->inputs : NULL)
        for (size_t first = 0; first < l->in.channels; first = b.end) {
            struct sums sums = {0};
            bundle_start(&b, l, first);
            bundle_measure(&b, first, x);
            while (lanes_next(&b, first)) {
                add_sums(&b.lanes, x, b.mean, dy, parameters, a_lane, b_lane, &sums);
                for (size_t j = 0; gradient && j < b.lanes.n; j++) {
                    gradient[b.lanes.first + j] += a_lane[j] * b.scale[j];
                    gradient[l->in.channels + b.lanes.first + j] += b_lane[j];
                }
            }
            while (dx && lanes_next(&b, first))
                project(&b, &sums, x, dy, parameters, NULL, dx);
        }
}

/* ty += ts h + tb, or = where there is no tx */
WIDE static void add_parameter_tangent(const struct bundle *b, const real *tangent, const real *x, bool overwrite, real *ty)
{
    const struct lanes *s = &b->lanes;
    const real *ts = tangent + s->first, *tb = ts + s->channels;
    for (size_t p = 0; p < s->positions; p++) {
        size_t at = p * s->channels + s->first;
        for (size_t j = 0; j < s->n; j++)
            ty[at + j] = (overwrite ? 0 : ty[at + j]) + ts[j] * ((x[at + j] - b->mean[j]) * b->scale[j]) + tb[j];
    }
}

static void normalisation_jvp(const struct layer *l, const real *parameters, const real *x, const real *y, size_t n,
                              const real *tx, const real *tangent, real *ty)
{
    struct bundle b;
    real a_lane[LANES], b_lane[LANES];
    (void)y;
    for (size_t i = 0; i < n; i++, x += l->inputs, ty += l->inputs, tx = tx ? tx + l->inputs : NULL)
        for (size_t first = 0; first < l->in.channels; first = b.end) {
            struct sums sums = {0};
            bundle_start(&b, l, first);
            bundle_measure(&b, first, x);
            while (tx && lanes_next(&b, first))
                add_sums(&b.lanes, x, b.mean, tx, NULL, a_lane, b_lane, &sums);
            while (lanes_next(&b, first)) {
                if (tx)
                    project(&b, &sums, x, tx, NULL, parameters, ty);
                add_parameter_tangent(&b, tangent, x, !tx, ty);
            }
        }
}

const struct layer_ops layer_normalisation = {
    .name = "normalisation",
    .uses = normalisation_uses,
    .init = normalisation_init,
    .forward = normalisation_forward,
    .vjp = normalisation_vjp,
    .jvp = normalisation_jvp,
};
