/* Executions of the real programs on mutated result files and data sets, and with mutated command lines: HDF5 cannot
 * be fuzzed inside one process, since libhdf5 itself crashes.
 *
 *   programs BUILD FOLDER RUNS SEED [ONLY]      (tests/fuzz/run.sh makes FOLDER)
 *   programs --make-set FILE.h5
 *
 * FOLDER: base.h5, a finished result file; sweep.yaml, its sweep; data/own.h5, a set, and own.yaml, a sweep on it.
 * Of every execution: no end by a signal, no report of a sanitizer, an end within LIMIT seconds, a known exit code, and a
 * message where that is not 0. Run i of a seed is always the same. The file of a failure is kept in the folder. */
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "fuzz.h"
#include "mutate.h"

enum { LIMIT = 120, MOST_SIZE = 1 << 22, MOST_ARGS = 12, MOST_OUTPUT = 1 << 16 };

static struct input base, own;
static char output[MOST_OUTPUT];
static unsigned long counts[256], crashed, timed_out, refused;

/* FILE stands for the mutated one. share: of 100. */
static const struct command {
    int share, own_data;
    const char *args[MOST_ARGS];
} commands[] = {
    {16, 0, {"relin", "status", "FILE"}},
    {8, 0, {"relin", "status", "--json", "FILE"}},
    {5, 0, {"relin", "export", "FILE", "-o", "out.nc"}},
    {3, 0, {"relin", "export", "FILE", "--all"}},
    {10, 0, {"relin-summary", "--table", "--curve", "FILE"}},
    {6, 0, {"relin-summary", "--csv", "FILE"}},
    {6, 0, {"relin-report", "FILE", "--tables", "tables"}},
    {14, 0, {"relin", "verify", "--sample", "1", "FILE"}},
    {8, 0, {"relin", "measure", "FILE", "--metric", "kernel_distance", "--jobs", "1"}},
    {5, 0, {"relin", "trace", "sweep.yaml", "--job", "0", "-o", "FILE"}},
    {5, 0, {"relin", "run", "sweep.yaml", "-o", "FILE", "--progress", "none"}},
    {10, 1, {"relin", "plan", "own.yaml"}},
    {4, 1, {"relin", "data"}},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* Command lines: words of these, some of them mutated. */
static const char *const words[] = {
    "run", "plan", "bench", "data", "status", "trace", "verify", "measure", "export", "summary", "report", "help", "--help", "--version",
    "sweep.yaml", "base.h5", "--json", "--exit-code", "--where", "refresh_period=1", "--metric", "kernel_distance", "--sample",
    "2", "--job", "0", "-1", "99999999999999999999", "--set", "kernels.snapshots=4", "--tolerance", "1e-3", "nan", "--jobs", "-o",
    "new.h5", "--at", "training.steps=1", "grid.seed=0..1", "--progress", "none", "--order", "random", "--csv", "--table", "--",
    "", "=", "grid=", "--failed", "limits.attempts=1", "/nonexistent/a b.h5", "\xc3\xa4 b.yaml", "--walltime", "1h", "--keys",
};
enum { WORDS = sizeof words / sizeof *words };

static struct input read_file(const char *path)
{
    struct input input = {malloc(MOST_SIZE), 0};
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "programs: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    FUZZ_CLAIM(input.bytes);
    input.size = fread(input.bytes, 1, MOST_SIZE, file);
    fclose(file);
    return input;
}

static void write_file(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    FUZZ_CLAIM(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

/* Runs args in a group of its own; returns its status of waitpid, or -1 where it did not end. output: what it said. */
static int execute(const char *const *args)
{
    sigset_t ends;
    int status, file = open("output", O_RDWR | O_CREAT | O_TRUNC, 0600);
    FUZZ_CLAIM(file >= 0);
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    pid_t child = fork();
    if (child == 0) {
        sigprocmask(SIG_UNBLOCK, &ends, NULL);
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
        dup2(file, STDOUT_FILENO);
        dup2(file, STDERR_FILENO);
        execvp(args[0], (char *const *)args);
        _exit(126);
    }
    FUZZ_CLAIM(child > 0);
    struct timespec patience = {.tv_sec = LIMIT};
    while (waitpid(child, &status, WNOHANG) == 0)
        if (sigtimedwait(&ends, NULL, &patience) < 0 && errno == EAGAIN) {
            kill(-child, SIGKILL);
            waitpid(child, &status, 0);
            status = -1;
            break;
        }
    ssize_t size = pread(file, output, sizeof output - 1, 0);
    output[size > 0 ? size : 0] = 0;
    close(file);
    return status;
}

/* What is wrong with how it ended, or NULL. */
static const char *judge(int status)
{
    static const int known[] = {0, 2, 3, 70, 75};
    int code = WEXITSTATUS(status), is_known = 0;
    if (status == -1)
        return "no end within the limit";
    if (!WIFEXITED(status))
        return "ended by a signal";
    if (strstr(output, "Sanitizer") || strstr(output, "runtime error"))
        return "a sanitizer's report";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        is_known |= code == known[i];
    if (!is_known)
        return "an unknown exit code";
    counts[code]++;
    crashed += strstr(output, "libhdf5 crashed") != NULL;
    timed_out += strstr(output, "did not come to an end") != NULL;
    refused += strstr(output, "expected sizes that fit") != NULL;
    return code && strlen(output) < 10 ? "an exit code without a message" : NULL;
}

/* Mutations of HDF5 files are few: most of the bytes of one are read. */
static size_t mutate_file(const struct input *from, uint8_t *to)
{
    const struct mutations m = {MOST_SIZE, from, 1, NULL, 0};
    size_t size = from->size;
    memcpy(to, from->bytes, size);
    for (size_t n = 1 + mutate_below(12); n > 0; n--) {
        if (mutate_below(4)) {   /* in place; a shift of all that follows is seldom of interest */
            to[mutate_below(size)] = (uint8_t)mutate_below(256);
        } else if (mutate_below(10)) {
            size_t at = mutate_below(size), length = 1 + mutate_below(8);
            static const uint8_t fill[] = {0, 0xff, 1, 0x7f};
            memset(to + at, fill[mutate_below(4)], length < size - at ? length : size - at);
        } else {
            size = mutate_change(&m, to, size);
            if (size == 0)
                return 0;
        }
    }
    return size;
}

static const char *run_on_file(const struct command *command, uint8_t *buffer)
{
    const char *args[MOST_ARGS + 1] = {0};
    size_t size = mutate_file(command->own_data ? &own : &base, buffer);
    write_file(command->own_data ? "data/own.h5" : "try.h5", buffer, size);
    unlink("try.h5.lock");
    for (size_t i = 0; i < MOST_ARGS && command->args[i]; i++)
        args[i] = strcmp(command->args[i], "FILE") == 0 ? "try.h5" : command->args[i];
    return judge(execute(args));
}

static const char *run_words(void)
{
    static char own_words[MOST_ARGS][256];
    const char *args[MOST_ARGS + 2] = {"relin"};
    size_t n = 1 + mutate_below(MOST_ARGS - 4);
    for (size_t i = 0; i < n; i++) {
        const char *word = words[i == 0 ? mutate_below(14) : mutate_below(WORDS)];
        size_t size = strlen(word);
        const struct input from = {(uint8_t *)word, size};
        const struct mutations m = {sizeof own_words[i] - 1, &from, 1, NULL, 0};
        memcpy(own_words[i], word, size);
        /* `bench` measures for seconds, and a mutated name could be another program's */
        if (i > 0 && mutate_below(4) == 0)
            size = mutate_change(&m, (uint8_t *)own_words[i], size);
        own_words[i][size] = 0;
        args[i + 1] = strcmp(word, "bench") == 0 ? "status" : own_words[i];
    }
    return judge(execute(args));
}

static int play(unsigned long long seed, unsigned long long run)
{
    static uint8_t buffer[MOST_SIZE];
    const char *wrong, *what = "a command line";
    mutate_start(seed, run);
    if (mutate_below(5) == 0) {
        wrong = run_words();
    } else {
        int share = (int)mutate_below(100), c = 0;
        while (share >= commands[c].share)
            share -= commands[c++].share;
        what = commands[c].args[1];
        wrong = run_on_file(&commands[c], buffer);
    }
    if (!wrong)
        return 0;
    char kept[64];
    snprintf(kept, sizeof kept, "finding-%llu-%llu.h5", seed, run);
    rename("try.h5", kept);
    printf("FINDING: seed %llu, run %llu (%s): %s\n%.2000s\n", seed, run, what, wrong, output);
    return 1;
}

/* A set of one's own: x packed in chunks, y as it is. */
static int make_set(const char *path)
{
    enum { TRAIN = 64, TEST = 32, FEATURES = 6 };
    static float x[TRAIN * FEATURES];
    static int y[TRAIN];
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), packed = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(packed, 2, (hsize_t[]){16, FEATURES});
    H5Pset_deflate(packed, 6);
    for (size_t i = 0; i < TRAIN * FEATURES; i++)
        x[i] = (float)(i % 17);
    for (int i = 0; i < TRAIN; i++)
        y[i] = i % 2;
    for (int pool = 0; pool < 2; pool++) {
        hsize_t dims[2] = {pool ? TEST : TRAIN, FEATURES};
        hid_t group = H5Gcreate2(file, pool ? "test" : "train", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        hid_t space = H5Screate_simple(2, dims, NULL);
        hid_t set = H5Dcreate2(group, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, packed, H5P_DEFAULT);
        if (H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) < 0
            || H5LTmake_dataset_int(group, "y", 1, dims, y) < 0)
            return 2;
        H5Dclose(set);
        H5Sclose(space);
        H5Gclose(group);
    }
    H5Pclose(packed);
    return H5Fclose(file) < 0 ? 2 : 0;
}

int main(int argc, char **argv)
{
    int findings = 0;
    if (argc == 3 && strcmp(argv[1], "--make-set") == 0)
        return make_set(argv[2]);
    if (argc < 5) {
        fputs("usage: programs BUILD FOLDER RUNS SEED [ONLY] | --make-set FILE.h5\n", stderr);
        return 2;
    }
    unsigned long long runs = strtoull(argv[3], NULL, 10), seed = strtoull(argv[4], NULL, 10), run = 0;
    char *path;
    FUZZ_CLAIM(asprintf(&path, "%s:%s", argv[1], getenv("PATH")) > 0 && setenv("PATH", path, 1) == 0);
    free(path);
    FUZZ_CLAIM(chdir(argv[2]) == 0 && setenv("RELIN_DATA", "data", 1) == 0);
    setenv("RELIN_INSPECT_SECONDS", "5", 0);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    setenv("RELIN_PROGRESS", "none", 1);
    base = read_file("base.h5");
    own = read_file("own.h5");
    if (argc > 5)
        run = strtoull(argv[5], NULL, 10), runs = run + 1;
    for (; run < runs; run++)
        findings += play(seed, run);
    printf("programs: %llu executions of seed %llu: ", runs, seed);
    for (int code = 0; code < 256; code++)
        if (counts[code])
            printf("%lu ended with %d, ", counts[code], code);
    printf("libhdf5 crashed in %lu and hung in %lu children, %lu sizes refused; %d findings\n", crashed, timed_out, refused,
           findings);
    free(base.bytes);
    free(own.bytes);
    return findings > 0;
}
