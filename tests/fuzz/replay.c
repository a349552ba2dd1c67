/* Plays a fuzz target without libFuzzer: on files, or on seeded mutations of its seeds.
 *
 *   fuzz_NAME [--runs N] [--seed S] [--only I] [--dictionary FILE] [FILE|FOLDER...]
 *   fuzz_NAME --write-seeds FOLDER
 *
 * Run i of a seed is always the same input, so `--seed S --only i` repeats what a failure names. Every seed and file
 * is played as it is first. An input that takes longer than PATIENCE seconds ends the process. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "mutate.h"

enum { PATIENCE = 20, MOST_INPUTS = 4096, MOST_WORDS = 1024, MOST_SIZE = 1 << 17, MOST_CHANGES = 8 };

static struct input inputs[MOST_INPUTS], words[MOST_WORDS];
static size_t n_inputs, n_words;
static volatile unsigned long long current, seed = 1;
static char name[64];

/* --- failures name their run ----------------------------------------------------- */

static void put(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static void put_number(unsigned long long value)
{
    char digits[24], *at = digits + sizeof digits - 1;
    *at = 0;
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    put(at);
}

static void tell_run(void)
{
    put("repeat with: "), put(name), put(" --seed "), put_number(seed), put(" --only "), put_number(current), put("\n");
}

static void fail(int signal_number)
{
    put(signal_number == SIGALRM ? "FAILED: no end after the time limit\n" : "FAILED: a signal\n");
    tell_run();
    signal(signal_number, SIG_DFL);
    raise(signal_number == SIGALRM ? SIGABRT : signal_number);
}

extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void listen_for_failures(void)
{
    static const int kinds[] = {SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(tell_run);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i] == SIGALRM || !__sanitizer_set_death_callback)
            signal(kinds[i], fail);
}

/* --- inputs ---------------------------------------------------------------------- */

static void add(struct input *list, size_t *n, size_t most, const uint8_t *bytes, size_t size)
{
    if (*n == most)
        return;
    list[*n] = (struct input){malloc(size + 1), size};
    FUZZ_CLAIM(list[*n].bytes);
    memcpy(list[*n].bytes, bytes, size);
    ++*n;
}

static void add_file(const char *path)
{
    static uint8_t buffer[MOST_SIZE];
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s: %s: cannot be read: %s\n", name, path, strerror(errno));
        exit(2);
    }
    add(inputs, &n_inputs, MOST_INPUTS, buffer, fread(buffer, 1, sizeof buffer, file));
    fclose(file);
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static void add_path(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_visible, alphasort);
    if (n < 0) {
        add_file(path);
        return;
    }
    for (int i = 0; i < n; i++) {
        char inner[4096];
        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        add_file(inner);
        free(entries[i]);
    }
    free(entries);
}

/* Lines "word" of a dictionary as libFuzzer and AFL++ read it, without its escapes but \xNN. */
static void add_dictionary(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "r");
    FUZZ_CLAIM(file);
    while (fgets(line, sizeof line, file)) {
        char *start = strchr(line, '"'), *end = strrchr(line, '"'), *to = line;
        if (line[0] == '#' || !start || end == start)
            continue;
        for (const char *c = start + 1; c < end;) {
            unsigned value;
            if (c + 3 < end && sscanf(c, "\\x%2x", &value) == 1) {
                *to++ = (char)value;
                c += 4;
            } else {
                c += *c == '\\' && c + 1 < end;
                *to++ = *c++;
            }
        }
        add(words, &n_words, MOST_WORDS, (uint8_t *)line, (size_t)(to - line));
    }
    fclose(file);
}

static void add_seeds(void)
{
    static uint8_t buffer[MOST_SIZE];
    for (size_t n = 0, size; (size = fuzz_seed(n, buffer, sizeof buffer)) > 0; n++)
        add(inputs, &n_inputs, MOST_INPUTS, buffer, size);
}

static int write_seeds(const char *folder)
{
    mkdir(folder, 0777);
    for (size_t i = 0; i < n_inputs; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/seed-%zu", folder, i);
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(inputs[i].bytes, 1, inputs[i].size, file) != inputs[i].size || fclose(file)) {
            fprintf(stderr, "%s: %s: cannot be written: %s\n", name, path, strerror(errno));
            return 2;
        }
    }
    return 0;
}

/* --- playing --------------------------------------------------------------------- */

static size_t mutate(unsigned long long run, uint8_t *to)
{
    const struct mutations from_here = {MOST_SIZE, inputs, n_inputs, words, n_words};
    mutate_start(seed, run);
    const struct input *from = &inputs[mutate_below(n_inputs)];
    size_t size = from->size;
    memcpy(to, from->bytes, size);
    for (size_t n = 1 + mutate_below(MOST_CHANGES); n > 0; n--)
        size = mutate_change(&from_here, to, size);
    return size;
}

static void play(unsigned long long run)
{
    static uint8_t buffer[MOST_SIZE];
    current = run;
    size_t size = run < n_inputs ? inputs[run].size : mutate(run, buffer);
    /* a block of its own size, so that a sanitizer sees what is read behind its end */
    uint8_t *own = malloc(size ? size : 1);
    FUZZ_CLAIM(own);
    memcpy(own, run < n_inputs ? inputs[run].bytes : buffer, size);
    alarm(PATIENCE);
    FUZZ_CLAIM(LLVMFuzzerTestOneInput(own, size) == 0);
    alarm(0);
    free(own);
}

int main(int argc, char **argv)
{
    unsigned long long runs = 0;
    long long only = -1;
    const char *folder = NULL;
    snprintf(name, sizeof name, "%.60s", strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0]);
    add_seeds();
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strncmp(argv[i], "--", 2) != 0) {
            add_path(argv[i]);
            continue;
        }
        if (strcmp(argv[i], "--runs") == 0)
            runs = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--only") == 0)
            only = strtoll(value, NULL, 10);
        else if (strcmp(argv[i], "--dictionary") == 0)
            add_dictionary(value);
        else if (strcmp(argv[i], "--write-seeds") == 0)
            folder = value;
        else {
            fprintf(stderr, "%s: expected --runs, --seed, --only, --dictionary, --write-seeds or files, got %s\n", name, argv[i]);
            return 2;
        }
        i++;
    }
    if (folder)
        return write_seeds(folder);
    listen_for_failures();
    if (only >= 0)
        play((unsigned long long)only);
    else
        for (unsigned long long run = 0; run < n_inputs + runs; run++)
            play(run);
    for (size_t i = 0; i < n_inputs; i++)
        free(inputs[i].bytes);
    for (size_t i = 0; i < n_words; i++)
        free(words[i].bytes);
    if (only < 0)
        printf("%s: %zu inputs and %llu mutations of seed %llu, no finding\n", name, n_inputs, runs, seed);
    return 0;
}
