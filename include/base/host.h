/* The machine this process runs on, in the words a result file records. */
#ifndef RELIN_BASE_HOST_H
#define RELIN_BASE_HOST_H

#include <stddef.h>

void host_name(char *name, size_t size);
/* "Intel(R) Xeon(R) ...", or "unknown". Cut where too long. */
void host_cpu_model(char *model, size_t size);
/* Bytes of physical memory; INFINITY where the system does not say. */
double host_memory(void);

#endif
