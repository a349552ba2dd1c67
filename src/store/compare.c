/* Do two results of the same job agree? */
#include "store/compare.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "hdf.h"

bool compare_is_result(enum variable_id id)
{
    switch (id) {
    case VAR_STATUS: case VAR_ERROR: case VAR_ATTEMPTS: case VAR_WORKER: case VAR_HOST: case VAR_CPU_MODEL:
    case VAR_BLAS_CORE: case VAR_START_TIME: case VAR_WALL_SECONDS: case VAR_CPU_SECONDS: case VAR_MAX_RSS_BYTES:
    case VAR_ENERGY_JOULES: case VAR_PREDICTED_SECONDS: case VAR_CRC: case VAR_THREADS: case VAR_FLOPS:
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

/* --- numbers ------------------------------------------------------------------------ */

/* What one variable's numbers may differ by: |x-y| <= relative (1 + |x|) + absolute; both 0: not at all. */
struct allowance {
    double relative, absolute;
};

/* Of numbers that came from kernels kept as float32: to that accuracy, on the scale of the variable. */
static struct allowance allow(enum variable_id id, const struct result *stored, double tolerance,
                              const unsigned char *from_kernel)
{
    struct allowance a = {.relative = tolerance};
    if (!from_kernel || !from_kernel[id])
        return a;
    double largest = 1;
    for (size_t i = 0; i < result_count(&stored->layout, id); i++) {
        double x = fabs(number_at(variables[id].type, result_slab(stored, id), i));
        largest = isfinite(x) && x > largest ? x : largest;
    }
    a.absolute = KERNEL_TOLERANCE * largest;
    return a;
}

/* Equal within what is allowed? Any NaN equals any NaN. */
static bool agree(double x, double y, const struct allowance *allowed, struct comparison *c)
{
    if (x == y || (isnan(x) && isnan(y)))
        return true;
    double difference = isnan(x) || isnan(y) || isinf(x) || isinf(y) ? INFINITY : fabs(x - y) / (1.0 + fabs(x));
    if (difference > c->largest)
        c->largest = difference;
    double limit = allowed->relative + allowed->absolute / (1.0 + fabs(x));
    return limit > 0 && difference <= limit;
}

/* The numbers of one variable as they are compared. */
struct tally {
    size_t n, differing, first;
    double stored, again;        /* of the first that differs */
};

static void count(struct tally *tally, size_t i, double x, double y, bool equal)
{
    tally->n++;
    if (equal)
        return;
    if (!tally->differing++) {
        tally->first = i;
        tally->stored = x;
        tally->again = y;
    }
}

static void report(const struct tally *tally, enum variable_id id, struct comparison *c)
{
    c->numbers += tally->n;
    c->differing += tally->differing;
    if (tally->differing)
        text_add(&c->report, "    %s: %zu of %zu differ, the first at [%zu]: stored %.17g, again %.17g\n",
                 variables[id].name, tally->differing, tally->n, tally->first, tally->stored, tally->again);
}

static void compare_numbers(enum variable_id id, const struct result *stored, const struct result *again,
                            const struct allowance *allowed, struct comparison *c)
{
    enum variable_type type = variables[id].type;
    const void *a = result_slab(stored, id), *b = result_slab(again, id);
    size_t n = result_count(&stored->layout, id);
    struct tally tally = {0};
    for (size_t i = 0; i < n; i++) {
        double x = number_at(type, a, i), y = number_at(type, b, i);
        count(&tally, i, x, y, agree(x, y, allowed, c));
    }
    report(&tally, id, c);
}

/* A number that says that nothing was measured. No count of anything is compared that may be 0, but that
 * of the snapshots. */
static bool is_fill(enum variable_id id, double x)
{
    return isnan(x) || (variables[id].type == TYPE_I64 && x == -1)
           || (variables[id].type == TYPE_I32 && x <= 0);
}

/* A measurement that the row does not have at all: of a later version, or of other rows only. */
static bool is_unmeasured(enum variable_id id, const struct result *result)
{
    size_t n = result_count(&result->layout, id);
    if (variables[id].writer != WRITER_ROWS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_fill(id, number_at(variables[id].type, result_slab(result, id), i)))
            return false;
    return true;
}

void compare_results(const struct result *stored, const struct result *again, double tolerance,
                     const unsigned char *from_kernel, struct comparison *comparison)
{
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        if (!compare_is_result(id) || stored->offset[id] == SIZE_MAX)
            continue;
        assert(result_count(&stored->layout, id) == result_count(&again->layout, id));
        struct allowance allowed = {0};
        if (is_text(variables[id].type)) {
            compare_text(id, stored, again, comparison);
        } else if (!is_unmeasured(id, stored) || is_unmeasured(id, again)) {
            allowed = allow(id, stored, tolerance, from_kernel);
            compare_numbers(id, stored, again, &allowed, comparison);
        }
    }
}

/* --- a result that measured more ---------------------------------------------------- */

/* Lengths of a variable's axes after the job's, right-aligned: the last is always number 2. */
static void lengths_of(const struct result_layout *layout, enum variable_id id, size_t n[3])
{
    enum store_axis axes[4];
    int rank = axis_of(variables[id].dims, axes);
    n[0] = n[1] = n[2] = 1;
    for (int i = 1; i < rank; i++)
        n[3 - rank + i] = axis_length(layout, 1, axes[i]);
}

/* Where number i of a stored slab is in the slab of `again`; SIZE_MAX: nowhere. Evaluations are found by
 * their step, everything else by its indices. */
static size_t place(const struct result *stored, const struct result *again, enum variable_id id, size_t i)
{
    size_t a[3], b[3];
    if (variables[id].dims == DIMS_EVAL) {
        int64_t step = result_i64(stored, VAR_STEP)[i];
        for (size_t j = 0; j < again->layout.eval; j++)
            if (result_i64(again, VAR_STEP)[j] == step)
                return j;
        return SIZE_MAX;
    }
    lengths_of(&stored->layout, id, a);
    lengths_of(&again->layout, id, b);
    size_t at[3] = {i / (a[1] * a[2]), i / a[2] % a[1], i % a[2]};
    if (at[0] >= b[0] || at[1] >= b[1] || at[2] >= b[2])
        return SIZE_MAX;
    return (at[0] * b[1] + at[1]) * b[2] + at[2];
}

static void extend_numbers(enum variable_id id, const struct result *stored, const struct result *again,
                           const struct allowance *allowed, struct result *merged, struct comparison *c)
{
    enum variable_type type = variables[id].type;
    size_t size = variable_type_size(type);
    const unsigned char *a = result_slab(stored, id);
    unsigned char *target = result_slab(merged, id);
    struct tally tally = {0};
    for (size_t i = 0; i < result_count(&stored->layout, id); i++) {
        double x = number_at(type, a, i);
        if (is_fill(id, x))
            continue;
        size_t j = place(stored, again, id, i);
        double y = j == SIZE_MAX ? NAN : number_at(type, result_slab(again, id), j);
        count(&tally, i, x, y, agree(x, y, allowed, c));
        if (j != SIZE_MAX && allowed->absolute == 0)
            memcpy(target + j * size, a + i * size, size);
    }
    report(&tally, id, c);
}

void compare_extend(const struct result *stored, const struct result *again, double tolerance,
                    const unsigned char *from_kernel, struct result *merged, struct comparison *comparison)
{
    memcpy(merged->block, again->block, result_size(&again->layout));
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        if (stored->offset[id] == SIZE_MAX)
            continue;
        assert(merged->offset[id] != SIZE_MAX);
        if (!compare_is_result(id)) {
            memcpy(result_slab(merged, id), result_slab(stored, id),
                   result_count(&stored->layout, id) * variable_type_size(variables[id].type));
        } else if (is_text(variables[id].type)) {
            compare_text(id, stored, again, comparison);
        } else {
            struct allowance allowed = allow(id, stored, tolerance, from_kernel);
            extend_numbers(id, stored, again, &allowed, merged, comparison);
        }
    }
}
