/* The keys of programs in a sweep file: trainer beside training, parameters, metrics. */
#include "grid.h"

bool grid_may_be_program(const struct grid_base *base)
{
    return draft_is_program(&base->draft) || grid_find_axis(node_get(base->tree->root, "grid"), "training.trainer");
}

void grid_read_program(struct grid_base *base, struct mistakes *mistakes)
{
    const struct node *root = base->tree->root, *trainer = node_get(root, "trainer"), *parameters = node_get(root, "parameters");
    const struct node *metrics = node_get(root, "metrics"), *grid = node_get(root, "grid");
    struct draft *draft = &base->draft;
    if (trainer && (node_get(node_get(root, "training"), "trainer") || grid_find_axis(grid, "training.trainer")))
        node_refuse(trainer, "trainer: expected once, but it stands in training or grid too: remove one", mistakes);
    else if (trainer)
        key_parse(key_find("training.trainer"), "trainer", trainer, draft, mistakes);
    if (parameters)
        parameters_parse(parameters, draft, mistakes);
    if (metrics)
        metrics_parse(metrics, draft, mistakes);
    const struct node *idle = parameters ? parameters : metrics;
    if (idle && !grid_may_be_program(base))
        mistakes_add(mistakes, idle->line, idle->column, "%s: expected only beside trainer: {command: [words]}, which they are "
                     "for: remove them", parameters ? "parameters" : "metrics");
}
