#include "ntk/plan.h"

size_t gram_side(enum kernel_mode mode, size_t n, size_t outputs)
{
    return mode == KERNEL_FULL ? n * outputs : n;
}

size_t gram_sets(enum kernel_mode mode, size_t outputs)
{
    return mode == KERNEL_SUM_OF_LOGITS ? 1 : outputs;
}

/* Most of the budget holds a large block, against which the others come in small ones. */
struct gram_plan gram_plan(enum kernel_mode mode, size_t budget, const struct gram_sizes *s)
{
    size_t numbers = (budget ? budget : GRAM_BUDGET) / sizeof(double);
    size_t an_input = s->tape + gram_sets(mode, s->outputs) * s->row + s->once;
    if (mode != KERNEL_FULL && s->inputs <= numbers / (s->tape + s->widest))
        return (struct gram_plan){true, s->inputs, 0};
    if (s->inputs <= numbers / an_input)
        return (struct gram_plan){false, s->inputs, 0};
    size_t fit = numbers / an_input, small = fit < 8 ? 1 : fit / 8, large = fit > small ? fit - small : 1;
    return (struct gram_plan){false, large, small};
}
