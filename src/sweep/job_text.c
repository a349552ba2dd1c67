/* The text of a job and its identity: what is printed, in which order, and what of it decides the id. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "values.h"

/* The end of a job's text where auto has been resolved: no key of a sweep file, and not in the id. */
#define PLANNED ",\"engine_planned\":\"%s\"}"

static const struct { const char *prefix, *name; } sections[] = {
    {"architectures.*.", "architecture"}, {"data.", "data"}, {"training.", "training"}, {"kernels.", "kernels"}};
enum { SECTIONS = sizeof sections / sizeof *sections };

/* What is the same of a key in every job, found once: a large sweep asks for all of them a million times. */
struct print {
    int section;              /* -1: of the sweep, or another way to say what is printed */
    const char *name;         /* behind the section's */
    bool seeds, is_period, is_refresh;
    char *standard;           /* what it prints where nothing is given */
    size_t length;            /* of that */
};

static const struct print *print_of(size_t key)
{
    static struct print prints[KEYS_MOST];
    struct print *print = &prints[key];
    if (print->standard)
        return print;
    const char *path = keys[key].path;
    struct draft plain;
    struct text standard = {0};
    draft_start(&plain);
    key_print(&keys[key], &plain, &standard);
    print->section = -1;
    for (int s = 0; s < SECTIONS; s++)
        if (strncmp(path, sections[s].prefix, strlen(sections[s].prefix)) == 0 && strcmp(path, "training.feature_updates") != 0) {
            print->section = s;
            print->name = path + strlen(sections[s].prefix);
        }
    print->seeds = print->name && strncmp(print->name, "seeds.", 6) == 0;
    if (print->seeds)
        print->name += 6;
    print->is_period = strcmp(path, "training.refresh_period") == 0;
    print->is_refresh = strcmp(path, "training.refresh") == 0;
    text_add_string(&standard, "");
    print->length = standard.length;
    print->standard = standard.chars;
    return print;
}

/* Keys of these belong to the sweep, or are another way to say one that is printed. */
static bool printed(size_t key, const struct draft *d)
{
    const struct print *print = print_of(key);
    bool period = d->job.training.refresh.kind == REFRESH_PERIOD;
    if (draft_is_program(d) ? !program_key_concerns(&keys[key], d) : keys[key].kind == KIND_PARAMETER)
        return false;
    return print->section >= 0 && !(period ? print->is_refresh : print->is_period) && key_applies(&keys[key], d);
}

/* Where a job's text has the value of a key; length 0: nowhere. */
struct span { size_t from, length; };

static void write_section(const struct draft *d, int section, struct span *spans, struct text *out)
{
    const char *separator = "";
    bool in_seeds = false;
    if (section == 0) {
        text_add_string(out, "\"name\":");
        text_add_json_string(out, d->network.name);
        separator = ",";
    }
    for (size_t i = 0; i < n_keys; i++) {
        const struct print *print = print_of(i);
        if (print->section != section || !spans[i].length)
            continue;
        text_add_string(out, in_seeds && !print->seeds ? "}" : "");
        text_add_string(out, separator);
        text_add_string(out, print->seeds && !in_seeds ? "\"seeds\":{\"" : "\"");
        text_add_string(out, print->name);
        text_add_string(out, "\":");
        spans[i].from = out->length;
        key_print(&keys[i], d, out);
        spans[i].length = out->length - spans[i].from;
        in_seeds = print->seeds;
        separator = ",";
    }
    text_add_string(out, in_seeds ? "}}" : "}");
}

/* One JSON object: {"architecture": {...}, "data": {...}, "training": {...}, "kernels": {...}}. */
static void write_text(const struct draft *d, struct span *spans, struct text *out)
{
    bool there[SECTIONS] = {false};
    for (size_t i = 0; i < n_keys; i++)
        if ((spans[i].length = printed(i, d)))
            there[print_of(i)->section] = true;
    text_add_string(out, "{");
    for (int s = 0, written = 0; s < SECTIONS; s++) {
        if (!there[s])
            continue;
        text_add_string(out, written++ ? ",\"" : "\"");
        text_add_string(out, sections[s].name);
        text_add_string(out, "\":{");
        write_section(d, s, spans, out);
    }
    if (draft_is_program(d)) {
        text_add(out, ",\"parameters\":");
        value_print_parameters(&d->parameters, out);
        text_add(out, ",\"metrics\":%s}", d->metrics[0] ? d->metrics : "[]");
    } else if (d->job.engine == ENGINE_AUTO && d->job.training.engine != ENGINE_AUTO) {
        text_add(out, PLANNED, training_engine_name(d->job.training.engine));
    } else {
        text_add_string(out, "}");
    }
}

/* Only what differs from the defaults, so that a key added later with a default leaves every id alone. */
static void write_id(struct draft *d, const struct span *spans, const struct text *text)
{
    static struct text identity;   /* as in draft_write */
    identity.length = 0;
    text_add_string(&identity, "architecture=");
    text_add_string(&identity, d->network.name);
    text_add_string(&identity, "\n");
    for (size_t i = 0; i < n_keys; i++) {
        const struct print *print = print_of(i);
        if (!spans[i].length || (keys[i].kind == KIND_STABILITY && d->job.stability == STABILITY_NEVER))
            continue;
        const char *own = text->chars + spans[i].from;   /* that of a key without a text is not set */
        if (spans[i].length == print->length && memcmp(own, print->standard, print->length) == 0)
            continue;
        text_add_string(&identity, keys[i].path);
        text_add_string(&identity, "=");
        text_add_bytes(&identity, own, spans[i].length);
        text_add_string(&identity, "\n");
    }
    if (draft_is_program(d) && d->parameters.n) {
        text_add(&identity, "parameters=");
        value_print_parameters(&d->parameters, &identity);
        text_add(&identity, "\n");
    }
    if (draft_is_program(d) && d->metrics[0])
        text_add(&identity, "metrics=%s\n", d->metrics);
    hash_hex(identity.chars, identity.length, d->job.id);
}

void draft_write(struct draft *draft)
{
    static struct text text;   /* the room of the job before is used again */
    struct span spans[KEYS_MOST];
    text.length = 0;
    write_text(draft, spans, &text);
    write_id(draft, spans, &text);
    struct text own = {0};
    text_add_bytes(&own, text.chars, text.length);
    draft->job.text = own.chars;
}

void job_set_engine(struct job *job, enum engine engine)
{
    struct text text = {0};
    assert(!job->measured.any);   /* that section stands behind this one, and such a job has run */
    const char *planned = strstr(job->text, ",\"engine_planned\":");
    size_t length = planned ? (size_t)(planned - job->text) : strlen(job->text) - 1;   /* without the last brace */
    job->training.engine = engine;
    text_add_bytes(&text, job->text, length);
    text_add(&text, PLANNED, training_engine_name(engine));
    free(job->text);
    job->text = text.chars;
}
