#define _GNU_SOURCE   /* qsort_r */
#include "by_id.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

int by_id_read(struct by_id *by, const struct store_reader *reader, struct error *err)
{
    *by = (struct by_id){.n = store_read_jobs(reader)};
    by->order = mem_alloc(by->n, sizeof *by->order, err);
    return by->order ? store_read_texts(reader, "job_id", &by->ids, err) : -1;
}

void by_id_free(struct by_id *by)
{
    store_free_texts(by->ids, by->n);
    mem_free(by->order);
    *by = (struct by_id){0};
}

static int compare_ids(const void *a, const void *b, void *ids)
{
    return strcmp(((char **)ids)[*(const size_t *)a], ((char **)ids)[*(const size_t *)b]);
}

static void sort(struct by_id *by)
{
    for (size_t i = 0; i < by->n; i++)
        by->order[i] = i;
    qsort_r(by->order, by->n, sizeof *by->order, compare_ids, by->ids);
    by->sorted = true;
}

size_t by_id_find(struct by_id *by, size_t likely, const char *id)
{
    if (likely < by->n && strcmp(by->ids[likely], id) == 0)
        return likely;
    if (!by->sorted)
        sort(by);
    size_t low = 0, high = by->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(by->ids[by->order[middle]], id);
        if (order == 0)
            return by->order[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}
