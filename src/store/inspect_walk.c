/* What is done with a file in the child: all that a reader may do with it later. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hdf.h"

/* Deflate packs 1032 bytes into one at best; smaller than this is believed without. */
enum { BEST_RATIO = 1032, MOST_BLOCK = 64 << 20, MOST_DEPTH = 16 };
static const uint64_t SMALL = 1 << 20;

struct walk {
    hid_t file;
    uint64_t size;           /* of the file */
    int raw;                 /* the file without HDF5 */
    struct error *err;
    int depth;               /* groups in groups; a damaged one may hold itself */
    bool refused;
};

/* A dataset, as its header describes it. */
struct shape {
    const char *name;
    int rank;
    hsize_t dim[H5S_MAX_RANK], chunk[H5S_MAX_RANK];
    bool chunked, texts;     /* texts: of variable length */
    uint64_t points, element, bytes;
};

static herr_t refuse(struct walk *w, const char *name, const char *what, uint64_t bytes)
{
    w->refused = true;
    error_set(w->err, ERROR_FORMAT, "dataset %.100s: expected sizes that fit a file of %llu bytes, got %s %llu bytes: the file is "
              "damaged: put a whole copy in its place, or move it away", name, (unsigned long long)w->size, what,
              (unsigned long long)bytes);
    return -1;
}

/* What HDF5 cannot open, or would misread; of a group, what comes after it would not be looked at. */
static herr_t refuse_object(struct walk *w, const char *name)
{
    w->refused = true;
    error_set(w->err, ERROR_FORMAT, "%.100s cannot be read by HDF5: the file is damaged: put a whole copy in its place, or move "
              "it away", name);
    return -1;
}

/* Sizes are believed as far as the file could hold them. */
static herr_t check_sizes(struct walk *w, hid_t dataset, hid_t properties, struct shape *s)
{
    enum { TEXT_ON_DISK = 16 };   /* a length, and a place in the heap */
    H5D_layout_t layout = H5Pget_layout(properties);
    uint64_t stored = H5Dget_storage_size(dataset);
    bool overflow = false, outside = layout == H5D_VIRTUAL || H5Pget_external_count(properties) > 0;
    bool in_one_piece = layout == H5D_COMPACT || (layout == H5D_CONTIGUOUS && H5Dget_offset(dataset) != HADDR_UNDEF);
    s->points = 1;
    for (int i = 0; i < s->rank; i++)
        overflow |= __builtin_mul_overflow(s->points, s->dim[i], &s->points);
    overflow |= __builtin_mul_overflow(s->points, s->element, &s->bytes) || s->bytes > (uint64_t)INT64_MAX;
    if (overflow)
        return refuse(w, s->name, "more than", (uint64_t)INT64_MAX);
    if (outside)
        return 0;
    if (stored > w->size)
        return refuse(w, s->name, "a length of", stored);
    if (in_one_piece ? (s->texts ? s->points > stored / TEXT_ON_DISK : s->bytes > stored)
                     : s->bytes > SMALL && (s->bytes - SMALL) / BEST_RATIO > w->size)
        return refuse(w, s->name, "dimensions of", s->bytes);
    if (layout == H5D_CONTIGUOUS && in_one_piece && s->texts
        && !inspect_texts(w->raw, w->size, H5Dget_offset(dataset), s->points))
        return refuse_object(w, s->name);
    return 0;
}

/* count elements of the file's type, from the selection, as a reader would: numbers as double. */
static void read_selection(hid_t dataset, hid_t type, hid_t space, hid_t memory, uint64_t count, const struct shape *s)
{
    bool number = H5Tget_class(type) == H5T_INTEGER || H5Tget_class(type) == H5T_FLOAT;
    size_t element = number && s->element < sizeof(double) ? sizeof(double) : s->element;
    void *block = mem_alloc(count, element, NULL);
    if (block && H5Dread(dataset, number ? H5T_NATIVE_DOUBLE : type, memory, space, H5P_DEFAULT, block) >= 0 && s->texts)
        H5Dvlen_reclaim(type, memory, H5P_DEFAULT, block);
    mem_free(block);
}

/* The first and the last element where nothing but bytes lies behind the header; else row by row of chunks, or of
 * texts. */
static void read_values(hid_t dataset, hid_t type, hid_t space, const struct shape *s)
{
    hsize_t start[H5S_MAX_RANK] = {0}, count[H5S_MAX_RANK];
    bool all = s->chunked || s->texts;
    uint64_t row = s->rank && s->dim[0] ? s->points / s->dim[0] : 1, step = s->chunked ? s->chunk[0] : 4096;
    if (s->points == 0)
        return;
    if (s->rank == 0) {
        read_selection(dataset, type, H5S_ALL, space, 1, s);   /* texts are given back by a space, not by H5S_ALL */
        return;
    }
    for (int i = 0; i < s->rank; i++)
        count[i] = all ? s->dim[i] : 1;
    while (step > 1 && step * row > MOST_BLOCK / (s->element ? s->element : 1))
        step /= 2;
    if (!all)
        step = s->dim[0] > 1 ? s->dim[0] - 1 : 1;
    for (; start[0] < s->dim[0]; start[0] += step) {
        hsize_t n = 1;
        count[0] = !all ? 1 : s->dim[0] - start[0] > step ? step : s->dim[0] - start[0];
        for (int i = 1; i < s->rank && !all; i++)
            start[i] = start[0] ? s->dim[i] - 1 : 0;
        for (int i = 0; i < s->rank; i++)
            n *= count[i];
        hid_t memory = H5Screate_simple(1, &n, NULL);
        if (memory < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0)
            return;
        read_selection(dataset, type, space, memory, n, s);
        H5Sclose(memory);
    }
}

static herr_t look_at_dataset(struct walk *w, hid_t dataset, const char *name)
{
    struct shape s = {.name = name};
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset), properties = H5Dget_create_plist(dataset);
    herr_t answer = 0;
    if (type >= 0 && space >= 0 && properties >= 0 && (s.rank = H5Sget_simple_extent_ndims(space)) >= 0
        && H5Sget_simple_extent_dims(space, s.dim, NULL) >= 0) {
        H5T_class_t class = H5Tget_class(type);
        s.element = H5Tget_size(type);
        s.texts = H5Tis_variable_str(type) > 0;
        s.chunked = H5Pget_layout(properties) == H5D_CHUNKED && H5Pget_chunk(properties, s.rank, s.chunk) == s.rank;
        if (class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_STRING) {   /* others nobody reads */
            answer = check_sizes(w, dataset, properties, &s);
            if (answer == 0)
                read_values(dataset, type, space, &s);
        }
    }
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return answer;
}

/* Texts and numbers; references are of no use to us. */
static herr_t look_at_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    const struct walk *w = context;
    (void)info;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0)
        return 0;
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    H5T_class_t class = H5Tget_class(type);
    hssize_t points = H5Sget_simple_extent_npoints(space);
    bool texts = H5Tis_variable_str(type) > 0;
    if (points > 0 && (uint64_t)points <= w->size && (class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_STRING)) {
        void *block = mem_alloc((size_t)points, H5Tget_size(type), NULL);
        if (block && H5Aread(attribute, type, block) >= 0 && texts)
            H5Dvlen_reclaim(type, space, H5P_DEFAULT, block);
        mem_free(block);
    }
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return 0;
}

static herr_t look_at_link(hid_t group, const char *name, const H5L_info_t *link, void *context);

static herr_t look_at_group(struct walk *w, hid_t group, const char *name)
{
    if (w->depth == MOST_DEPTH)
        return refuse_object(w, name);
    w->depth++;
    herr_t answer = H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, look_at_link, w);
    w->depth--;
    return answer < 0 && !w->refused ? refuse_object(w, name) : answer;
}

/* Other links than hard ones lead elsewhere, or nowhere, as their owner likes. */
static herr_t look_at_link(hid_t group, const char *name, const H5L_info_t *link, void *context)
{
    struct walk *w = context;
    hid_t object = link->type == H5L_TYPE_HARD ? H5Oopen(group, name, H5P_DEFAULT) : -1;
    if (object < 0)
        return link->type == H5L_TYPE_HARD ? refuse_object(w, name) : 0;
    H5Aexists(object, ADDED_ATTRIBUTE);   /* readers ask no more; to answer HDF5 decodes all attributes */
    H5I_type_t type = H5Iget_type(object);
    if (type == H5I_GROUP)   /* /provenance */
        H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, look_at_attribute, w);
    herr_t answer = type == H5I_DATASET ? look_at_dataset(w, object, name)
                    : type == H5I_GROUP ? look_at_group(w, object, name) : 0;
    H5Oclose(object);
    return answer;
}

int inspect_walk(const char *path, uint64_t size, struct error *err)
{
    hdf_setup();
    struct walk w = {.size = size, .err = err, .file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT)};
    if (w.file < 0 || (w.raw = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return 0;
    H5Aiterate2(w.file, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, look_at_attribute, &w);
    look_at_group(&w, w.file, "/");
    H5Fclose(w.file);
    return w.refused ? -1 : 0;
}
