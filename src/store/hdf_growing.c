/* Datasets that get longer, a row at a time. */
#include "hdf.h"

hid_t hdf_create_growing(hid_t group, const char *name, hid_t type, int rank, const hsize_t *row, hsize_t chunk_rows,
                         struct error *err)
{
    hsize_t dims[3] = {0}, most[3] = {H5S_UNLIMITED}, chunk[3] = {chunk_rows};
    for (int i = 1; i < rank; i++)
        dims[i] = most[i] = chunk[i] = row[i];
    hid_t space = H5Screate_simple(rank, dims, most), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, rank, chunk);
    hid_t dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    H5Sclose(space);
    return dataset >= 0 ? dataset : hdf_error(err, ERROR_FILE, "cannot create dataset %s", name);
}

int hdf_add_row(hid_t dataset, hid_t memory_type, hsize_t at, const void *values, struct error *err)
{
    hsize_t dims[3], start[3] = {at, 0, 0};
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_ndims(space);
    H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    dims[0] = at + 1;
    herr_t done = H5Dset_extent(dataset, dims);
    dims[0] = 1;
    space = H5Dget_space(dataset);
    hid_t memory = H5Screate_simple(rank, dims, NULL);
    if (done >= 0)
        done = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, dims, NULL);
    if (done >= 0)
        done = H5Dwrite(dataset, memory_type, memory, space, H5P_DEFAULT, values);
    H5Sclose(memory);
    H5Sclose(space);
    return done >= 0 ? 0 : hdf_error(err, ERROR_FILE, "row %zu cannot be written", (size_t)at);
}
