/* Carrying a row of one file into another, whose axes may have other lengths. */
#include <string.h>

#include "read.h"

/* Copies a slab into one of other lengths: what both have. Numbers are moved as bytes. */
static void copy_slab(enum variable_id id, const struct result *from, struct result *to)
{
    enum store_axis axes[4];
    size_t size = variable_type_size(variables[id].type), a[4] = {1, 1, 1, 1}, b[4] = {1, 1, 1, 1};
    if (from->offset[id] == SIZE_MAX || to->offset[id] == SIZE_MAX)
        return;
    int rank = axis_of(variables[id].dims, axes);
    for (int i = 1; i < rank; i++) {
        a[i] = axis_length(&from->layout, 1, axes[i]);
        b[i] = axis_length(&to->layout, 1, axes[i]);
    }
    const unsigned char *source = from->block + from->offset[id];
    unsigned char *target = to->block + to->offset[id];
    size_t n1 = a[1] < b[1] ? a[1] : b[1], n2 = a[2] < b[2] ? a[2] : b[2], n3 = a[3] < b[3] ? a[3] : b[3];
    for (size_t i = 0; i < n1; i++)
        for (size_t j = 0; j < n2; j++)
            memcpy(target + ((i * b[2] + j) * b[3]) * size, source + ((i * a[2] + j) * a[3]) * size, n3 * size);
}

void store_copy_result(const struct result *from, struct result *to)
{
    result_clear(to);
    for (int id = 0; id < VAR_COUNT; id++)
        if (variables[id].writer != WRITER_SKELETON)
            copy_slab((enum variable_id)id, from, to);
}

int rows_carry(const struct store_reader *reader, size_t row, struct result *from, struct rows *rows, size_t job,
               struct result *to, struct error *err)
{
    if (store_read_result(reader, row, from, err))
        return -1;
    store_copy_result(from, to);
    uint32_t crc = result_crc(to);   /* the lengths of the axes are in it */
    memcpy(result_slab(to, VAR_CRC), &crc, sizeof crc);
    return rows_write_rows(rows, job, to, err) || rows_write_record(rows, job, to, err) ? -1 : 0;
}
