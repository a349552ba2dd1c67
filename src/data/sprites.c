/* `sprites`: one white shape on black, size x size pixels of 0 or 255, no anti-aliasing (a
 * pixel is white where its centre is inside the shape). Drawn for each example: shape
 * (square, ellipse of axes 2:1, heart), circumradius 0.15 to 0.3 of the size, rotation in
 * [0, 2 pi), and a position at which the whole shape is inside the picture; all uniform.
 *
 * Classification: the shape. Regression: the orientation as (cos m t, sin m t) of the
 * rotation t, where m is the shape's symmetry: 4 for the square (a quarter turn changes
 * nothing), 2 for the ellipse, 1 for the heart. So equal pictures have equal targets, which
 * the angle itself, or m = 1 for all, would not give. */
#include <inttypes.h>
#include <math.h>

#include "base/error.h"
#include "base/random.h"
#include "data/source.h"

/* All shapes lie in the unit disc and touch its edge. */
static bool in_square(double u, double v) { return fmax(fabs(u), fabs(v)) <= M_SQRT1_2; }
static bool in_ellipse(double u, double v) { return u * u + 4 * v * v <= 1; }

/* The sextic (x^2 + y^2 - 1)^3 <= x^2 y^3, whose farthest points are 1.4243 from the centre. */
static bool in_heart(double u, double v)
{
    double x = 1.4243 * u, y = 1.4243 * v, rest = x * x + y * y - 1;
    return rest * rest * rest <= x * x * y * y * y;
}

static const struct {
    bool (*inside)(double u, double v);
    int symmetry;
} shapes[] = {{in_square, 4}, {in_ellipse, 2}, {in_heart, 1}};

enum { SHAPE_COUNT = sizeof shapes / sizeof *shapes };

struct sprite {
    unsigned shape;
    double radius, rotation, x, y;   /* in pixels, radians */
};

static struct sprite draw_sprite(uint64_t set_seed, uint64_t substream, size_t size)
{
    struct random r;
    struct sprite s;
    random_start(&r, set_seed, RANDOM_SET, substream);
    s.shape = (unsigned)random_below(&r, SHAPE_COUNT);
    s.radius = (double)size * (0.15 + 0.15 * random_uniform(&r));
    s.rotation = 2 * M_PI * random_uniform(&r);
    s.x = s.radius + ((double)size - 2 * s.radius) * random_uniform(&r);
    s.y = s.radius + ((double)size - 2 * s.radius) * random_uniform(&r);
    return s;
}

/* pixels (size, size), row 0 on top. */
static void paint(const struct sprite *s, size_t size, unsigned char *pixels)
{
    double cosine = cos(s->rotation), sine = sin(s->rotation);
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++) {
            double dx = ((double)j + 0.5 - s->x) / s->radius, dy = (s->y - (double)i - 0.5) / s->radius;
            bool white = shapes[s->shape].inside(cosine * dx + sine * dy, cosine * dy - sine * dx);
            pixels[i * size + j] = white ? 255 : 0;
        }
}

static int sprites_measure(const struct data_spec *spec, const char *folder, struct set_shape *shape,
                           struct error *err)
{
    (void)folder;
    if (spec->image_size != 32 && spec->image_size != 64)
        return error_set(err, ERROR_DATA, "data.image_size: expected 32 or 64, got %" PRId64, spec->image_size);
    if (spec->pool < 1)
        return error_set(err, ERROR_DATA, "data.pool: expected a whole number >= 1, got %" PRId64, spec->pool);
    size_t size = (size_t)spec->image_size;
    *shape = (struct set_shape){
        .rows = {(size_t)spec->pool, (size_t)spec->pool},
        .bytes = true,
        .task = spec->task,
        .outputs = spec->task == TASK_CLASSIFICATION ? SHAPE_COUNT : 2,
        .n_dims = 3,
        .shape = {1, size, size},
    };
    return 0;
}

static int sprites_fill(const struct data_spec *spec, const char *folder, const struct set_shape *shape,
                        const struct pool_memory memory[POOL_COUNT], struct error *err)
{
    size_t size = shape->shape[1];
    (void)folder, (void)err;
    for (unsigned pool = 0; pool < POOL_COUNT; pool++) {
        const struct pool_memory *m = &memory[pool];
        for (size_t i = 0; i < shape->rows[pool]; i++) {
            struct sprite s = draw_sprite((uint64_t)spec->set_seed, source_substream(pool, i), size);
            paint(&s, size, (unsigned char *)m->x + i * size * size);
            if (m->label) {
                m->label[i] = (int32_t)s.shape;
            } else {
                double angle = shapes[s.shape].symmetry * s.rotation;
                m->target[2 * i] = (float)cos(angle);
                m->target[2 * i + 1] = (float)sin(angle);
            }
        }
    }
    return 0;
}

static void sprites_identify(const struct data_spec *spec, struct text *identity)
{
    text_add(identity, " pool=%" PRId64 " set_seed=%" PRId64 " image_size=%" PRId64, spec->pool, spec->set_seed,
             spec->image_size);
}

const struct data_source source_sprites = {
    .name = "sprites",
    .description = "procedural: squares, ellipses and hearts of any place, size and rotation, 32x32 or 64x64",
    .procedural = true,
    .measure = sprites_measure,
    .fill = sprites_fill,
    .identify = sprites_identify,
};
