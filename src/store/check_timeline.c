/* The groups /runs and /timeline of a result file: are they as FORMAT.md says, and can their rows be? */
#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "read.h"
#include "store/check.h"
#include "table.h"

static void fault(struct store_check *check, const char *where, const char *what)
{
    check->faults++;
    text_add(&check->report, "%s: %s\n", where, what);
}

static bool has_type(hid_t dataset, enum variable_type type)
{
    hid_t due = hdf_type_file(type), found = H5Dget_type(dataset);
    bool text = H5Tget_class(due) == H5T_STRING;
    bool fits = text ? H5Tget_class(found) == H5T_STRING && H5Tget_size(found) == variable_type_size(type) : H5Tequal(due, found) > 0;
    H5Tclose(found);
    hdf_type_close(due);
    return fits;
}

static void check_column(const struct store_reader *reader, struct store_check *check, const struct table *table,
                         const struct column *column, hid_t scale)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", table->group, column->name);
    hid_t dataset = store_read_has(reader, path) ? H5Dopen2(reader->rows.file, path, H5P_DEFAULT) : -1;
    check->datasets++;
    if (dataset < 0) {
        fault(check, path, "expected a dataset, got none");
        return;
    }
    if (!has_type(dataset, column->type))
        fault(check, path, "its type is not that of FORMAT.md");
    if (scale < 0 || H5DSis_attached(dataset, scale, 0) <= 0)
        fault(check, path, "expected the scale of its group on its axis, got another or none");
    if (H5Aexists(dataset, "long_name") <= 0)
        fault(check, path, "attribute long_name: expected a text, got none");
    if (column->units[0] && H5Aexists(dataset, "units") <= 0)
        fault(check, path, "attribute units: expected a text, got none");
    H5Dclose(dataset);
}

static void check_table(const struct store_reader *reader, struct store_check *check, const struct table *table)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", table->group, table->axis);
    hid_t scale = store_read_has(reader, path) ? H5Dopen2(reader->rows.file, path, H5P_DEFAULT) : -1;
    check->datasets++;
    if (scale < 0 || H5DSis_scale(scale) <= 0)
        fault(check, path, "expected a dimension scale");
    for (size_t c = 0; c < table->n_columns; c++)
        check_column(reader, check, table, &table->columns[c], scale);
    if (scale >= 0)
        H5Dclose(scale);
}

/* Of what fits its checksum: can it be? */
static void check_attempt(struct store_check *check, const struct timeline *t, size_t i)
{
    const struct attempt *a = &t->attempts[i];
    char where[64], what[160];
    double seconds = a->end - a->start;
    snprintf(where, sizeof where, "timeline, row %zu", i);
    if ((size_t)a->run >= t->n_runs) {
        snprintf(what, sizeof what, "expected a run below %zu, got %d", t->n_runs, a->run);
        fault(check, where, what);
    } else if ((a->outcome == ATTEMPT_RUNNING) != isnan(a->end) || seconds < 0 || a->kept < 0 || a->kept > seconds + 1e-3) {
        snprintf(what, sizeof what, "expected an end after its start, and no more kept than ran, got %g s, %g s kept", seconds, a->kept);
        fault(check, where, what);
    }
}

int check_timeline(const struct store_reader *reader, struct store_check *check, struct error *err)
{
    struct timeline t = {0};
    struct error lack = {0};
    size_t torn = 0;
    bool any = store_read_has(reader, attempts_table.group) || store_read_has(reader, runs_table.group);
    if (!any)
        return 0;   /* a file of before there was one */
    check_table(reader, check, &attempts_table);
    check_table(reader, check, &runs_table);
    int status = timeline_read(reader, &t, &lack);
    if (status)
        fault(check, "timeline", lack.text);
    for (size_t i = 0; i < t.n_attempts && !status; i++)
        if (t.attempts[i].job < 0)
            torn++;
        else
            check_attempt(check, &t, i);
    if (torn)
        text_add(&check->report, "timeline: %zu rows do not fit their checksum, as a kill may leave them: they are not counted\n", torn);
    timeline_free(&t);
    return status && lack.code == ERROR_MEMORY ? error_set(err, lack.code, "%s", lack.text) : 0;
}
