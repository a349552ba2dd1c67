/* Values of `training:` that are more than a number or a word. */
#include "values.h"

#include <math.h>

int value_parse_lr(const struct reading *r, struct training_spec *training)
{
    const struct node *inner = node_get(r->node, "of_limit");
    double number;
    if (r->node->kind == NODE_MAP && (!inner || r->node->n != 1))
        return expected(r, "a number > 0 or {of_limit: number > 0}");
    if (!value_number(inner ? inner : r->node, &number) || !(number > 0) || number > r->key->max)
        return expected(r, "a number > 0 or {of_limit: number > 0}");
    training->lr = number;
    training->lr_of_limit = inner != NULL;
    return 0;
}

void value_print_lr(const struct training_spec *training, struct text *out)
{
    text_add(out, training->lr_of_limit ? "{\"of_limit\":" : "");
    text_add_json_number(out, training->lr);
    text_add(out, training->lr_of_limit ? "}" : "");
}

/* One number of a schedule; `name` inside the map `of`. */
static int schedule_number(const struct reading *r, const struct node *of, const char *name, double min, double max,
                           bool whole, double *out)
{
    const struct node *node = node_get(of, name);
    if (!node || !value_number(node, out) || *out < min || *out > max || (whole && *out != rint(*out)))
        return expected(r, "%s: a %snumber from %g to %g inside {step: {every: , factor: }}, {cosine: {final: }} or "
                           "{warmup: }", name, whole ? "whole " : "", min, max);
    return 0;
}

int value_parse_schedule(const struct reading *r, struct schedule *out)
{
    struct schedule s = {.kind = SCHEDULE_CONSTANT, .factor = 1};
    double number = 0, other = 0;
    if (value_is_word(r->node, "constant")) {
        *out = s;
        return 0;
    }
    const struct node *step = node_get(r->node, "step"), *cosine = node_get(r->node, "cosine");
    const struct node *warmup = node_get(r->node, "warmup"), *constant = node_get(r->node, "constant");
    size_t known = (step != NULL) + (cosine != NULL) + (warmup != NULL) + (constant != NULL);
    if (r->node->kind != NODE_MAP || known != r->node->n || known == 0 || (step && cosine))
        return expected(r, "constant, or a map of step or cosine, and warmup");
    if (step && step->n > 2)
        return expected(r, "every and factor inside step, and nothing else");
    if (cosine && (cosine->kind != NODE_MAP || cosine->n > 1))
        return expected(r, "{cosine: {final: x}} or {cosine: {}}");
    if (step) {
        if (schedule_number(r, step, "every", 1, 1e12, true, &number)
            || schedule_number(r, step, "factor", 1e-12, 1e3, false, &other))
            return -1;
        s.kind = SCHEDULE_STEP;
        s.every = (int64_t)number;
        s.factor = other;
    }
    if (cosine) {
        if (cosine->n && schedule_number(r, cosine, "final", 0, 1, false, &other))
            return -1;
        s.kind = SCHEDULE_COSINE;
        s.final = cosine->n ? other : 0;
    }
    if (warmup) {
        if (schedule_number(r, r->node, "warmup", 0, 1e12, true, &number))
            return -1;
        s.warmup = (int64_t)number;
    }
    *out = s;
    return 0;
}

void value_print_schedule(const struct schedule *s, struct text *out)
{
    const char *separator = "";
    if (s->kind == SCHEDULE_CONSTANT && s->warmup == 0) {
        text_add(out, "\"constant\"");
        return;
    }
    text_add(out, "{");
    if (s->kind == SCHEDULE_STEP) {
        text_add(out, "\"step\":{\"every\":%lld,\"factor\":", (long long)s->every);
        text_add_json_number(out, s->factor);
        text_add(out, "}");
        separator = ",";
    } else if (s->kind == SCHEDULE_COSINE) {
        text_add(out, "\"cosine\":{\"final\":");
        text_add_json_number(out, s->final);
        text_add(out, "}");
        separator = ",";
    }
    if (s->warmup)
        text_add(out, "%s\"warmup\":%lld", separator, (long long)s->warmup);
    text_add(out, "}");
}
