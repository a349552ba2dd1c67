/* Which sets there are: the table of sources, and finding one by name. */
#include <assert.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "data/source.h"

/* Add a source here. */
static const struct data_source *const sources[] = {&source_sprites, &source_teacher, &source_idx, &source_cifar,
                                                    &source_dsprites};

enum { SOURCE_COUNT = sizeof sources / sizeof *sources, MOST_REGISTERED = 4 };

/* Of layers to the right, which this one cannot name. */
static const struct data_source *registered[MOST_REGISTERED];

void source_register(const struct data_source *source)
{
    size_t n = 0;
    while (n < MOST_REGISTERED && registered[n] && registered[n] != source)
        n++;
    assert(n < MOST_REGISTERED && !source->procedural);
    registered[n] = source;
}

const struct data_source *source_at(size_t n)
{
    return n < SOURCE_COUNT ? sources[n] : n < SOURCE_COUNT + MOST_REGISTERED ? registered[n - SOURCE_COUNT] : NULL;
}

const struct data_source *source_procedural(const char *set)
{
    const struct data_source *source;
    for (size_t s = 0; (source = source_at(s)); s++)
        if (source->procedural && strcmp(source->name, set) == 0)
            return source;
    return NULL;
}

static bool is_file_suffix(const struct data_source *source) { return source->suffix && source->suffix[0] == '.'; }

static const struct data_source *source_of_folder(const char *folder)
{
    const struct data_source *source;
    for (size_t s = 0; (source = source_at(s)); s++)
        if (source->claims && source->claims(folder))
            return source;
    return NULL;
}

/* Does name end with suffix, after something? Then *length is that of what is before it. */
static bool ends_with(const char *name, const char *suffix, size_t *length)
{
    size_t whole = strlen(name), end = suffix ? strlen(suffix) : whole;
    *length = whole > end ? whole - end : 0;
    return *length > 0 && strcmp(name + *length, suffix) == 0;
}

/* The source of a file by its name, and how long the set's name in it is. */
static const struct data_source *source_of_file(const char *file, size_t *length)
{
    const struct data_source *source;
    for (size_t s = 0; (source = source_at(s)); s++)
        if (is_file_suffix(source) && ends_with(file, source->suffix, length) && *length < DATA_NAME_SIZE)
            return source;
    return NULL;
}

/* Joins root/name+suffix. False: there is no such thing of this kind (S_IFDIR, S_IFREG). */
static bool join(const char *root, const char *name, const char *suffix, mode_t kind, char *path, size_t size)
{
    struct stat status;
    int length = snprintf(path, size, "%s/%s%s", root, name, suffix);
    return length >= 0 && (size_t)length < size && stat(path, &status) == 0 && (status.st_mode & S_IFMT) == kind;
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

/* Entries of a folder in the order of the alphabet, freed with free_list. Returns how many; none where
 * it cannot be read. */
static int list(const char *folder, struct dirent ***entries)
{
    *entries = NULL;
    int count = folder ? scandir(folder, entries, is_visible, by_name) : 0;
    return count < 0 ? 0 : count;
}

static void free_list(struct dirent **entries, int count)
{
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

/* --- all sets --- */

typedef void visitor(void *context, const char *name, const struct data_source *source, const char *where);

/* A file, if it is a set. */
static bool visit_file(const char *folder, const char *file, visitor *visit, void *context)
{
    char path[PATH_MAX], name[DATA_NAME_SIZE];
    size_t length;
    const struct data_source *source = source_of_file(file, &length);
    if (!source || !join(folder, file, "", S_IFREG, path, sizeof path))
        return false;
    snprintf(name, sizeof name, "%.*s", (int)length, file);
    visit(context, name, source, path);
    return true;
}

/* A folder as a set, and the files in it that are sets. */
static void visit_folder(const char *path, const char *folder, visitor *visit, void *context)
{
    char name[NAME_MAX + 1];
    size_t length;
    struct dirent **files;
    const struct data_source *source = source_of_folder(path);
    bool any = source;
    if (source) {
        bool cut = !is_file_suffix(source) && ends_with(folder, source->suffix, &length);
        snprintf(name, sizeof name, "%.*s", cut ? (int)length : NAME_MAX, folder);
        visit(context, name, source, path);
    }
    int count = list(path, &files);
    for (int i = 0; i < count; i++)
        any = visit_file(path, files[i]->d_name, visit, context) || any;
    free_list(files, count);
    if (!any)
        visit(context, folder, NULL, path);
}

void source_each(const char *root, visitor *visit, void *context)
{
    char path[PATH_MAX];
    struct dirent **entries;
    int count = list(root, &entries);
    for (int i = 0; i < count; i++)
        if (join(root, entries[i]->d_name, "", S_IFDIR, path, sizeof path))
            visit_folder(path, entries[i]->d_name, visit, context);
        else
            visit_file(root, entries[i]->d_name, visit, context);
    free_list(entries, count);
}

/* --- one set --- */

struct offer {
    const char *asked;
    struct text names;
    char nearest[NAME_MAX + 1];
    size_t distance;
};

/* Adds a name to the list in a message, and keeps the nearest to what was asked for. */
static void offer(void *context, const char *name, const struct data_source *source, const char *where)
{
    struct offer *o = context;
    size_t distance = text_distance(name, o->asked);
    (void)where;
    if (!source)
        return;
    text_add(&o->names, "%s%s", o->names.length ? ", " : "", name);
    if (distance < o->distance) {
        o->distance = distance;
        snprintf(o->nearest, sizeof o->nearest, "%s", name);
    }
}

/* What there is, and what may have been meant. */
static void explain_unknown(const char *set, const char *root, struct error *err)
{
    struct offer o = {.asked = set, .distance = strlen(set) / 2 + 1};
    const struct data_source *source;
    for (size_t s = 0; (source = source_at(s)); s++)
        if (source->procedural)
            offer(&o, source->name, source, "");
    source_each(root, offer, &o);
    if (root)
        error_set(err, ERROR_DATA, "data.set: expected one of %.1200s (files are looked for in folders of %.400s), got "
                  "'%s'", o.names.chars, root, set);
    else
        error_set(err, ERROR_DATA, "data.set: expected one of %s, got '%s' while RELIN_DATA is not set (and there is "
                  "no folder ./data): set it to the folder that holds the sets of files", o.names.chars, set);
    if (err && o.nearest[0]) {
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, "; did you mean %s?", o.nearest);
    }
    text_free(&o.names);
}

void source_refuse(const char *folder, struct error *err)
{
    struct text files = {0};
    const struct data_source *source;
    for (size_t s = 0; (source = source_at(s)); s++)
        if (source->expects)
            text_add(&files, "%s%s", files.length ? "; or " : "", source->expects);
    error_set(err, ERROR_DATA, "%s: expected files of a known format (%s), got none", folder, files.chars);
    text_free(&files);
}

/* A file NAME+suffix under root, or under one of its folders. */
static bool find_file(const char *root, const char *name, const char *suffix, char *path, size_t size)
{
    char folder[PATH_MAX];
    struct dirent **entries;
    bool found = join(root, name, suffix, S_IFREG, path, size);
    int count = found ? 0 : list(root, &entries);
    for (int i = 0; i < count && !found; i++)
        found = join(root, entries[i]->d_name, "", S_IFDIR, folder, sizeof folder)
                && join(folder, name, suffix, S_IFREG, path, size);
    if (count > 0)
        free_list(entries, count);
    return found;
}

/* The set under its own name as a folder, then under a source's suffix. */
static const struct data_source *find_under(const char *root, const char *set, char *where, size_t size)
{
    const struct data_source *source;
    if (join(root, set, "", S_IFDIR, where, size) && (source = source_of_folder(where)))
        return source;
    for (size_t s = 0; (source = source_at(s)); s++) {
        if (is_file_suffix(source) && find_file(root, set, source->suffix, where, size))
            return source;
        if (source->suffix && !is_file_suffix(source) && join(root, set, source->suffix, S_IFDIR, where, size)
            && source->claims(where))
            return source;
    }
    return NULL;
}

const struct data_source *source_find(const char *set, const char *root, char *where, size_t size,
                                      struct error *err)
{
    const struct data_source *source = source_procedural(set);
    where[0] = 0;
    if (source)
        return source;
    if (!set[0] || set[0] == '.' || strchr(set, '/')) {
        error_set(err, ERROR_DATA, "data.set: expected the plain name of a set, or of a folder or file under RELIN_DATA, "
                  "got '%s'", set);
        return NULL;
    }
    if (root && (source = find_under(root, set, where, size)))
        return source;
    if (root && join(root, set, "", S_IFDIR, where, size))
        source_refuse(where, err);
    else
        explain_unknown(set, root, err);
    return NULL;
}
