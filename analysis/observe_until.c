#include "observe_until.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "plan/until.h"
#include "store/store.h"
#include "sweep/sweep.h"

/* Each rule once: files of one rule, and of several. */
static void add_rule(struct observations *o, const char *rule)
{
    struct text all = {0};
    if (o->until && strstr(o->until, rule))
        return;
    text_add(&all, "%s%s%s", o->until ? o->until : "", o->until ? "; " : "", rule);
    free(o->until);
    o->until = all.chars;
}

void observe_until(struct observations *o, const struct store_reader *reader, struct observation *new, size_t n)
{
    struct until until;
    struct sweep sweep;
    struct error unknown;
    char *rule = store_read_until(reader);
    if (!rule)
        return;
    add_rule(o, rule);
    free(rule);
    bool known = until_read(&until, &sweep, reader, &unknown) == 0;   /* of another program's rule all that is pending waits */
    for (size_t i = 0; i < n; i++) {
        bool pending = known && new[i].status == STATUS_PENDING && !until_is_active(&until, i);
        o->n_reserved += pending && until_is_reserved(&until, i);
        new[i].status = pending ? STATUS_SKIPPED : new[i].status;
        o->n_skipped += new[i].status == STATUS_SKIPPED;
    }
    until_free(&until);
    sweep_free(&sweep);
}
