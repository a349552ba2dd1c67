/* The frame of a unit test program: one suite, one case, Check's closing line. */
#ifndef RELIN_TESTS_UNIT_H
#define RELIN_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

/* Declares `int main` that runs the tests added in `add(TCase *)`. */
#define UNIT_MAIN(title, add)                                   \
    int main(void)                                              \
    {                                                           \
        Suite *suite = suite_create(title);                     \
        TCase *tests = tcase_create(title);                     \
        tcase_set_timeout(tests, 120);                          \
        add(tests);                                             \
        suite_add_tcase(suite, tests);                          \
        SRunner *runner = srunner_create(suite);                \
        srunner_run_all(runner, CK_ENV);                        \
        int failed = srunner_ntests_failed(runner);             \
        srunner_free(runner);                                   \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;       \
    }

#endif
