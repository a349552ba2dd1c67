/* Do two results of the same job agree? */
#include "store/compare.h"

#include <assert.h>
#include <math.h>
#include <string.h>

bool compare_is_result(enum variable_id id)
{
    switch (id) {
    case VAR_STATUS: case VAR_ERROR: case VAR_ATTEMPTS: case VAR_WORKER: case VAR_HOST: case VAR_CPU_MODEL:
    case VAR_BLAS_CORE: case VAR_START_TIME: case VAR_WALL_SECONDS: case VAR_CPU_SECONDS: case VAR_MAX_RSS_BYTES:
    case VAR_ENERGY_JOULES: case VAR_PREDICTED_SECONDS: case VAR_CRC: case VAR_THREADS:
        return false;
    default:
        return variables[id].writer == WRITER_ROWS || variables[id].writer == WRITER_RECORD;
    }
}

/* Number i of a slab; exact for all integers that occur. */
static double number_at(enum variable_type type, const void *slab, size_t i)
{
    switch (type) {
    case TYPE_F64: return ((const double *)slab)[i];
    case TYPE_F32: return (double)((const float *)slab)[i];
    case TYPE_I64: return (double)((const int64_t *)slab)[i];
    case TYPE_I32: return (double)((const int32_t *)slab)[i];
    case TYPE_U32: return (double)((const uint32_t *)slab)[i];
    case TYPE_U8: return (double)((const unsigned char *)slab)[i];
    default: assert(!"a text is no number"); return NAN;
    }
}

static bool is_text(enum variable_type type)
{
    return type == TYPE_TEXT16 || type == TYPE_TEXT64 || type == TYPE_TEXT256;
}

static void compare_text(enum variable_id id, const struct result *stored, const struct result *again,
                         struct comparison *c)
{
    const char *a = result_text(stored, id), *b = result_text(again, id);
    c->numbers++;
    if (strncmp(a, b, variable_type_size(variables[id].type)) == 0)
        return;
    c->differing++;
    text_add(&c->report, "    %s: stored '%s', again '%s'\n", variables[id].name, a, b);
}

static void compare_numbers(enum variable_id id, const struct result *stored, const struct result *again,
                            double tolerance, struct comparison *c)
{
    enum variable_type type = variables[id].type;
    const void *a = result_slab(stored, id), *b = result_slab(again, id);
    size_t n = result_count(&stored->layout, id), differing = 0, first = 0;
    for (size_t i = 0; i < n; i++) {
        double x = number_at(type, a, i), y = number_at(type, b, i);
        if (x == y || (isnan(x) && isnan(y)))
            continue;
        double difference = isnan(x) || isnan(y) || isinf(x) || isinf(y) ? INFINITY : fabs(x - y) / (1.0 + fabs(x));
        if (difference > c->largest)
            c->largest = difference;
        if (tolerance > 0 && difference <= tolerance)
            continue;
        if (!differing++)
            first = i;
    }
    c->numbers += n;
    c->differing += differing;
    if (differing)
        text_add(&c->report, "    %s: %zu of %zu differ, the first at [%zu]: stored %.17g, again %.17g\n",
                 variables[id].name, differing, n, first, number_at(type, a, first), number_at(type, b, first));
}

void compare_results(const struct result *stored, const struct result *again, double tolerance,
                     struct comparison *comparison)
{
    assert(memcmp(&stored->layout, &again->layout, sizeof stored->layout) == 0);
    for (int id = 0; id < VAR_COUNT; id++) {
        if (!compare_is_result((enum variable_id)id) || stored->offset[id] == SIZE_MAX)
            continue;
        if (is_text(variables[id].type))
            compare_text((enum variable_id)id, stored, again, comparison);
        else
            compare_numbers((enum variable_id)id, stored, again, tolerance, comparison);
    }
}
