/* The numbers and texts of one dataset, on their way into a compressed copy. */
#include <string.h>

#include "base/memory.h"
#include "export_parts.h"

/* A chunk is unpacked whole by whoever reads a number of it, and many small ones compress badly. */
enum { CHUNK_BYTES = 256 * 1024, BLOCK_BYTES = 4 * 1024 * 1024 };
/* What is smaller does not win by compression what the index of its chunks takes. */
enum { PACKED_BYTES = 1024 };

static bool fixed_text(const struct source *s)
{
    return H5Tget_class(s->type) == H5T_STRING && H5Tis_variable_str(s->type) <= 0;
}

/* Bytes of one entry along the first axis. */
static size_t row_bytes(const struct source *s)
{
    size_t bytes = H5Tget_size(s->type);
    for (int i = 1; i < s->rank; i++)
        bytes *= s->dims[i];
    return bytes;
}

/* Leading axes are cut first, so that a chunk is a piece of what is read together: of one job, then of one snapshot. */
static void choose_chunk(size_t size, int rank, const hsize_t *dims, hsize_t *chunk)
{
    for (int i = 0; i < rank; i++) {
        size_t inner = size;
        for (int j = i + 1; j < rank; j++)
            inner *= dims[j];
        hsize_t most = inner >= CHUNK_BYTES ? 1 : CHUNK_BYTES / inner;
        chunk[i] = most < dims[i] ? most : dims[i];
    }
}

/* dims, chunk: of the copy. Texts of variable length lie elsewhere in the file, out of a filter's reach. */
static hid_t create(struct copying *c, const struct source *s, hid_t location, const char *name, const hsize_t *dims,
                    hsize_t *chunk)
{
    bool text = H5Tget_class(s->type) == H5T_STRING;
    size_t bytes = s->rank ? row_bytes(s) * dims[0] : 0;
    hid_t type = text ? hdf_type_text(H5T_VARIABLE) : H5Tcopy(s->type), creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = s->rank ? H5Screate_simple(s->rank, dims, NULL) : H5Screate(H5S_SCALAR);
    H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    if (!text && bytes >= PACKED_BYTES) {
        choose_chunk(H5Tget_size(s->type), s->rank, dims, chunk);
        H5Pset_chunk(creation, s->rank, chunk);
        H5Pset_shuffle(creation);
        if (c->level)
            H5Pset_deflate(creation, (unsigned)c->level);
    }
    /* Only of floats: netCDF's tools show whole numbers that equal the fill value as missing. */
    if (H5Tget_class(s->type) == H5T_FLOAT && H5Aexists(s->dataset, "_FillValue") > 0) {
        float nan = __builtin_nanf("");
        H5Pset_fill_value(creation, H5T_NATIVE_FLOAT, &nan);
    }
    hid_t dataset = H5Dcreate2(location, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (dataset < 0)
        hdf_error(c->err, ERROR_FILE, "cannot create variable %s", name);
    H5Sclose(space);
    H5Pclose(creation);
    H5Tclose(type);
    return dataset;
}

/* Selects n entries of the first axis, from the first on, and all of the others. */
static hid_t select_rows(hid_t dataset, const struct source *s, hsize_t first, hsize_t n)
{
    hsize_t start[EXPORT_RANK] = {first}, count[EXPORT_RANK] = {n};
    hid_t space = H5Dget_space(dataset);
    for (int i = 1; i < s->rank; i++)
        count[i] = s->dims[i];
    if (s->rank)
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
    return space;
}

static hid_t memory_space(const struct source *s, hsize_t n)
{
    hsize_t count[EXPORT_RANK] = {n};
    for (int i = 1; i < s->rank; i++)
        count[i] = s->dims[i];
    return s->rank ? H5Screate_simple(s->rank, count, NULL) : H5Screate(H5S_SCALAR);
}

/* Rows at..at+n-1 of the copy, as the source has them; neighbours are read together. */
static int read_rows(struct copying *c, const struct source *s, hsize_t at, hsize_t n, char *buffer)
{
    herr_t got = 0;
    for (hsize_t done = 0, run; done < n && got >= 0; done += run) {
        hsize_t first = s->by_job ? c->row[at + done] : at + done;
        run = s->by_job ? 1 : n;
        while (s->by_job && done + run < n && c->row[at + done + run] == first + run)
            run++;
        hid_t space = select_rows(s->dataset, s, first, run), memory = memory_space(s, run);
        got = H5Dread(s->dataset, s->type, memory, space, H5P_DEFAULT, buffer + done * row_bytes(s));
        H5Sclose(memory);
        H5Sclose(space);
    }
    return got < 0 ? hdf_error(c->err, ERROR_FORMAT, "cannot be read") : 0;
}

/* Texts of fixed length, which need not end, as ones of their own. */
static int write_fixed_texts(struct copying *c, const struct source *s, hid_t dataset, hid_t memory, hid_t space,
                             const char *buffer, size_t n)
{
    size_t size = H5Tget_size(s->type);
    char **texts = mem_alloc(n, sizeof *texts, c->err), *ended = texts ? mem_alloc(n, size + 1, c->err) : NULL;
    hid_t type = hdf_type_text(H5T_VARIABLE);
    int status = -1;
    for (size_t i = 0; ended && i < n; i++)
        texts[i] = memcpy(ended + i * (size + 1), buffer + i * size, size);
    if (ended)
        status = H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, texts) < 0
                     ? hdf_error(c->err, ERROR_FILE, "cannot be written") : 0;
    H5Tclose(type);
    mem_free(ended);
    mem_free(texts);
    return status;
}

static int write_rows(struct copying *c, const struct source *s, hid_t dataset, hsize_t at, hsize_t n, char *buffer)
{
    hid_t space = select_rows(dataset, s, at, n), memory = memory_space(s, n);
    int status;
    if (fixed_text(s)) {
        status = write_fixed_texts(c, s, dataset, memory, space, buffer, n * row_bytes(s) / H5Tget_size(s->type));
    } else {
        status = H5Dwrite(dataset, s->type, memory, space, H5P_DEFAULT, buffer) < 0
                     ? hdf_error(c->err, ERROR_FILE, "cannot be written") : 0;
        if (H5Tis_variable_str(s->type) > 0)
            H5Dvlen_reclaim(s->type, memory, H5P_DEFAULT, buffer);
    }
    H5Sclose(memory);
    H5Sclose(space);
    return status;
}

/* Whole chunks at a time, so that each is packed once. */
static int copy(struct copying *c, const struct source *s, hid_t dataset, hsize_t n, hsize_t chunk)
{
    hsize_t block = BLOCK_BYTES / (row_bytes(s) * chunk) * chunk;
    block = block < chunk ? chunk : block < n ? block : n;
    char *buffer = mem_alloc(block, row_bytes(s), c->err);
    int status = buffer ? 0 : -1;
    for (hsize_t at = 0; at < n && !status; at += block) {
        hsize_t count = n - at < block ? n - at : block;
        status = read_rows(c, s, at, count, buffer) || write_rows(c, s, dataset, at, count, buffer) ? -1 : 0;
    }
    mem_free(buffer);
    return status;
}

hid_t export_values(struct copying *c, const struct source *source, hid_t location, const char *name)
{
    hsize_t dims[EXPORT_RANK], chunk[EXPORT_RANK] = {1}, entries = 1;
    memcpy(dims, source->dims, sizeof dims);
    if (source->by_job)
        dims[0] = c->n_rows;
    for (int i = 0; i < source->rank; i++)
        entries *= dims[i];
    if (!entries) {
        error_set(c->err, ERROR_FORMAT, "%s: expected an axis of at least one entry, got none", name);
        return -1;
    }
    hid_t dataset = create(c, source, location, name, dims, chunk);
    if (dataset >= 0 && !c->dry && copy(c, source, dataset, source->rank ? dims[0] : 1, chunk[0])) {
        error_prefix(c->err, "%s", name);
        H5Dclose(dataset);
        dataset = -1;
    }
    return dataset;
}
