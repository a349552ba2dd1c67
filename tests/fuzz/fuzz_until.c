/* A rule of --until, the first line of an input, and what its rows come to: of each further byte pair, which of the rows whose turn
 * it is ends, and with what number. */
#include "jobs.h"
#include "base/text.h"
#include "plan/until.h"

enum { ROWS = 2 * 3 * 14 };
static const char sweep_text[] =
    "data: {set: teacher, train: 64, test: 32}\narchitectures: {a: {type: mlp, widths: [16]}, b: {type: mlp, widths: [8]}}\n"
    "grid: {architecture: [a, b], refresh_period: [1, 10, inf], seed: 0..13}\ntraining: {steps: 60, lr: 0.05}\n";

size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    static const char *const seeds[] = {
        "halfwidth=0.5%,max_seeds=14\n", "halfwidth=0.01,max_seeds=12,min_seeds=11,metric=test_loss_network,baseline=inf\n",
        "max_seeds=14,halfwidth=1e-3,metric=test_loss,baseline=10\n", "halfwidth=2,max_seeds=10000,min_seeds=10\n",
    };
    if (n >= sizeof seeds / sizeof *seeds)
        return 0;
    size_t size = (size_t)snprintf((char *)out, room, "%s", seeds[n]);
    for (size_t i = 0; i < 2 * ROWS && size < room; i++)
        out[size++] = (uint8_t)(i * (29 + 7 * n));
    return size;
}

/* Numbers as they are and as they should not be: small differences, none, the largest there are. */
static double number_of(uint8_t byte)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 1.7e308, -1.7e308, 5e-324, 1e200, 0};
    return byte < 8 ? odd[byte] : byte / 256.0;
}

/* A rule's text says all of it: read again it is the same. */
static void claim_again(const struct until_rule *rule)
{
    struct text text = {0}, second = {0};
    struct until_rule again;
    struct error err = {0};
    until_write(rule, &text);
    if (until_parse(&again, text.chars, &err))
        fprintf(stderr, "%s: %s\n", text.chars, err.text);
    FUZZ_CLAIM(err.code == ERROR_NONE);
    until_write(&again, &second);
    FUZZ_CLAIM(strcmp(text.chars, second.chars) == 0);
    text_free(&text);
    text_free(&second);
}

/* What has its turn now has it once, and is not what is not needed. */
static size_t take(const struct until *u, bool *ran, size_t *waiting, size_t n)
{
    for (size_t i = 0; i < u->n_run; i++) {
        FUZZ_CLAIM(u->run[i] < u->n_jobs && !ran[u->run[i]] && until_is_active(u, u->run[i]));
        ran[waiting[n++] = u->run[i]] = true;
    }
    for (size_t i = 0; i < u->n_skip; i++)
        FUZZ_CLAIM(u->skip[i] < u->n_jobs && !ran[u->skip[i]]);
    return n;
}

static void claim_end(const struct until *u, const struct sweep *sweep, size_t ended)
{
    FUZZ_CLAIM(u->n_open == 0 && ended + u->n_skipped == u->n_jobs);
    for (size_t c = 0; c < u->n_cells; c++) {
        struct text name = {0};
        const struct until_cell *cell = &u->cells[c];
        FUZZ_CLAIM(cell->state != UNTIL_WAITING && cell->active <= until_most(u, cell) && cell->ended >= cell->active);
        struct until_spread spread = until_measure(u, cell, cell->active);
        FUZZ_CLAIM(spread.pairs <= cell->active && !(until_expect(u, cell) < (double)cell->active));
        until_name(u, sweep, cell, &name);
        FUZZ_CLAIM(name.chars[0]);
        text_free(&name);
    }
}

static void play(struct until *u, const struct sweep *sweep, const uint8_t *data, size_t size)
{
    size_t waiting[ROWS], n = 0, ended = 0;
    bool ran[ROWS] = {false};
    FUZZ_CLAIM(u->n_jobs == ROWS);
    until_step(u);
    for (size_t row = 0; row < ROWS; row++)
        if (until_is_active(u, row))
            ran[waiting[n++] = row] = true;
    while (n) {
        uint8_t which = size ? *data++ : 0, value = size > 1 ? *data++ : 99;
        size -= size > 1 ? 2 : size;
        size_t at = which % n, row = waiting[at];
        waiting[at] = waiting[--n];
        until_settle(u, row, number_of(value));
        ended++;
        until_step(u);
        n = take(u, ran, waiting, n);
    }
    claim_end(u, sweep, ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sweep sweep;
    struct error err = {0};
    if (!sweep.n_jobs)
        FUZZ_CLAIM(sweep_load(&sweep, fuzz_file(sweep_text, sizeof sweep_text - 1), NULL, 0, &err) == 0);
    size_t held = mem_in_use(), length = 0;
    while (length < size && data[length] != '\n')
        length++;
    char *text = strndup((const char *)data, length);
    FUZZ_CLAIM(text);
    struct until_rule rule;
    struct until u;
    if (until_parse(&rule, text, &err)) {
        FUZZ_CLAIM(err.code == ERROR_USAGE && err.text[0]);
    } else {
        claim_again(&rule);
        if (until_init(&u, &rule, &sweep, &err))
            FUZZ_CLAIM(err.code == ERROR_USAGE && err.text[0]);
        else
            play(&u, &sweep, length < size ? data + length + 1 : data, length < size ? size - length - 1 : 0);
        until_free(&u);
    }
    free(text);
    FUZZ_CLAIM(mem_in_use() == held);
    return 0;
}
