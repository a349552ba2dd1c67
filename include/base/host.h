/* The machine this process runs on, in the words a result file records. */
#ifndef RELIN_BASE_HOST_H
#define RELIN_BASE_HOST_H

#include <stdbool.h>
#include <stddef.h>

void host_name(char *name, size_t size);
/* "Intel(R) Xeon(R) ...", or "unknown". Cut where too long. */
void host_cpu_model(char *model, size_t size);
/* Bytes of physical memory; INFINITY where the system does not say. */
double host_memory(void);
/* How many processes the kernel of this node has killed for want of memory since it started, in control groups
 * too; -1 where it does not say. */
long long host_oom_kills(void);
/* Names the space that process ids of this process live in: two processes with equal texts can look for each other. */
void host_process_space(char *text, size_t size);
/* Does a process of this space live? A zombie, which keeps its number until its parent has asked how it ended, does not.
 * A signal handler may call it. */
bool host_process_lives(long pid);
/* When it started, in ticks since boot: another process that was given the number has another. 0: not known. */
unsigned long long host_process_start(long pid);

#endif
