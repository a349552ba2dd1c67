#include "answer.h"

#include <assert.h>
#include <stdbool.h>

/* Comparisons with NaN are false: what is unknown is neither shown nor ruled out. */
static bool is_shown(const struct answer_step *step, double margin)
{
    return step->diverged == 0 && step->low > -margin;
}

static bool is_estimated(const struct answer_step *step, double margin)
{
    return step->diverged == 0 && step->mean > -margin;
}

static bool is_ruled_out(const struct answer_step *step, double margin)
{
    return step->high < -margin || (step->pairs == 0 && step->diverged > 0);
}

void answer_find(const struct answer_step *steps, size_t n, double margin, struct answer *answer)
{
    assert(n >= 1);
    *answer = (struct answer){.possible = n - 1};
    while (answer->shown + 1 < n && is_shown(&steps[answer->shown + 1], margin))
        answer->shown++;
    while (answer->estimate + 1 < n && is_estimated(&steps[answer->estimate + 1], margin))
        answer->estimate++;
    while (answer->possible > 0 && is_ruled_out(&steps[answer->possible], margin))
        answer->possible--;
    answer->stopped = answer->shown + 1;
    assert(answer->shown <= answer->estimate && answer->estimate <= answer->possible);
}
