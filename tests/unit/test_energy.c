/* Energy counters, in a folder as Linux has them. */
#include "base/energy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char folder[64];

static void put(const char *zone, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, zone);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", folder, zone, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void zone(const char *zone, const char *name, const char *range, const char *energy)
{
    put(zone, "name", name);
    put(zone, "max_energy_range_uj", range);
    put(zone, "energy_uj", energy);
}

static void setup(void)
{
    snprintf(folder, sizeof folder, "/tmp/relin-energy-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(packages_and_the_memory_beside_them_count_and_their_parts_do_not)
{
    struct energy energy;
    zone("intel-rapl:0", "package-0\n", "262143328850\n", "1000000\n");
    zone("intel-rapl:0:0", "core\n", "262143328850\n", "500000\n");
    zone("intel-rapl:0:1", "dram\n", "65712999613\n", "300000\n");
    zone("intel-rapl:1", "psys\n", "262143328850\n", "9\n");
    energy_start(&energy, folder);
    ck_assert_int_eq(energy.n, 2);
    ck_assert_double_eq(energy_joules(&energy), 0);
    put("intel-rapl:0", "energy_uj", "3500000\n");
    put("intel-rapl:0:0", "energy_uj", "2500000\n");
    put("intel-rapl:0:1", "energy_uj", "400000\n");
    put("intel-rapl:1", "energy_uj", "99000000\n");
    ck_assert_double_eq_tol(energy_joules(&energy), 2.6, 1e-12);
}
END_TEST

START_TEST(a_counter_that_went_round_goes_on)
{
    struct energy energy;
    zone("intel-rapl:0", "package-0\n", "10000000\n", "9000000\n");
    energy_start(&energy, folder);
    put("intel-rapl:0", "energy_uj", "500000\n");
    ck_assert_double_eq_tol(energy_joules(&energy), 1.5, 1e-12);
    put("intel-rapl:0", "energy_uj", "700000\n");
    ck_assert_double_eq_tol(energy_joules(&energy), 1.7, 1e-12);
}
END_TEST

START_TEST(counters_that_cannot_be_read_give_no_number)
{
    struct energy energy;
    energy_start(&energy, folder);
    ck_assert(isnan(energy_joules(&energy)));
    put("intel-rapl:0", "name", "package-0\n");
    put("intel-rapl:0", "max_energy_range_uj", "10000000\n");   /* no energy_uj: only root may */
    energy_start(&energy, folder);
    ck_assert(isnan(energy_joules(&energy)));
    put("intel-rapl:0", "energy_uj", "nonsense\n");
    energy_start(&energy, folder);
    ck_assert(isnan(energy_joules(&energy)));
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, packages_and_the_memory_beside_them_count_and_their_parts_do_not);
    tcase_add_test(tests, a_counter_that_went_round_goes_on);
    tcase_add_test(tests, counters_that_cannot_be_read_give_no_number);
}

UNIT_MAIN("energy", add)
