/* Folders. */
#ifndef RELIN_BASE_FOLDER_H
#define RELIN_BASE_FOLDER_H

/* Removes a folder with all that is in it; links are removed, not followed. What cannot be removed stays. */
void folder_remove(const char *path);
/* When the newest file in it was last written (Unix seconds), or the file that path is; -INFINITY: there is none. */
double folder_written(const char *path);

#endif
