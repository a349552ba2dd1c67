/* CSV: typed and stable. Numbers are written so that they read back as the same double. */
#include <math.h>
#include <string.h>

#include "print.h"
#include "print_parts.h"

/* One table for all: name, and the number of a cell. */
#define FIELDS(X)                                                 \
    X(planned, (double)cell->count)                               \
    X(n, (double)cell->value.n)                                   \
    X(failed, (double)cell->failed)                               \
    X(diverged, (double)cell->diverged)                           \
    X(missing, (double)cell->missing)                             \
    X(feature_updates, cell->updates)                             \
    X(mean, cell->value.mean)                                     \
    X(sd, cell->value.sd)                                         \
    X(se, cell->value.se)                                         \
    X(median, cell->value.median)                                 \
    X(min, cell->value.least)                                     \
    X(max, cell->value.most)                                      \
    X(low, cell->value.low)                                       \
    X(high, cell->value.high)                                     \
    X(bca_low, cell->bca_low)                                     \
    X(bca_high, cell->bca_high)                                   \
    X(network_mean, cell->network.mean)                           \
    X(network_low, cell->network.low)                             \
    X(network_high, cell->network.high)                           \
    X(path_length_mean, cell->path.mean)                          \
    X(path_length_low, cell->path.low)                            \
    X(path_length_high, cell->path.high)                          \
    X(pairs, (double)cell->difference.n)                          \
    X(difference_mean, cell->difference.mean)                     \
    X(difference_low, cell->difference.low)                       \
    X(difference_high, cell->difference.high)                     \
    X(p, cell->p)                                                 \
    X(p_holm, cell->p_holm)                                       \
    X(feature_updates_min, cell->updates_least)                   \
    X(feature_updates_max, cell->updates_most)                    \
    X(eta_K, cell->eta_period)                                    \
    X(damping, cell->damping)                                     \
    X(unreached, (double)cell->unreached)

#define NAME(name, value) #name,
const char *const print_fields[] = {FIELDS(NAME)};
#undef NAME
_Static_assert(sizeof print_fields / sizeof *print_fields == PRINT_FIELDS, "as many names as numbers");

void print_read_fields(const struct cell *cell, double *values)
{
#define VALUE(name, value) *values++ = value;
    FIELDS(VALUE)
#undef VALUE
}

const char *print_readout(const struct cells *c)
{
    if (!c->of->two_readouts)
        return "";
    return c->question.readout == READOUT_LINEAR ? "linear" : "network";
}

const struct level *print_level(const struct cells *c, const struct cell *cell, size_t i)
{
    return print_level_of(c, cell, c->by[i]);
}

const struct level *print_level_of(const struct cells *c, const struct cell *cell, size_t axis)
{
    return &c->of->axes[axis].levels[c->of->at[cell->first].level[axis]];
}

/* --- CSV ------------------------------------------------------------------- */

void print_csv(const struct cells *c, struct text *out)
{
    for (size_t i = 0; i < c->n_by; i++) {
        text_add_csv(out, c->of->axes[c->by[i]].name);
        text_add(out, ",");
    }
    for (size_t i = 0; i < c->n_tuned; i++) {
        text_add_csv(out, c->of->axes[c->tuned[i]].name);
        text_add(out, ",");
    }
    text_add(out, "metric,readout");
    for (size_t f = 0; f < PRINT_FIELDS; f++)
        text_add(out, ",%s", print_fields[f]);
    text_add(out, ",suffices\n");
    for (size_t k = 0; k < c->n_cells; k++) {
        double values[PRINT_FIELDS];
        print_read_fields(&c->cell[k], values);
        for (size_t i = 0; i < c->n_by; i++) {
            text_add_csv(out, print_level(c, &c->cell[k], i)->label);
            text_add(out, ",");
        }
        for (size_t i = 0; i < c->n_tuned; i++) {
            text_add_csv(out, print_level_of(c, &c->cell[k], c->tuned[i])->label);
            text_add(out, ",");
        }
        text_add_csv(out, c->question.metric);
        text_add(out, ",%s", print_readout(c));
        for (size_t f = 0; f < PRINT_FIELDS; f++) {
            text_add(out, ",");
            if (!isnan(values[f]))
                text_add_number(out, values[f]);
        }
        text_add(out, ",%s\n", print_suffices(c->cell[k].suffices));
    }
}
