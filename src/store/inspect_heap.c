/* Texts of variable length lie in collections of a global heap; a dataset holds, of each, its length and its place:
 * the collection's address and a number in it. libhdf5 1.10 does not compare that number with what the collection
 * has, so that a damaged one reads anything, or crashes, as memory happens to lie. HDF5 file format, III.E. */
#include <string.h>
#include <unistd.h>

#include "hdf.h"

enum { NUMBERS = 1 << 16, RECORD = 16, HEADER = 16, WINDOW = 1 << 16 };

/* The collection that was looked at last: size of each object, 0: there is none; the highest number there is. */
static uint64_t sizes[NUMBERS], address_of_sizes, highest;
static bool known;

/* A part of the file: texts are many and small, and a call of the system for each would take longer than the rest. */
struct window {
    uint64_t start;
    size_t n;
    unsigned char bytes[WINDOW];
};

/* HEADER bytes of the file, or NULL where it has fewer. */
static const unsigned char *look(struct window *w, int file, uint64_t at)
{
    if (at < w->start || at - w->start + HEADER > w->n) {
        ssize_t got = pread(file, w->bytes, WINDOW, (off_t)at);
        w->start = at;
        w->n = got > 0 ? (size_t)got : 0;
    }
    return at - w->start + HEADER <= w->n ? w->bytes + (at - w->start) : NULL;
}

/* Fills sizes from the collection at an address. */
static bool read_collection(struct window *window, int file, uint64_t file_size, uint64_t address)
{
    memset(sizes, 0, (highest + 1) * sizeof *sizes);
    known = false;
    highest = 0;
    const unsigned char *head = address > file_size - HEADER ? NULL : look(window, file, address);
    if (!head || memcmp(head, "GCOL\1", 5) != 0)
        return false;
    uint64_t size = hdf_number(head + 8, 8);
    if (size > file_size - address)
        return false;
    for (uint64_t at = HEADER; at + HEADER <= size;) {
        head = look(window, file, address + at);
        if (!head)
            return false;
        uint64_t number = hdf_number(head, 2), length = hdf_number(head + 8, 8);
        if (number == 0)   /* free to the end */
            break;
        if (length > size - at - HEADER)
            return false;
        sizes[number] = length + 1;
        highest = number > highest ? number : highest;
        at += HEADER + (length + 7) / 8 * 8;
    }
    address_of_sizes = address;
    known = true;
    return true;
}

bool inspect_texts(int file, uint64_t file_size, uint64_t offset, uint64_t n)
{
    static struct window records, collections;
    records.n = collections.n = 0;   /* the file may have been written since */
    if (file_size < HEADER)
        return false;
    for (uint64_t i = 0; i < n; i++) {
        const unsigned char *record = look(&records, file, offset + i * RECORD);
        if (!record)
            return false;
        uint64_t length = hdf_number(record, 4), address = hdf_number(record + 4, 8), number = hdf_number(record + 12, 4);
        if (length == 0 || address == 0)   /* never written, or empty */
            continue;
        if (!(known && address == address_of_sizes) && !read_collection(&collections, file, file_size, address))
            return false;
        if (number == 0 || number >= NUMBERS || sizes[number] < length + 1)
            return false;
    }
    return true;
}
