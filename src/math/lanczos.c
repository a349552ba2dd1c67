#include "math/lanczos.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "math/blas.h"

enum { CHUNK = 32 };   /* rows of V that lie together */

struct chain {
    double *remainder;         /* (n) */
    double norm;               /* of it */
    double least;              /* a norm that rounding alone could leave */
    size_t tip;
    size_t fresh;              /* rows of V it is orthogonal to */
    bool begun;                /* it has had a product */
    double *start;             /* (most) V start, filled to m as V grows until the chain has begun */
};

struct lanczos {
    size_t n, most, m, n_chains;
    double accuracy, largest;  /* of a product; |A v|, about |A| */
    double **chunk;            /* (most / CHUNK + 1) of (CHUNK, n), or NULL */
    double *t;                 /* (room, room) upper triangle of T */
    size_t room;
    double *c, *column, *discarded;   /* (most) coefficients of a pass, of a product, of none */
    struct chain chains[LANCZOS_CHAINS];
};

struct lanczos *lanczos_create(size_t n, size_t most, double accuracy, struct error *err)
{
    struct lanczos *l = mem_alloc(1, sizeof *l, err);
    if (!l)
        return NULL;
    most = most < n ? most : n;
    *l = (struct lanczos){.n = n, .most = most, .accuracy = accuracy};
    if (!(l->chunk = mem_alloc(most / CHUNK + 1, sizeof *l->chunk, err))
        || !(l->c = mem_alloc(most, sizeof *l->c, err))
        || !(l->column = mem_alloc(most, sizeof *l->column, err))
        || !(l->discarded = mem_alloc(most, sizeof *l->discarded, err))) {
        lanczos_destroy(l);
        return NULL;
    }
    return l;
}

void lanczos_destroy(struct lanczos *l)
{
    if (!l)
        return;
    for (size_t i = 0; l->chunk && i <= l->most / CHUNK; i++)
        mem_free(l->chunk[i]);
    for (size_t i = 0; i < LANCZOS_CHAINS; i++) {
        mem_free(l->chains[i].remainder);
        mem_free(l->chains[i].start);
    }
    mem_free(l->chunk);
    mem_free(l->t);
    mem_free(l->c);
    mem_free(l->column);
    mem_free(l->discarded);
    mem_free(l);
}

void lanczos_clear(struct lanczos *l)
{
    l->m = l->n_chains = 0;
    l->largest = 0;
}

int lanczos_begin(struct lanczos *l, const double *start, struct error *err)
{
    assert(l->n_chains < LANCZOS_CHAINS);
    struct chain *chain = &l->chains[l->n_chains];
    double norm = blas_norm(l->n, start);
    if (!isfinite(norm))
        return error_set(err, ERROR_JOB, "Lanczos needs a finite start vector");
    if ((!chain->remainder && !(chain->remainder = mem_alloc(l->n, sizeof(double), err)))
        || (!chain->start && !(chain->start = mem_alloc(l->most, sizeof(double), err))))
        return -1;
    memcpy(chain->remainder, start, l->n * sizeof(double));
    memset(chain->start, 0, l->most * sizeof(double));
    chain->norm = norm;
    chain->least = l->accuracy * norm;
    chain->fresh = 0;
    chain->begun = false;
    l->n_chains++;
    return 0;
}

static double *row_of(const struct lanczos *l, size_t i)
{
    return l->chunk[i / CHUNK] + i % CHUNK * l->n;
}

/* The rows of V from i on that lie together. */
static size_t rows_together(const struct lanczos *l, size_t i)
{
    size_t end = i - i % CHUNK + CHUNK;
    return (end < l->m ? end : l->m) - i;
}

/* w -= V^T V w over the rows from `first` on; what was taken is added to taken (m). */
static void project_out(struct lanczos *l, size_t first, double *w, double *taken)
{
    size_t rows;
    for (size_t i = first; i < l->m; i += rows) {
        rows = rows_together(l, i);
        blas_gemv(false, rows, l->n, 1, row_of(l, i), l->n, w, 0, l->c + i);
    }
    for (size_t i = first; i < l->m; i += rows) {
        rows = rows_together(l, i);
        blas_gemv(true, rows, l->n, -1, row_of(l, i), l->n, l->c + i, 1, w);
    }
    for (size_t i = first; i < l->m; i++)
        taken[i] += l->c[i];
}

/* Until a pass takes nothing that matters: rounding leaves traces of V where much was taken. */
static double orthogonalise(struct lanczos *l, double *w, double before, double *taken)
{
    double after = before;
    for (int pass = 0; pass < 4; pass++) {
        project_out(l, 0, w, taken);
        before = after;
        after = blas_norm(l->n, w);
        if (!(after < 0.5 * before))
            break;
    }
    return after;
}

static int make_room(struct lanczos *l, struct error *err)
{
    double **chunk = &l->chunk[l->m / CHUNK];
    if (!*chunk && !(*chunk = mem_alloc(CHUNK, l->n * sizeof(double), err)))
        return -1;
    if (l->m < l->room)
        return 0;
    size_t room = l->room ? 2 * l->room : 64;
    room = room < l->most ? room : l->most;
    double *t = mem_alloc(room * room, sizeof *t, err);
    if (!t)
        return -1;
    for (size_t i = 0; i < l->m; i++)
        memcpy(t + i * room, l->t + i * l->room, l->m * sizeof *t);
    mem_free(l->t);
    l->t = t;
    l->room = room;
    return 0;
}

/* Makes the chain's remainder orthogonal to what V has grown by since. */
static void renew(struct lanczos *l, struct chain *chain)
{
    if (!(chain->norm > chain->least) || chain->fresh == l->m)
        return;
    memset(l->discarded, 0, l->m * sizeof(double));
    chain->norm = orthogonalise(l, chain->remainder, chain->norm, chain->begun ? l->discarded : chain->start);
}

/* V is all there is, whichever chain it grew by: what the others have left is rounding. */
static void end_chains(struct lanczos *l)
{
    for (size_t i = 0; i < l->n_chains; i++) {
        renew(l, &l->chains[i]);
        l->chains[i].norm = 0;
    }
}

/* V's next row = the chain's remainder, normalised. Returns false where the chain has ended. */
static bool append(struct lanczos *l, struct chain *chain)
{
    double *w = chain->remainder;
    renew(l, chain);
    if (!(chain->norm > chain->least)) {
        chain->norm = 0;
        return false;
    }
    double *v = row_of(l, l->m);
    for (size_t i = 0; i < l->n; i++)
        v[i] = w[i] / chain->norm;
    if (!chain->begun)
        chain->start[l->m] = chain->norm;
    return true;
}

int lanczos_extend(struct lanczos *l, size_t number, eigen_operator apply, void *context, struct error *err)
{
    struct chain *chain = &l->chains[number];
    assert(number < l->n_chains);
    if (l->m == l->most || chain->norm == 0)
        return 0;
    if (make_room(l, err) != 0)
        return -1;
    if (!append(l, chain))
        return 0;
    double *w = chain->remainder, *column = l->column;
    if (apply(context, row_of(l, l->m), w) != 0)
        return error_set(err, ERROR_JOB, "Lanczos: the operator could not be applied");
    chain->begun = true;
    chain->tip = l->m++;
    chain->fresh = l->m;
    chain->norm = blas_norm(l->n, w);
    l->largest = fmax(l->largest, chain->norm);
    chain->least = l->accuracy * l->largest;
    memset(column, 0, l->m * sizeof *column);
    if (l->n_chains == 1) {   /* only two rows of V are met, but for rounding */
        project_out(l, l->m > 2 ? l->m - 2 : 0, w, column);
        chain->norm = blas_norm(l->n, w);
    }
    chain->norm = orthogonalise(l, w, chain->norm, column);
    if (!isfinite(chain->norm) || !isfinite(column[l->m - 1]))
        return error_set(err, ERROR_JOB, "Lanczos met numbers that are not finite");
    if (!(chain->norm > chain->least))
        chain->norm = 0;
    for (size_t i = 0; i < l->m; i++)
        l->t[i * l->room + l->m - 1] = column[i];
    if (l->m == l->n)
        end_chains(l);
    return 0;
}

size_t lanczos_size(const struct lanczos *l)
{
    return l->m;
}

double lanczos_entry(const struct lanczos *l, size_t i, size_t j)
{
    assert(i < l->m && j < l->m);
    return i <= j ? l->t[i * l->room + j] : l->t[j * l->room + i];
}

double lanczos_remainder(const struct lanczos *l, size_t chain)
{
    return l->chains[chain].norm;
}

size_t lanczos_tip(const struct lanczos *l, size_t chain)
{
    return l->chains[chain].tip;
}

void lanczos_coordinates(const struct lanczos *l, size_t chain, double *s)
{
    memcpy(s, l->chains[chain].start, l->m * sizeof *s);
}

int lanczos_modes(const struct lanczos *l, double *values, double *vectors, struct error *err)
{
    double *t = mem_alloc(l->m * l->m, sizeof *t, err);
    int result = -1;
    if (t) {
        for (size_t i = 0; i < l->m; i++)
            for (size_t j = 0; j < l->m; j++)
                t[i * l->m + j] = lanczos_entry(l, i, j);
        result = eigen_symmetric(l->m, t, values, vectors, err);
    }
    mem_free(t);
    return result;
}

void lanczos_combine(const struct lanczos *l, const double *y, double *x)
{
    memset(x, 0, l->n * sizeof *x);
    for (size_t i = 0; i < l->m; i += rows_together(l, i))
        blas_gemv(true, rows_together(l, i), l->n, 1, row_of(l, i), l->n, y + i, 1, x);
}
