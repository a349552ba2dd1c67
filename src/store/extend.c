/* Adds measurements to a file: in a copy, which then takes the file's place, so that whoever reads, and
 * whatever kills the process, sees the old file or the new one. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "by_id.h"
#include "read.h"

/* The bytes of a file; a copy that is there from an interrupted try is replaced. */
static int copy_file(const char *from, const char *to, struct error *err)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    size_t size = 1 << 20;
    char *buffer = mem_alloc(1, size, err);
    ssize_t got = in < 0 || out < 0 || !buffer ? -1 : 1;
    while (got > 0) {
        got = read(in, buffer, size);
        for (ssize_t written, done = 0; done < got; done += written)
            if ((written = write(out, buffer + done, (size_t)(got - done))) < 0) {
                got = -1;
                break;
            }
    }
    if (got < 0)
        error_set_errno(err, ERROR_FILE, "%s: cannot be copied to %s", from, to);
    if (in >= 0)
        close(in);
    if (out >= 0 && close(out) && got == 0)
        got = error_set_errno(err, ERROR_FILE, "%s: cannot be written", to);
    mem_free(buffer);
    return got < 0 ? -1 : 0;
}

/* --- rows --------------------------------------------------------------------------- */

static const struct store_addition *find(const struct store_extension *extension, size_t row)
{
    for (size_t i = 0; i < extension->n; i++)
        if (extension->additions[i].row == row)
            return &extension->additions[i];
    return NULL;
}

static int write_addition(struct rows *rows, const struct store_addition *addition, struct error *err)
{
    const struct result *result = addition->result;
    uint32_t crc = result_crc(result);
    memcpy(result_slab(result, VAR_CRC), &crc, sizeof crc);
    return rows_write_rows(rows, addition->row, result, err) || rows_write_record(rows, addition->row, result, err)
               ? -1 : 0;
}

/* Additions; and, where the axes have changed, all rows that have something to carry along. */
static int write_rows(const struct store_reader *reader, hid_t file, const struct store_extension *extension,
                      struct error *err)
{
    struct rows rows;
    struct result from, to;
    const struct result_layout *before = store_read_layout(reader);
    bool same = memcmp(before, extension->layout, sizeof *before) == 0;
    void *block_from = NULL, *block_to = NULL;
    int status = rows_open(&rows, file, err);
    if (status)
        goto done;
    status = -1;
    block_from = mem_alloc(1, result_size(before), err);
    block_to = mem_alloc(1, result_size(&rows.layout), err);
    if (!block_from || !block_to)
        goto done;
    result_bind(&from, before, block_from);
    result_bind(&to, &rows.layout, block_to);
    for (size_t row = 0; row < rows.jobs; row++) {
        const struct store_addition *addition = find(extension, row);
        uint8_t state;
        if (rows_read(&reader->rows, row, VAR_STATUS, &state, err))
            goto done;
        bool carries = !same && (state == STATUS_DONE || state == STATUS_FAILED);
        if (addition ? write_addition(&rows, addition, err)
                     : carries && rows_carry(reader, row, &from, &rows, row, &to, err))
            goto done;
    }
    status = 0;
done:
    rows_close(&rows);
    mem_free(block_from);
    mem_free(block_to);
    return status;
}

/* --- what the file says of itself --------------------------------------------------- */

static int write_texts(const struct store_reader *reader, hid_t file, const struct store_extension *extension,
                       struct error *err)
{
    char **texts;
    if (store_read_texts(reader, "config/job_text", &texts, err))
        return -1;
    for (size_t i = 0; i < extension->n; i++) {
        free(texts[extension->additions[i].row]);
        texts[extension->additions[i].row] = strdup(extension->additions[i].job_text);
    }
    hid_t type = hdf_type_text(H5T_VARIABLE), dataset = H5Dopen2(file, "config/job_text", H5P_DEFAULT);
    int status = dataset >= 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0
                     ? 0 : hdf_error(err, ERROR_FILE, "config/job_text cannot be written");
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Tclose(type);
    store_free_texts(texts, store_read_jobs(reader));
    return status;
}

/* One more line of a text attribute, or its first. */
static int add_line(hid_t object, const char *name, const char *line, struct error *err)
{
    struct text all = {0};
    if (H5Aexists(object, name) > 0) {
        char *before = hdf_read_attribute_text(object, name, err);
        if (!before || H5Adelete(object, name) < 0) {
            free(before);
            return -1;
        }
        text_add(&all, "%s\n", before);
        free(before);
    }
    text_add(&all, "%s", line);
    int status = hdf_attribute_text(object, name, all.chars, err);
    text_free(&all);
    return status;
}

static int mark_from_kernel(hid_t file, const unsigned char *from_kernel, struct error *err)
{
    static const char comment[] = "of some jobs to the accuracy of float32, computed from the stored kernels: "
                                  "those that name it under measured.from_kernel in /config/job_text";
    for (int i = 0; from_kernel && i < VAR_COUNT; i++) {
        char path[128];
        if (!from_kernel[i])
            continue;
        variable_path((enum variable_id)i, path, sizeof path);
        hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
        int status = H5Aexists(dataset, "comment") > 0 ? 0 : hdf_attribute_text(dataset, "comment", comment, err);
        H5Dclose(dataset);
        if (status)
            return -1;
    }
    return 0;
}

static int describe(const struct store_reader *reader, hid_t file, const struct store_extension *extension,
                    struct error *err)
{
    struct text line = {0}, provenance = {0};
    char now[32];
    clock_iso(clock_unix(), now, sizeof now);
    text_add(&line, "%s %s", now, extension->command_line);
    text_add(&provenance, "%s relin " RELIN_VERSION ": %s", now, extension->what);
    hid_t group = H5Gopen2(file, "provenance", H5P_DEFAULT);
    int status = write_texts(reader, file, extension, err) || add_line(file, "history", line.chars, err)
                 || add_line(group, "measured", provenance.chars, err)
                 || mark_from_kernel(file, extension->from_kernel, err) ? -1 : 0;
    if (group >= 0)
        H5Gclose(group);
    if (!status && extension->probes) {
        if (H5Ldelete(file, "probe", H5P_DEFAULT) < 0)
            status = hdf_error(err, ERROR_FILE, "group probe cannot be made anew");
        else
            status = describe_probe(file, extension->probes, extension->sets, err);
    }
    text_free(&line);
    text_free(&provenance);
    return status;
}

static int extend_copy(const struct store_reader *reader, const char *path, const struct store_extension *extension,
                       struct error *err)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    if (file < 0)
        return hdf_error(err, ERROR_FILE, "%s: cannot be opened", path);
    const struct result_layout *before = store_read_layout(reader);
    int status = 0;
    if (memcmp(before, extension->layout, sizeof *before) != 0)
        status = skeleton_extend(file, store_read_jobs(reader), before, extension->layout, err);
    if (!status)
        status = write_rows(reader, file, extension, err) || describe(reader, file, extension, err) ? -1 : 0;
    if (hdf_close_file(file) && !status)
        status = hdf_error(err, ERROR_FILE, "%s: cannot be completed", path);
    return status;
}

int store_extend(const char *path, const struct store_extension *extension, struct error *err)
{
    struct text temporary = {0};
    char real[STORE_PATH_SIZE];
    hdf_setup();
    if (store_resolve(path, real, err) || store_check_one_name(real, err))
        return -1;
    path = real;
    text_add(&temporary, "%s.new", path);
    struct store_reader *reader = store_read_open(path, err);
    int status = !reader || copy_file(path, temporary.chars, err)
                 || extend_copy(reader, temporary.chars, extension, err) || hdf_reserve(temporary.chars, err) ? -1 : 0;
    store_read_close(reader);
    if (!status)
        status = hdf_replace_file(temporary.chars, path, false, err);
    if (status)
        unlink(temporary.chars);
    text_free(&temporary);
    return status;
}

/* --- a sweep that goes on in a measured file ----------------------------------------- */

enum { BLOCK = 4096 };   /* texts that are in memory together */

struct texts { char *text[BLOCK]; size_t first, n; };

/* That of a row: rows come one after the other mostly. */
static const char *text_of(struct texts *t, const struct store_reader *reader, size_t row, struct error *err)
{
    if (row < t->first || row >= t->first + t->n) {
        store_free_job_texts(t->text, t->n);
        t->first = row;
        t->n = store_read_jobs(reader) - row < BLOCK ? store_read_jobs(reader) - row : BLOCK;
        if (store_read_job_texts(reader, row, t->n, t->text, err)) {
            t->n = 0;
            return NULL;
        }
    }
    if (!t->text[row - t->first])
        error_set(err, ERROR_FORMAT, "config/job_text: the text of job %zu cannot be read", row);
    return t->text[row - t->first];
}

static int adopt_text(struct job *own, const char *text, struct error *err)
{
    struct job job;
    if (!strstr(text, ",\"measured\":{"))
        return 0;
    if (job_parse(&job, text, err))
        return -1;
    memcpy(job.engine_seconds, own->engine_seconds, sizeof job.engine_seconds);   /* not in the text */
    job_free(own);
    *own = job;
    return 0;
}

int store_adopt_measured(const char *path, struct sweep *sweep, struct error *err)
{
    static struct texts texts;
    struct by_id rows = {0};
    if (access(path, F_OK) != 0)
        return 0;
    struct store_reader *reader = store_read_open(path, err);
    int status = !reader || by_id_read(&rows, reader, err) ? -1 : 0;
    for (size_t i = 0; i < sweep->n_jobs && !status; i++) {
        size_t row = by_id_find(&rows, i, sweep->jobs[i].id);
        const char *text = row == SIZE_MAX ? "" : text_of(&texts, reader, row, err);
        status = text ? adopt_text(&sweep->jobs[i], text, err) : -1;
    }
    store_free_job_texts(texts.text, texts.n);
    texts.n = 0;
    by_id_free(&rows);
    store_read_close(reader);
    return status;
}
