/* Jobs that are programs of the user's own: what their keys mean, and what their text says. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "schema.h"
#include "values.h"

bool draft_is_program(const struct draft *draft)
{
    return draft->job.training.trainer == TRAINER_COMMAND && key_given(draft, "training.trainer");
}

bool program_is_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= OWN_NAME_SIZE || isdigit((unsigned char)name[0]))
        return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    return true;
}

bool program_key_concerns(const struct key *key, const struct draft *draft)
{
    static const char *const if_given[] = {"training.lr", "training.steps"};
    for (size_t i = 0; i < sizeof if_given / sizeof *if_given; i++)
        if (strcmp(key->path, if_given[i]) == 0)
            return draft->given[key - keys];
    if (strncmp(key->path, "architectures.", 14) == 0)
        return draft->network.name[0] != 0;
    if (strncmp(key->path, "data.", 5) == 0)
        return draft->job.data.set[0] != 0;
    /* sections of their own, or meaning nothing to it */
    return key->kind != KIND_PARAMETER && strncmp(key->path, "kernels.", 8) != 0 && strcmp(key->path, "training.engine") != 0
           && strcmp(key->path, "training.damping") != 0;
}

/* Words {seed} and {section.key} must stand for something that the job has. */
static void check_placeholders(const struct draft *draft, const struct node *where, struct mistakes *mistakes)
{
    for (const char *at = draft->command; (at = strstr(at, "{parameters.")) != NULL; at++) {
        const char *name = at + 12;
        size_t length = strcspn(name, "}\""), i = 0;
        if (name[length] != '}')
            continue;
        while (i < draft->parameters.n && (strncmp(draft->parameters.list[i].name, name, length) != 0
                                           || draft->parameters.list[i].name[length]))
            i++;
        if (i == draft->parameters.n)
            mistakes_add(mistakes, where->line, where->column, "training.trainer: command: expected a parameter of the job in "
                         "{parameters.NAME}, got '%.*s': add it to parameters, or as an axis parameters.%.*s", (int)length, name,
                         (int)length, name);
    }
}

int draft_finish_program(struct draft *d, const struct node *where, struct mistakes *mistakes)
{
    size_t before = mistakes->made;
    struct training_spec *t = &d->job.training;
    bool steps = key_given(d, "training.steps");
    check_placeholders(d, where, mistakes);
    if ((steps || !isnan(d->feature_updates)) && draft_resolve_updates(d, where, mistakes))
        return -1;
    if (mistakes->made > before)
        return -1;
    if (!isnan(d->feature_updates))
        d->given[key_find("training.steps") - keys] = true;   /* it follows */
    if (t->steps > 0)
        training_canonicalise_refresh(t);
    t->damping = NAN;
    t->engine = d->job.engine = ENGINE_AUTO;
    d->job.kernels = (struct kernel_spec){.store = KERNEL_STORE_METRICS};
    d->job.stability = STABILITY_NEVER;
    return 0;
}

/* --- from a job's text ------------------------------------------------------------ */

static const struct node *parse_text(struct tree *tree, const char *text)
{
    struct mistakes none = {.file = "job"};
    int failed = tree_parse(tree, text, strlen(text), true, &none);
    mistakes_free(&none);
    return failed ? NULL : tree->root;
}

static void join_words(const struct node *list, struct text *out)
{
    for (size_t i = 0; list && list->kind == NODE_LIST && i < list->n; i++)
        text_add(out, "%s%s", i ? " " : "", list->value[i]->scalar);
}

bool program_label(const struct job *job, struct text *out)
{
    struct tree tree = {0};
    bool is_command = job->training.trainer == TRAINER_COMMAND;
    if (is_command)
        join_words(node_get(node_get(node_get(parse_text(&tree, job->text), "training"), "trainer"), "command"), out);
    tree_free(&tree);
    return is_command;
}

void program_describe(const struct job *job, struct text *out)
{
    struct tree tree = {0};
    const struct node *root = parse_text(&tree, job->text), *parameters = node_get(root, "parameters");
    join_words(node_get(node_get(node_get(root, "training"), "trainer"), "command"), out);
    for (size_t i = 0; parameters && i < parameters->n; i++)
        text_add(out, " %s=%s", parameters->key[i]->scalar, parameters->value[i]->scalar);
    if (job->network->name[0])
        text_add(out, " %s", job->network->name);
    text_add(out, " seed %lld", (long long)job->seed);
    tree_free(&tree);
}

size_t program_metrics(const struct job *job, char names[METRICS_MOST][OWN_NAME_SIZE])
{
    struct tree tree = {0};
    size_t n = 0;
    const struct node *list = job->training.trainer == TRAINER_COMMAND && !strstr(job->text, "\"metrics\":[]")
                              ? node_get(parse_text(&tree, job->text), "metrics") : NULL;
    for (; list && n < list->n && n < METRICS_MOST; n++)
        snprintf(names[n], OWN_NAME_SIZE, "%s", list->value[n]->scalar);
    tree_free(&tree);
    return n;
}

bool program_parameter(const struct job *job, const char *name, struct text *out)
{
    struct tree tree = {0};
    struct draft draft = {0};
    struct mistakes none = {.file = "job"};
    const struct node *map = job->training.trainer == TRAINER_COMMAND ? node_get(parse_text(&tree, job->text), "parameters") : NULL;
    bool found = false;
    if (map)
        parameters_parse(map, &draft, &none);
    for (size_t i = 0; i < draft.parameters.n; i++)
        if (strcmp(draft.parameters.list[i].name, name) == 0) {
            text_add(out, "%s", draft.parameters.list[i].json);
            found = true;
        }
    mistakes_free(&none);
    tree_free(&tree);
    return found;
}
