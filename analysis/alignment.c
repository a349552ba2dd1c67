#include "alignment.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/store.h"

static double cosine(size_t n, const double *a, const double *b)
{
    double dot = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        dot += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
    }
    return aa > 0 && bb > 0 ? dot / sqrt(aa * bb) : NAN;
}

/* The finished K=1 job of SGD that differs from job i in K or schedule at most, and in the trainer that K=1 implies. */
static size_t twin_of(const struct observations *o, const struct observation *new, size_t n, size_t i)
{
    size_t k = observe_find_axis(o, "refresh_period"), trainer = observe_find_axis(o, "trainer");
    size_t schedule = observe_find_axis(o, "schedule");
    for (size_t j = 0; j < n; j++) {
        bool twin = new[j].status == STATUS_DONE && o->axes[k].levels[new[j].level[k]].number == 1
                 && (trainer == SIZE_MAX
                     || strcmp(o->axes[trainer].levels[new[j].level[trainer]].label, "gauss-newton") != 0)
                 && (schedule == SIZE_MAX
                     || strcmp(o->axes[schedule].levels[new[j].level[schedule]].label, "constant") == 0);
        for (size_t a = 0; a < o->n_axes && twin; a++)
            twin = a == k || a == trainer || a == schedule || new[j].level[a] == new[i].level[a];
        if (twin)
            return j;
    }
    return SIZE_MAX;
}

int alignment_read(const struct observations *o, const struct store_reader *reader, struct observation *new,
                   size_t n, struct error *err)
{
    double *change;
    size_t width;
    if (!store_read_has(reader, "kernels/parameter_change"))
        return error_set(err, ERROR_USAGE, "--metric %s: the file has no kernels/parameter_change: run the sweep "
                         "with kernels.parameters: final", ALIGNMENT_METRIC);
    if (store_read_numbers(reader, "kernels/parameter_change", &change, &width, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        size_t twin = new[i].status == STATUS_DONE ? twin_of(o, new, n, i) : SIZE_MAX;
        if (twin != SIZE_MAX)
            new[i].value[READOUT_LINEAR] = cosine(width, change + i * width, change + twin * width);
    }
    mem_free(change);
    return 0;
}
