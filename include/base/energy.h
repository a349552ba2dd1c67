/* Energy that this node's processors and memory have used, by Linux's powercap counters (RAPL), where they may be read:
 * by default only root may. They count whoever used the node. */
#ifndef RELIN_BASE_ENERGY_H
#define RELIN_BASE_ENERGY_H

enum { ENERGY_ZONES = 32 };

struct energy {
    int n;                       /* zones: packages, and the memory beside each */
    struct energy_zone {
        char path[256];
        double range, last;      /* microjoules: where the counter starts anew, and what it said last */
    } zone[ENERGY_ZONES];
    double joules;
};

/* Begins to count. folder: NULL for RELIN_POWERCAP in the environment, else /sys/class/powercap. */
void energy_start(struct energy *energy, const char *folder);
/* Joules since then; NAN where no counter can be read. A package of 200 W goes once round its counter in 20 minutes:
 * call it more often. */
double energy_joules(struct energy *energy);

#endif
