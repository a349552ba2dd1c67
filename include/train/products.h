/* The products that a long solve has taken so far, so that it can be stopped and gone on with.
 *
 * A Krylov method is a function of its products with the operator: a solve that begins again and is handed the same
 * products in the same order does the same to the last bit, at a small part of their cost. So what is kept of a solve
 * is these, and not the insides of Lanczos or conjugate gradients. Only the first are kept where there would be too
 * many: the rest is computed again. Rows are bytes here: both precisions use it. */
#ifndef RELIN_TRAIN_PRODUCTS_H
#define RELIN_TRAIN_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

struct checkpoint;
struct error;

enum { PRODUCTS_BYTES_MOST = 256 << 20 };

struct products {
    size_t bytes, most;              /* of a row; rows kept */
    size_t count, next;              /* rows there are; the one to be handed out next */
    unsigned char **rows;            /* (most), as they come; NULL: nothing is kept */
};

/* Who looks after a long solve: between is asked before every product, and its positive answer stops. */
struct product_watch {
    struct products *products;
    int (*between)(void *context);
    void *context;
};

/* Room for `most` rows, or as many as PRODUCTS_BYTES_MOST holds. Returns 0, or -1 with *err filled. Free accepts a
 * zeroed struct. */
int products_create(struct products *p, size_t bytes, size_t most, struct error *err);
void products_free(struct products *p);

/* Another solve begins; the same one does from its beginning. */
void products_clear(struct products *p);
void products_rewind(struct products *p);
/* row (bytes), overwritten: the next product, where it is known. Else computed by the caller, and added. */
bool products_replay(struct products *p, void *row);
void products_add(struct products *p, const void *row);
/* Writes or reads them; those that were read are handed out first. */
void products_carry(struct products *p, struct checkpoint *c);

#endif
