#include "base/energy.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_line(const char *folder, const char *name, char *line, int size)
{
    char path[320];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    bool got = file && fgets(line, size, file);
    if (file)
        fclose(file);
    if (got)
        line[strcspn(line, "\n")] = 0;
    return got;
}

static double read_number(const char *folder, const char *name)
{
    char line[64], *end;
    if (!read_line(folder, name, line, sizeof line))
        return NAN;
    double value = strtod(line, &end);
    return end == line || *end || value < 0 ? NAN : value;
}

/* What is within another zone, as the cores are within a package, is counted there; psys is the whole board, and not
 * on every machine. */
static bool is_counted(const char *name, bool inner)
{
    return inner ? strcmp(name, "dram") == 0 : strncmp(name, "package", strlen("package")) == 0;
}

static void add_zone(struct energy *energy, const char *folder, bool inner)
{
    char name[64];
    struct energy_zone zone = {.range = read_number(folder, "max_energy_range_uj"), .last = read_number(folder, "energy_uj")};
    if (energy->n == ENERGY_ZONES || !read_line(folder, "name", name, sizeof name) || !is_counted(name, inner) || isnan(zone.last)
        || snprintf(zone.path, sizeof zone.path, "%s", folder) >= (int)sizeof zone.path)
        return;
    energy->zone[energy->n++] = zone;
}

void energy_start(struct energy *energy, const char *folder)
{
    char path[256], name[8];
    *energy = (struct energy){0};
    if (!folder)
        folder = getenv("RELIN_POWERCAP");
    if (!folder)
        folder = "/sys/class/powercap";
    for (int package = 0; package < ENERGY_ZONES; package++) {
        snprintf(path, sizeof path, "%s/intel-rapl:%d", folder, package);
        if (!read_line(path, "name", name, sizeof name))
            break;
        add_zone(energy, path, false);
        for (int inner = 0; inner < 4; inner++) {
            snprintf(path, sizeof path, "%s/intel-rapl:%d:%d", folder, package, inner);
            add_zone(energy, path, true);
        }
    }
}

double energy_joules(struct energy *energy)
{
    for (int i = 0; i < energy->n; i++) {
        struct energy_zone *zone = &energy->zone[i];
        double now = read_number(zone->path, "energy_uj"), used = now - zone->last;
        if (isnan(now))
            continue;
        if (used < 0)   /* once round; a counter that does not say where it starts anew has lost what was before */
            used = isnan(zone->range) ? now : used + zone->range;
        energy->joules += 1e-6 * used;
        zone->last = now;
    }
    return energy->n ? energy->joules : NAN;
}
