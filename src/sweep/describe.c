/* The keys of a sweep file, for people. */
#include <string.h>

#include "schema.h"

static void describe_type(const struct key *key, struct text *out)
{
    static const char *const nouns[] = {
        [KIND_WHOLE] = "whole number", [KIND_COUNT] = "whole number or all", [KIND_BATCH] = "whole number or full",
        [KIND_REAL] = "number", [KIND_AUTO_REAL] = "number or auto", [KIND_PERIOD] = "whole number or inf",
        [KIND_BOOL] = "true or false", [KIND_NAME] = "name", [KIND_LR] = "number or {of_limit: x}", [KIND_DAMPING] = "number or tied",
        [KIND_SCHEDULE] = "constant or a map", [KIND_WIDTHS] = "list of whole numbers", [KIND_DURATION] = "time or none",
        [KIND_AUTO_WHOLE] = "whole number or auto", [KIND_CHANNELS] = "list of whole numbers", [KIND_LAYERS] = "list of layers",
        [KIND_AUGMENT] = "none or a map",
        [KIND_PARAMETER] = "number, true, false or text",
        [KIND_STABILITY] = "true, false or auto", [KIND_REFRESH] = "whole number, inf or a map"};
    if (key->kind != KIND_CHOICE && key->kind != KIND_NORM && key->kind != KIND_TRAINER) {
        text_add(out, "%s", nouns[key->kind]);
        return;
    }
    for (const char *c = key->choices; *c; c++) {
        if (*c == '=')
            c += strcspn(c, "|") - 1;
        else if (*c == '|')
            text_add(out, " | ");
        else
            text_add(out, "%c", *c);
    }
    if (key->kind == KIND_TRAINER)
        text_add(out, " | {command: [words]}");
}

void sweep_describe_keys(struct text *out)
{
    for (size_t i = 0; i < n_keys; i++) {
        const char *dot = strchr(keys[i].path, '.');
        size_t section = (size_t)(dot - keys[i].path);
        if (i == 0 || strncmp(keys[i - 1].path, keys[i].path, section + 1) != 0)
            text_add(out, "%s%.*s:\n", i ? "\n" : "", (int)section, keys[i].path);
        text_add(out, "  %s: ", keys[i].path);
        describe_type(&keys[i], out);
        if (!keys[i].standard)
            text_add(out, "; required");
        else if (keys[i].standard[0])
            text_add(out, "; default %s", keys[i].standard);
        text_add(out, "\n      %s\n", keys[i].meaning);
    }
    text_add(out,
             "\ngrid (a map of axes, or a list of such maps, which are joined):\n"
             "  architecture, refresh_period, refresh, feature_updates, trainer, seed, or the dotted path of any key: values\n"
             "      a list, a value, or ranges: 0..9, 0..100 step 10, 1..1000 log 7. Product; the last axis fastest.\n"
             "  zip: a map of axes that advance together, or a list of such maps\n"
             "  include, exclude: cells by pattern, a map of axis: value (or list), or a list of such maps\n"
             "\nmetrics: names of numbers that a program of your own reports beside those of the result file: [f1, perplexity]\n"
             "\nname: name of the sweep, and of its result file\n");
}
