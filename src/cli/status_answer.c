/* The answer so far, for relin status --watch: what `relin summary --sentence` says, said by that program itself, which has
 * the statistics. It reads the whole file, so it is asked only when more jobs have ended, and for at most a twentieth of
 * the time. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "plan/until.h"
#include "status.h"
#include "store/store.h"
#include "submit.h"

static const double SHARE = 20;

/* relin-summary of this program's folder, else of PATH. */
static void find_program(char path[PATH_MAX + 80])
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = 0;
    snprintf(path, PATH_MAX + 80, "%s/relin-summary", self);
    if (access(path, X_OK) != 0)
        snprintf(path, PATH_MAX + 80, "relin-summary");
}

/* The metric that seeds are added for, where they are; what is asked otherwise is summary's. */
static const char *find_metric(const struct store_reader *reader)
{
    struct until_rule rule;
    struct error none;
    char *words = store_read_until(reader);
    const char *metric = words && until_parse(&rule, words, &none) == 0 ? variables[rule.metric].name : NULL;
    free(words);
    return metric && !strstr(metric, "_network") ? metric : NULL;
}

bool status_answer(struct status_answer *answer, const struct store_reader *reader, const char *path, size_t ended)
{
    char program[PATH_MAX + 80];
    double now = clock_seconds();
    if (ended == answer->ended || now < answer->next)
        return false;
    struct text said = {0}, complaint = {0};
    const char *metric = find_metric(reader);
    find_program(program);
    char *argv[] = {program, "--sentence", (char *)path, metric ? "--metric" : NULL, (char *)metric, NULL};
    int code = submit_call(argv, &said, &complaint, NULL);
    bool changed = code == 0 && said.chars && strcmp(said.chars, answer->text.chars ? answer->text.chars : "") != 0;
    text_free(&complaint);
    answer->ended = ended;
    answer->next = clock_seconds() + SHARE * (clock_seconds() - now);
    if (!changed) {
        text_free(&said);
        return false;
    }
    text_free(&answer->text);
    answer->text = said;
    return true;
}
