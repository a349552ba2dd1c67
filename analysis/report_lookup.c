#include "report_lookup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "must.h"

/* --- which row ------------------------------------------------------------- */

struct place {
    char *id;
    uint32_t file, row;
    bool done;
};

/* By id; of one id the finished row first, then the earlier file: the order in which observe_read prefers them. */
static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    if (order == 0 && x->done != y->done)
        return x->done ? -1 : 1;
    if (order == 0)
        return (x->file > y->file) - (x->file < y->file);
    return order;
}

static int read_places(const struct lookup *lookup, struct place *places, struct error *err)
{
    for (size_t f = 0; f < lookup->n_files; f++) {
        size_t jobs = store_read_jobs(lookup->readers[f]), one;
        char **ids;
        double *status;
        if (store_read_texts(lookup->readers[f], "job_id", &ids, err) != 0)
            return -1;
        if (store_read_numbers(lookup->readers[f], "status", &status, &one, err) != 0) {
            store_free_texts(ids, jobs);
            return -1;
        }
        for (size_t i = 0; i < jobs; i++)
            *places++ = (struct place){must(strdup(ids[i])), (uint32_t)f, (uint32_t)i, status[i] == STATUS_DONE};
        store_free_texts(ids, jobs);
        mem_free(status);
    }
    return 0;
}

/* The first place of an id. The files were read before: a job that is not there is not to be. */
static const struct place *find_place(const struct place *places, size_t n, const char *id)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(places[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && strcmp(places[low].id, id) == 0 ? &places[low] : NULL;
}

static int find_rows(struct lookup *lookup, const struct observations *o, struct error *err)
{
    size_t n = 0;
    for (size_t f = 0; f < lookup->n_files; f++)
        n += store_read_jobs(lookup->readers[f]);
    struct place *places = must(calloc(n + 1, sizeof *places));
    int result = read_places(lookup, places, err);
    if (result == 0)
        qsort(places, n, sizeof *places, compare_places);
    for (size_t i = 0; i < o->n && result == 0; i++) {
        const struct place *place = find_place(places, n, o->at[i].id);
        if (!place) {
            result = error_set(err, ERROR_FORMAT, "job %s: expected it in the files, which changed while they were read: "
                               "again, please", o->at[i].id);
            break;
        }
        lookup->file[i] = place->file;
        lookup->row[i] = place->row;
    }
    for (size_t i = 0; i < n; i++)
        free(places[i].id);
    free(places);
    return result;
}

int lookup_open(struct lookup *lookup, const struct observations *o, const char *const *paths, size_t n_paths,
              struct error *err)
{
    lookup->n = o->n;
    lookup->readers = must(calloc(n_paths + 1, sizeof *lookup->readers));
    lookup->file = must(calloc(o->n + 1, sizeof *lookup->file));
    lookup->row = must(calloc(o->n + 1, sizeof *lookup->row));
    for (size_t f = 0; f < n_paths; f++) {
        lookup->readers[f] = store_read_open(paths[f], err);
        if (!lookup->readers[f])
            return -1;
        lookup->n_files++;
    }
    return find_rows(lookup, o, err);
}

void lookup_free(struct lookup *lookup)
{
    for (size_t f = 0; f < lookup->n_files; f++)
        store_read_close(lookup->readers[f]);
    free(lookup->readers);
    free(lookup->file);
    free(lookup->row);
    *lookup = (struct lookup){0};
}

/* --- what it holds --------------------------------------------------------- */

bool lookup_has(const struct lookup *lookup, const char *name)
{
    bool has = false;
    for (size_t f = 0; f < lookup->n_files; f++)
        has = has || store_read_has(lookup->readers[f], name);
    return has;
}

int lookup_load(const struct lookup *lookup, const char *name, struct variable_rows *v, struct error *err)
{
    *v = (struct variable_rows){.values = must(calloc(lookup->n_files + 1, sizeof *v->values)),
                                .width = must(calloc(lookup->n_files + 1, sizeof *v->width))};
    for (size_t f = 0; f < lookup->n_files; f++) {
        if (!store_read_has(lookup->readers[f], name))
            continue;
        if (store_read_numbers(lookup->readers[f], name, &v->values[f], &v->width[f], err) != 0) {
            lookup_release(lookup, v);
            return -1;
        }
        v->there = true;
    }
    return 0;
}

void lookup_release(const struct lookup *lookup, struct variable_rows *v)
{
    for (size_t f = 0; v->values && f < lookup->n_files; f++)
        mem_free(v->values[f]);
    free(v->values);
    free(v->width);
    *v = (struct variable_rows){0};
}

size_t lookup_width(const struct lookup *lookup, const struct variable_rows *v, size_t i)
{
    return v->there ? v->width[lookup->file[i]] : 0;
}

double lookup_value(const struct lookup *lookup, const struct variable_rows *v, size_t i, size_t e)
{
    if (e >= lookup_width(lookup, v, i))
        return NAN;
    return v->values[lookup->file[i]][lookup->row[i] * v->width[lookup->file[i]] + e];
}

int lookup_load_texts(const struct lookup *lookup, const char *name, char ***texts, struct error *err)
{
    *texts = must(calloc(lookup->n + 1, sizeof **texts));
    for (size_t f = 0; f < lookup->n_files; f++) {
        char **column = NULL;
        bool has = store_read_has(lookup->readers[f], name);
        if (has && store_read_texts(lookup->readers[f], name, &column, err) != 0) {
            lookup_free_texts(lookup, *texts);
            *texts = NULL;
            return -1;
        }
        for (size_t i = 0; i < lookup->n; i++)
            if (lookup->file[i] == f)
                (*texts)[i] = must(strdup(has ? column[lookup->row[i]] : ""));
        if (has)
            store_free_texts(column, store_read_jobs(lookup->readers[f]));
    }
    return 0;
}

void lookup_free_texts(const struct lookup *lookup, char **texts)
{
    for (size_t i = 0; texts && i < lookup->n; i++)
        free(texts[i]);
    free(texts);
}
