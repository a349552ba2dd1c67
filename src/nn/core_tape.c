/* Tapes: the values at every layer boundary, and stores of them. */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/cost.h"
#include "nn/network.h"

static size_t boundary_features(const struct network *net, size_t boundary)
{
    return boundary == 0 ? net->inputs : net->layers[boundary - 1].outputs;
}

/* Does a derivative read this boundary, or is it f? */
static bool boundary_needed(const struct network *net, size_t boundary)
{
    if (boundary == net->n_layers)
        return true;
    for (size_t i = 0; i < net->n_layers; i++) {
        const struct layer *l = &net->layers[i];
        unsigned uses = l->buffers.varies ? l->ops->uses(l) : 0;   /* else no derivative is taken of it */
        if ((l->input == boundary && (uses & LAYER_USES_INPUT)) || (i + 1 == boundary && (uses & LAYER_USES_OUTPUT)))
            return true;
    }
    return false;
}

/* A tape without scratch and inputs; all: every boundary, else the needed ones. */
static struct tape *create(const struct network *net, size_t capacity, bool all, struct error *err)
{
    struct tape *tape = mem_alloc(1, sizeof *tape, err);
    if (!tape)
        return NULL;
    tape->capacity = capacity;
    tape->n_boundaries = net->n_layers + 1;
    tape->value = mem_alloc(net->n_layers + 1, sizeof *tape->value, err);
    tape->storage = mem_alloc(net->n_layers + 1, sizeof *tape->storage, err);
    if (!tape->value || !tape->storage)
        goto failed;
    for (size_t b = 1; b <= net->n_layers; b++) {
        if (!all && !boundary_needed(net, b))
            continue;
        if (!(tape->storage[b] = mem_alloc(capacity, boundary_features(net, b) * sizeof(real), err)))
            goto failed;
        tape->value[b] = tape->storage[b];
    }
    return tape;
failed:
    tape_destroy(tape);
    return NULL;
}

struct tape *tape_create(const struct network *net, size_t capacity, bool own_input, struct error *err)
{
    struct tape *tape = create(net, capacity, true, err);
    if (!tape)
        return NULL;
    if (!(tape->work = mem_alloc(net->n_slots, sizeof *tape->work, err)))
        goto failed;
    for (tape->n_work = 0; tape->n_work < net->n_slots; tape->n_work++)
        if (!(tape->work[tape->n_work] = mem_alloc(capacity, net->slot_features[tape->n_work] * sizeof(real), err)))
            goto failed;
    if (own_input && !(tape->input = mem_alloc(capacity, net->inputs * sizeof(real), err)))
        goto failed;
    return tape;
failed:
    tape_destroy(tape);
    return NULL;
}

struct tape *tape_create_store(const struct network *net, size_t capacity, struct error *err)
{
    return create(net, capacity, false, err);
}

static double row_bytes(const struct network *net)
{
    return (double)((net->inputs + net->boundary + net->scratch) * sizeof(real));
}

size_t network_block_rows(const struct network *net, size_t rows, size_t bytes)
{
    return block_rows(row_bytes(net), rows, bytes);
}

size_t network_cache_rows(const struct network *net, size_t rows)
{
    return cache_rows(row_bytes(net), (double)net->boundary, (double)net->n_parameters, rows);
}

void tape_destroy(struct tape *tape)
{
    if (!tape)
        return;
    for (size_t b = 0; tape->storage && b < tape->n_boundaries; b++)
        mem_free(tape->storage[b]);
    mem_free(tape->storage);
    mem_free(tape->value);
    mem_free(tape->input);
    for (size_t i = 0; i < tape->n_work; i++)
        mem_free(tape->work[i]);
    mem_free(tape->work);
    mem_free(tape);
}

void tape_put(const struct network *net, const struct tape *from, size_t first, struct tape *store)
{
    assert(first + from->n <= store->capacity);
    for (size_t b = 1; b <= net->n_layers; b++) {
        size_t features = boundary_features(net, b);
        if (store->storage[b])
            memcpy(store->storage[b] + first * features, from->value[b], from->n * features * sizeof(real));
    }
    if (first + from->n > store->n)
        store->n = first + from->n;
}

void tape_gather(const struct network *net, const struct tape *store, const size_t *index, size_t n,
                 struct tape *to)
{
    assert(n <= to->capacity && to->input);
    to->n = n;
    to->value[0] = to->input;
    for (size_t b = 1; b <= net->n_layers; b++) {
        size_t features = boundary_features(net, b);
        if (!store->storage[b])
            continue;
        for (size_t i = 0; i < n; i++) {
            assert(index[i] < store->n);
            memcpy(to->storage[b] + i * features, store->storage[b] + index[i] * features,
                   features * sizeof(real));
        }
    }
}
