/* Texts of variable length lie in collections of a global heap; a dataset holds, of each, its length and its place:
 * the collection's address and a number in it. libhdf5 1.10 does not compare that number with what the collection
 * has, so that a damaged one reads anything, or crashes, as memory happens to lie. HDF5 file format, III.E. */
#include <string.h>
#include <unistd.h>

#include "hdf.h"

enum { NUMBERS = 1 << 16, RECORD = 16, HEADER = 16 };

/* The collection that was looked at last: size of each object, 0: there is none. */
static uint64_t sizes[NUMBERS], address_of_sizes;
static bool known;

/* Fills sizes from the collection at an address. */
static bool read_collection(int file, uint64_t file_size, uint64_t address)
{
    unsigned char head[HEADER];
    memset(sizes, 0, sizeof sizes);
    known = false;
    if (address > file_size - HEADER || pread(file, head, HEADER, (off_t)address) != HEADER || memcmp(head, "GCOL\1", 5) != 0)
        return false;
    uint64_t size = hdf_number(head + 8, 8);
    if (size > file_size - address)
        return false;
    for (uint64_t at = HEADER; at + HEADER <= size;) {
        if (pread(file, head, HEADER, (off_t)(address + at)) != HEADER)
            return false;
        uint64_t number = hdf_number(head, 2), length = hdf_number(head + 8, 8);
        if (number == 0)   /* free to the end */
            break;
        if (length > size - at - HEADER)
            return false;
        sizes[number] = length + 1;
        at += HEADER + (length + 7) / 8 * 8;
    }
    address_of_sizes = address;
    known = true;
    return true;
}

bool inspect_texts(int file, uint64_t file_size, uint64_t offset, uint64_t n)
{
    unsigned char record[RECORD];
    if (file_size < HEADER)
        return false;
    for (uint64_t i = 0; i < n; i++) {
        if (pread(file, record, RECORD, (off_t)(offset + i * RECORD)) != RECORD)
            return false;
        uint64_t length = hdf_number(record, 4), address = hdf_number(record + 4, 8), number = hdf_number(record + 12, 4);
        if (length == 0 || address == 0)   /* never written, or empty */
            continue;
        if (!(known && address == address_of_sizes) && !read_collection(file, file_size, address))
            return false;
        if (number == 0 || number >= NUMBERS || sizes[number] < length + 1)
            return false;
    }
    return true;
}
