/* A user's own numbers by their names: NAME is a (job) column, curve_NAME a (job, eval) one. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "read.h"

void read_metric_names(struct store_reader *reader)
{
    hid_t file = reader->rows.file, dataset = reader->rows.layout.metric ? H5Dopen2(file, axis_names[AXIS_METRIC], H5P_DEFAULT) : -1;
    hid_t type = dataset >= 0 ? H5Dget_type(dataset) : -1;
    size_t n = reader->rows.layout.metric;
    if (type >= 0 && H5Tis_variable_str(type) > 0 && (reader->metrics = calloc(n, sizeof *reader->metrics)) != NULL) {
        if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, reader->metrics) >= 0)
            reader->n_metrics = n;
        for (size_t i = 0; i < reader->n_metrics; i++) {
            char *own = strdup(reader->metrics[i] ? reader->metrics[i] : "");
            H5free_memory(reader->metrics[i]);
            reader->metrics[i] = own;
        }
    }
    if (type >= 0)
        H5Tclose(type);
    if (dataset >= 0)
        H5Dclose(dataset);
}

void read_metric_free(struct store_reader *reader)
{
    for (size_t i = 0; i < reader->n_metrics; i++)
        free(reader->metrics[i]);
    free(reader->metrics);
}

bool read_metric_find(const struct store_reader *reader, const char *name, enum variable_id *id, size_t *column)
{
    bool curve = strncmp(name, "curve_", 6) == 0;
    *id = curve ? VAR_CURVE_METRICS : VAR_METRICS;
    for (*column = 0; *column < reader->n_metrics; ++*column)
        if (strcmp(reader->metrics[*column], curve ? name + 6 : name) == 0)
            return true;
    return false;
}

int read_metric_numbers(const struct store_reader *reader, enum variable_id id, size_t column, double **values, size_t *width,
                        struct error *err)
{
    size_t n = reader->n_metrics, all;
    if (store_read_numbers(reader, variables[id].name, values, &all, err))
        return -1;
    *width = all / n;
    for (size_t i = 0; i < reader->rows.jobs * *width; i++)
        (*values)[i] = (*values)[i * n + column];
    return 0;
}
