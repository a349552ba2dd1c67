/* The reader of one's own data in HDF5. It lives in the store because only the store speaks HDF5; the
 * data layer, which may not name it, is handed it. */
#ifndef RELIN_STORE_READER_H
#define RELIN_STORE_READER_H

/* From here on `data.set: NAME` also finds NAME.h5 (src/store/reader.c has its layout). The program calls it
 * first of all; a set is read where it is published, in a rank or a program of one job, never in a child. */
void store_register_reader(void);

#endif
