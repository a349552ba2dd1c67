/* Tables of a result file as CSV. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "read.h"
#include "store/export.h"

const char *const export_table_names[EXPORT_TABLES] = {"jobs", "curves", "refreshes", "snapshots"};

/* What a table has beside the columns that say what a job is, and by which of them a row is known to be there. */
static const struct {
    enum variable_dims dims;
    enum variable_group group;
    enum variable_id there;      /* at least 0 where the row exists */
} shapes[EXPORT_TABLES] = {
    [EXPORT_JOBS] = {DIMS_JOB, GROUP_ROOT, VAR_COUNT},
    [EXPORT_CURVES] = {DIMS_EVAL, GROUP_ROOT, VAR_STEP},
    [EXPORT_REFRESHES] = {DIMS_REFRESH, GROUP_ROOT, VAR_REFRESH_STEP},
    [EXPORT_SNAPSHOTS] = {DIMS_SNAPSHOT, GROUP_KERNELS, VAR_SNAPSHOT_STEP},
};

enum kind { KIND_WHOLE, KIND_REAL, KIND_TEXT, KIND_STATUS };

struct column {
    char name[128];              /* without its group, but where the table has two of a name */
    enum kind kind;
    size_t width;                /* numbers a job */
    bool there;                  /* a row is there where this is at least 0 */
    union {
        int64_t *whole;          /* (jobs, width) */
        double *real;            /* (jobs, width) */
        char **text;             /* (jobs) */
    };
};

struct table {
    const struct store_reader *reader;
    struct column *column;
    size_t n, jobs;
};

static void free_table(struct table *t)
{
    for (size_t i = 0; t->column && i < t->n; i++) {
        if (t->column[i].kind == KIND_TEXT)
            store_free_texts(t->column[i].text, t->jobs);
        else
            mem_free(t->column[i].whole);
    }
    mem_free(t->column);
}

/* --- reading columns -------------------------------------------------------------------- */

static int read_numbers(hid_t dataset, struct column *c, size_t n, struct error *err)
{
    hid_t type = c->kind == KIND_REAL ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64;
    c->whole = mem_alloc(n, sizeof *c->whole, err);
    if (!c->whole)
        return -1;
    return H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, c->whole) < 0
               ? hdf_error(err, ERROR_FORMAT, "%s: cannot be read as numbers", c->name) : 0;
}

/* The dataset of a path, if the file has it, as the table's next column. */
static int add_column(struct table *t, const char *path, struct error *err)
{
    const struct store_reader *reader = t->reader;
    struct column *c = &t->column[t->n];
    const char *slash = strchr(path, '/');
    if (!store_read_has(reader, path))
        return 0;
    hid_t dataset = H5Dopen2(reader->rows.file, path, H5P_DEFAULT);
    if (dataset < 0)
        return hdf_error(err, ERROR_FORMAT, "%s: cannot be opened", path);
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    H5T_class_t class = H5Tget_class(type);
    size_t n = (size_t)H5Sget_simple_extent_npoints(space);
    int status = 0;
    H5Sclose(space);
    H5Tclose(type);
    snprintf(c->name, sizeof c->name, "%s", slash ? slash + 1 : path);
    c->kind = class == H5T_STRING ? KIND_TEXT : class == H5T_FLOAT ? KIND_REAL : KIND_WHOLE;
    c->width = n / t->jobs;
    if (c->width == 0 || n % t->jobs)
        status = error_set(err, ERROR_FORMAT, "%s: expected numbers of %zu jobs, got %zu", path, t->jobs, n);
    else if (c->kind == KIND_TEXT)
        status = store_read_texts(reader, path, &c->text, err);
    else
        status = read_numbers(dataset, c, n, err);
    H5Dclose(dataset);
    if (strcmp(path, "status") == 0)
        c->kind = KIND_STATUS;
    t->n++;
    return status;
}

/* The row, and what the sweep's file says of it: the coordinates of every variable. */
static int add_identity(struct table *t, struct error *err)
{
    hid_t dataset = H5Dopen2(t->reader->rows.file, variables[VAR_STATUS].name, H5P_DEFAULT);
    char *names = dataset < 0 ? NULL : hdf_read_attribute_text(dataset, "coordinates", err), *rest = NULL;
    if (dataset >= 0)
        H5Dclose(dataset);
    int status = names ? add_column(t, "job", err) : -1;
    for (char *name = names ? strtok_r(names, " ", &rest) : NULL; name && !status; name = strtok_r(NULL, " ", &rest))
        status = add_column(t, name, err);
    free(names);
    return status;
}

static int read_table(struct table *t, enum export_table table, struct error *err)
{
    hid_t file = t->reader->rows.file;
    H5G_info_t root;
    t->jobs = store_read_jobs(t->reader);
    t->column = H5Gget_info(file, &root) < 0 ? NULL : mem_alloc(root.nlinks + VAR_COUNT, sizeof *t->column, err);
    if (!t->column || add_identity(t, err))
        return -1;
    size_t known = t->n;
    for (int i = 0; i < VAR_COUNT; i++) {
        enum variable_id id = (enum variable_id)i;
        const struct variable *v = &variables[id];
        char path[128];
        bool here = v->dims == shapes[table].dims && (table == EXPORT_JOBS || v->group == shapes[table].group);
        variable_path(id, path, sizeof path);
        if (!here || v->writer == WRITER_SKELETON)   /* these are among the coordinates */
            continue;
        if (add_column(t, path, err))
            return -1;
        if (id == shapes[table].there)
            t->column[t->n - 1].there = true;
    }
    return t->n > known ? 0 : error_set(err, ERROR_USAGE, "--table: expected a table that the file has, but its jobs have "
                                        "no %s", export_table_names[table]);
}

/* --- writing lines ---------------------------------------------------------------------- */

static void add_value(struct text *line, const struct column *c, size_t job, size_t at)
{
    static const char *const states[] = {"pending", "running", "done", "failed"};
    size_t i = job * c->width + (c->width > 1 ? at : 0);
    switch (c->kind) {
    case KIND_TEXT: text_add_csv(line, c->text[job]); break;
    case KIND_WHOLE: text_add(line, "%lld", (long long)c->whole[i]); break;
    case KIND_STATUS: text_add(line, "%s", c->whole[i] >= 0 && c->whole[i] < 4 ? states[c->whole[i]] : "unknown"); break;
    case KIND_REAL:
        if (c->real[i] == c->real[i])   /* NaN: nothing there */
            text_add_number(line, c->real[i]);
        break;
    }
}

static bool is_there(const struct table *t, size_t job, size_t at)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->column[i].there && t->column[i].whole[job * t->column[i].width + at] < 0)
            return false;
    return true;
}

static void write_line(const struct table *t, size_t job, size_t at, struct text *line, FILE *out)
{
    line->length = 0;
    for (size_t i = 0; i < t->n; i++) {
        text_add(line, i ? "," : "");
        add_value(line, &t->column[i], job, at);
    }
    text_add(line, "\n");
    fwrite(line->chars, 1, line->length, out);
}

int export_csv(const struct store_reader *reader, enum export_table table, const bool *rows, FILE *out,
               struct error *err)
{
    struct table t = {.reader = reader};
    struct text line = {0};
    int status = read_table(&t, table, err);
    if (!status) {
        size_t width = 1;
        for (size_t i = 0; i < t.n; i++) {
            width = t.column[i].width > width ? t.column[i].width : width;
            text_add(&line, "%s%s", i ? "," : "", t.column[i].name);
        }
        text_add(&line, "\n");
        fwrite(line.chars, 1, line.length, out);
        for (size_t job = 0; job < t.jobs; job++)
            for (size_t at = 0; at < width && rows[job]; at++)
                if (is_there(&t, job, at))
                    write_line(&t, job, at, &line, out);
    }
    text_free(&line);
    free_table(&t);
    return status;
}
