#define _GNU_SOURCE   /* pipe2, memfd_create, environ */
#include "program_start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "sweep/job.h"
#include "tree.h"

/* --- words ---------------------------------------------------------------------------- */

/* What {name} stands for: seed, or a dotted path of the job's object. NULL: nothing, it stays as it is. */
static const char *find_value(const struct node *root, const char *name, size_t length)
{
    char path[256];
    if (length == 0 || length >= sizeof path)
        return NULL;
    snprintf(path, sizeof path, "%.*s", (int)length, strncmp(name, "seed", length) == 0 && length == 4 ? "training.seed" : name);
    if (length == 4 && strncmp(name, "seed", 4) == 0)
        snprintf(path, sizeof path, "training.seed");
    const struct node *node = root;
    char *rest = NULL;
    for (char *key = strtok_r(path, ".", &rest); key && node; key = strtok_r(NULL, ".", &rest))
        node = node_get(node, key);
    return node && node->kind == NODE_SCALAR ? node->scalar : NULL;
}

static char *expand_word(const struct node *root, const char *word)
{
    struct text out = {0};
    text_add(&out, "%s", "");
    while (*word) {
        size_t plain = strcspn(word, "{");
        text_add_bytes(&out, word, plain);
        word += plain;
        if (!*word)
            break;
        size_t length = strcspn(word + 1, "}");
        const char *value = word[1 + length] == '}' ? find_value(root, word + 1, length) : NULL;
        text_add(&out, "%s", value ? value : "{");
        word += value ? length + 2 : 1;
    }
    return out.chars;
}

/* NULL-terminated; the caller frees each, and the list. */
static char **expand_words(const struct node *root)
{
    const struct node *list = node_get(node_get(node_get(root, "training"), "trainer"), "command");
    char **words = list && list->n ? calloc(list->n + 1, sizeof *words) : NULL;
    for (size_t i = 0; words && i < list->n; i++)
        words[i] = expand_word(root, list->value[i]->scalar);
    return words;
}

static void free_words(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

/* --- the environment ------------------------------------------------------------------- */

void program_environment(void)
{
    /* of MPI's launchers, and those of a Slurm step by which libraries take a process for one of several */
    static const char *const prefixes[] = {"OMPI_", "PMIX_", "PMI_", "PRTE_", "HYDRA_", "MPI_LOCAL", "SLURM_STEP_", "SLURM_PROCID=",
                                           "SLURM_LOCALID=", "SLURM_NODEID=", "SLURM_GTIDS=", "SLURM_NTASKS", "SLURM_NPROCS=",
                                           "SLURM_TASKS_PER_NODE="};
    extern char **environ;
    for (size_t i = 0; environ[i];) {
        char name[256];
        bool out = false;
        for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++)
            out |= strncmp(environ[i], prefixes[k], strlen(prefixes[k])) == 0;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(environ[i], "="), environ[i]);
        if (!out || unsetenv(name))
            i++;
    }
}

static void set_number(const char *name, long long number)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", number);
    setenv(name, text, 1);
}

static void set_parameters(const struct node *parameters)
{
    for (size_t i = 0; parameters && parameters->kind == NODE_MAP && i < parameters->n; i++) {
        char name[OWN_NAME_SIZE + 24];
        snprintf(name, sizeof name, "RELIN_PARAMETER_%s", parameters->key[i]->scalar);
        setenv(name, parameters->value[i]->scalar, 1);
    }
}

static void set_environment(const struct job *job, const struct node *root, const struct program_place *place, int job_file)
{
    static const char *const threads[] = {"RELIN_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"};
    char path[64];
    program_environment();
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getppid(), job_file);
    setenv("RELIN_JOB", path, 1);
    setenv("RELIN_JOB_ID", job->id, 1);
    set_number("RELIN_SEED", job->seed);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        set_number(threads[i], job->training.threads);
    if (place->data_root)
        setenv("RELIN_DATA", place->data_root, 1);
    if (place->checkpoint)
        setenv("RELIN_CHECKPOINT", place->checkpoint, 1);
    else
        unsetenv("RELIN_CHECKPOINT");
    set_parameters(node_get(root, "parameters"));
}

/* --- the process ----------------------------------------------------------------------- */

/* What it tells the parent where it does not come to the program. */
enum stage { STAGE_FOLDER, STAGE_PROGRAM };
struct report {
    enum stage stage;
    int number;          /* errno */
};

static void give_up(int to, enum stage stage) __attribute__((noreturn));
static void give_up(int to, enum stage stage)
{
    struct report report = {stage, errno};
    ssize_t written = write(to, &report, sizeof report);
    _exit(written == sizeof report ? 126 : 125);
}

/* As a shell would have started it: nothing ignored, nothing blocked. */
static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

struct ends {
    int job, out[2], said[2], report[2];
};

static void become(const struct job *job, const struct node *root, const struct program_place *place, char **words, pid_t parent,
                   const struct ends *ends) __attribute__((noreturn));
static void become(const struct job *job, const struct node *root, const struct program_place *place, char **words, pid_t parent,
                   const struct ends *ends)
{
    char path[64];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(125);
    setpgid(0, 0);
    set_environment(job, root, place, ends->job);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends->job);
    int in = open(path, O_RDONLY);   /* an offset of its own */
    if (in < 0 || dup2(in, 0) < 0 || dup2(ends->out[1], 1) < 0 || dup2(ends->said[1], 2) < 0)
        give_up(ends->report[1], STAGE_PROGRAM);
    close(in);
    reset_signals();
    if (place->folder && place->folder[0] && chdir(place->folder))
        give_up(ends->report[1], STAGE_FOLDER);
    execvp(words[0], words);
    give_up(ends->report[1], STAGE_PROGRAM);
}

/* The job's text in memory, as a file. */
static int job_file(const struct job *job)
{
    size_t length = strlen(job->text), done = 0;
    int file = memfd_create("relin-job", MFD_CLOEXEC);
    while (file >= 0 && done < length) {
        ssize_t n = write(file, job->text + done, length - done);
        if (n < 0 && errno != EINTR) {
            close(file);
            return -1;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    if (file >= 0 && write(file, "\n", 1) != 1) {
        close(file);
        return -1;
    }
    return file;
}

static void close_end(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

static int tell_report(const struct report *report, const char *program, const struct program_place *place, struct error *err)
{
    errno = report->number;
    if (report->stage == STAGE_FOLDER)
        return error_set_errno(err, ERROR_DATA, "cannot work in the sweep file's folder %s", place->folder);
    if (errno == ENOENT)
        return error_set(err, ERROR_DATA, "expected a program, but %s is not found, or its interpreter: %s", program,
                         strchr(program, '/') ? "a path is looked up from the folder of the sweep file"
                                              : "it is not in PATH; write ./ before one that lies beside the sweep file");
    if (errno == EACCES || errno == ENOEXEC)
        return error_set(err, ERROR_DATA, "%s %s", program, errno == EACCES ? "may not be executed: chmod +x it, or put its interpreter before it"
                         : "is no program: put its interpreter before it, or begin it with #!");
    return error_set_errno(err, ERROR_DATA, "%s cannot be started", program);
}

/* Takes the checkpoint's folder as it is, or makes it, and the one that it lies in. */
static int make_folder(const char *path, struct error *err)
{
    struct text above = {0};
    const char *slash = strrchr(path, '/');
    int status = 0;
    if (slash && slash > path) {
        text_add(&above, "%.*s", (int)(slash - path), path);
        mkdir(above.chars, 0777);
        text_free(&above);
    }
    struct stat there;
    if (mkdir(path, 0777) && (errno != EEXIST || stat(path, &there) || !S_ISDIR(there.st_mode)))
        status = error_set_errno(err, ERROR_FILE, "RELIN_CHECKPOINT, %s, cannot be made", path);
    return status;
}

/* Returns 0 where the program runs. */
static int start(const struct job *job, const struct node *root, const struct program_place *place, char **words,
                 struct ends *ends, pid_t *pid, struct error *err)
{
    struct report report;
    pid_t self = getpid();
    ends->job = job_file(job);
    if (ends->job < 0 || pipe2(ends->out, O_CLOEXEC) || pipe2(ends->said, O_CLOEXEC) || pipe2(ends->report, O_CLOEXEC))
        return error_set_errno(err, ERROR_MEMORY, "no pipes for its streams");
    *pid = fork();
    if (*pid == 0)
        become(job, root, place, words, self, ends);
    if (*pid < 0)
        return error_set_errno(err, ERROR_MEMORY, "no process was to be had for it");
    setpgid(*pid, *pid);   /* whoever is first: it must be one before anybody ends it */
    close_end(&ends->report[1]);
    ssize_t got;
    while ((got = read(ends->report[0], &report, sizeof report)) < 0 && errno == EINTR) {}
    return got == sizeof report ? tell_report(&report, words[0], place, err) : 0;
}

int program_start(const struct job *job, const struct program_place *place, pid_t *pid, int *out, int *said,
                  enum failure_class *class, struct error *err)
{
    struct mistakes none = {.file = "job"};
    struct tree tree = {0};
    struct ends ends = {-1, {-1, -1}, {-1, -1}, {-1, -1}};
    int status = -1;
    char **words = tree_parse(&tree, job->text, strlen(job->text), true, &none) ? NULL : expand_words(tree.root);
    if (!words)
        error_set(err, ERROR_INTERNAL, "the job's text has no command");
    else if (!place->checkpoint || make_folder(place->checkpoint, err) == 0)
        status = start(job, tree.root, place, words, &ends, pid, err);
    *class = status && err->code == ERROR_MEMORY ? FAILURE_OUT_OF_MEMORY : FAILURE_BAD_DATA;
    if (!status) {
        *out = ends.out[0];
        *said = ends.said[0];
        ends.out[0] = ends.said[0] = -1;
    }
    close_end(&ends.out[0]);
    close_end(&ends.out[1]);
    close_end(&ends.said[0]);
    close_end(&ends.said[1]);
    close_end(&ends.report[0]);
    close_end(&ends.report[1]);
    if (status)
        close_end(&ends.job);   /* else it is RELIN_JOB, until this process ends */
    free_words(words);
    mistakes_free(&none);
    tree_free(&tree);
    return status;
}
