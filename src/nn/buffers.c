/* Which scratch buffer holds which tangent and gradient. */
#include <assert.h>
#include <string.h>

#include "nn/architecture.h"

struct pool {
    struct buffers *into;
    bool busy[ARCHITECTURE_MAX_LAYERS];
};

static int take(struct pool *pool, double features)
{
    size_t slot = 0;
    while (pool->busy[slot])
        slot++;
    pool->busy[slot] = true;
    if (slot == pool->into->n_slots) {
        pool->into->features[slot] = 0;
        pool->into->n_slots++;
    }
    if (features > pool->into->features[slot])
        pool->into->features[slot] = features;
    return (int)slot;
}

static void give_back(struct pool *pool, int slot)
{
    if (slot >= 0)
        pool->busy[slot] = false;
}

static double features_out(const struct layer_spec *l)
{
    return (double)image_features(l->out);
}

/* Does boundary b depend on the parameters? */
static bool varies(const struct buffers *buffers, size_t b)
{
    return b > 0 && buffers->layers[b - 1].varies;
}

/* Forwards: a tangent lives from the layer that gives it to the last that reads it. */
static void assign_tangents(const struct architecture *a, struct buffers *buffers)
{
    struct pool pool = {.into = buffers};
    size_t last[ARCHITECTURE_MAX_LAYERS + 1] = {0};   /* the last layer that reads a boundary */
    for (size_t i = 0; i < a->n_layers; i++) {
        last[a->layers[i].input] = i;
        if (a->layers[i].skip >= 0)
            last[a->layers[i].skip] = i;
    }
    for (size_t i = 0; i < a->n_layers; i++) {
        struct layer_buffers *own = &buffers->layers[i];
        own->tangent = own->varies && i + 1 < a->n_layers ? take(&pool, features_out(&a->layers[i])) : -1;
        for (size_t b = 1; b <= i; b++)
            if (last[b] == i)
                give_back(&pool, buffers->layers[b - 1].tangent);
    }
}

/* Backwards: a gradient lives from the last layer that reads its boundary to the one that gave it. */
static void assign_gradients(const struct architecture *a, struct buffers *buffers)
{
    struct pool pool = {.into = buffers};
    int slot[ARCHITECTURE_MAX_LAYERS + 1];
    bool there[ARCHITECTURE_MAX_LAYERS + 1] = {false};
    for (size_t b = 0; b <= a->n_layers; b++)
        slot[b] = -1;
    for (size_t i = a->n_layers; i-- > 0;) {
        const struct layer_spec *l = &a->layers[i];
        struct layer_buffers *own = &buffers->layers[i];
        double in = (double)image_features(l->in);
        int mine = own->gradient = slot[i + 1];
        own->input_gradient = own->sum = own->skip_gradient = -1;
        own->skip = SKIP_GRADIENT_NONE;
        if (own->input_varies) {
            own->input_gradient = take(&pool, in);
            if (there[l->input]) {
                own->sum = slot[l->input];
                give_back(&pool, own->input_gradient);
            } else {
                slot[l->input] = own->input_gradient;
                there[l->input] = true;
            }
        }
        if (l->skip >= 0 && varies(buffers, (size_t)l->skip)) {
            size_t b = (size_t)l->skip;
            own->skip = there[b] ? SKIP_GRADIENT_ADDS : mine >= 0 ? SKIP_GRADIENT_SHARES : SKIP_GRADIENT_COPIES;
            if (own->skip == SKIP_GRADIENT_SHARES)
                slot[b] = mine;
            else if (own->skip == SKIP_GRADIENT_COPIES)
                slot[b] = take(&pool, features_out(l));
            there[b] = true;
            own->skip_gradient = slot[b];
        }
        if (own->skip != SKIP_GRADIENT_SHARES)
            give_back(&pool, mine);
    }
}

void buffers_assign(const struct architecture *a, struct buffers *buffers)
{
    buffers->n_slots = 0;
    for (size_t i = 0; i < a->n_layers; i++) {
        const struct layer_spec *l = &a->layers[i];
        struct layer_buffers *own = &buffers->layers[i];
        assert(l->input <= i && l->skip <= (int)i);
        own->input_varies = varies(buffers, l->input);
        own->varies = l->parameters > 0 || own->input_varies || (l->skip >= 0 && varies(buffers, (size_t)l->skip));
    }
    assign_tangents(a, buffers);
    assign_gradients(a, buffers);
}
