/* relin submit: a sweep as a Slurm job that goes on by itself. */
#include <argp.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/commands.h"
#include "plan/plan.h"
#include "plan/until.h"
#include "store/store.h"
#include "submit.h"

enum {
    KEY_PARTITION = 256, KEY_ACCOUNT, KEY_QOS, KEY_CONSTRAINT, KEY_RESERVATION, KEY_NODES, KEY_TASKS, KEY_CPUS, KEY_MEM,
    KEY_TIME, KEY_NAME, KEY_DEPENDENCY, KEY_ARRAY, KEY_LAUNCHER, KEY_DRAIN, KEY_EXTRA, KEY_SETUP, KEY_DRY, KEY_PARSABLE,
    KEY_FROM, KEY_UNTIL
};

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE", 0, "result file (default: the sweep's name with .h5, here)", 0},
    {"dry-run", KEY_DRY, NULL, 0, "print the script and what would be called; write and submit nothing", 0},
    {"parsable", KEY_PARSABLE, NULL, 0, "print only the number of the job (of an array: of the one that joins its files)", 0},
    {NULL, 0, NULL, 0, "What to ask for (default: from the plan)", 1},
    {"tasks", KEY_TASKS, "N", 0, "ranks; each runs one job at a time", 1},
    {"cpus-per-task", KEY_CPUS, "N", 0, "cores of a rank (default: training.threads)", 1},
    {"nodes", KEY_NODES, "N[-M]", 0, "nodes (default: at most as many as the tasks fill)", 1},
    {"mem", KEY_MEM, "SIZE", 0, "memory of a node, as sbatch reads it (default: what a job is predicted to take, per core)", 1},
    {"time", KEY_TIME, "TIME", 0, "time limit of one allocation, as sbatch reads it: 30, 30:00, 4:00:00 or 1-12 (default: what "
                                  "`relin plan` says: the 95th percentile, the start and the drain, at most 4 hours)", 1},
    {"drain", KEY_DRAIN, "SECONDS", 0, "how long before the limit to stop, at least 60 where limits are checked each "
                                       "minute (default: 120, at most half the time)", 1},
    {"from", KEY_FROM, "FILE.h5", 0, "learn speeds and memory from the jobs of an earlier run; may be repeated", 1},
    {NULL, 0, NULL, 0, "Where", 2},
    {"partition", KEY_PARTITION, "NAME", 0, "as sbatch's", 2},
    {"account", KEY_ACCOUNT, "NAME", 0, "as sbatch's", 2},
    {"qos", KEY_QOS, "NAME", 0, "as sbatch's", 2},
    {"constraint", KEY_CONSTRAINT, "LIST", 0, "as sbatch's", 2},
    {"reservation", KEY_RESERVATION, "NAME", 0, "as sbatch's", 2},
    {NULL, 0, NULL, 0, "How", 3},
    {"array", KEY_ARRAY, "N[%M]", 0, "divide the jobs among N allocations, at most M at once: task K writes FILE.K.h5, and "
                                     "a job that depends on all of them joins the files", 3},
    {"until", KEY_UNTIL, "halfwidth=W,max_seeds=N", 0, "more seeds where they matter, as `relin run --until`; not with --array", 3},
    {"dependency", KEY_DEPENDENCY, "LIST", 0, "start only after other jobs, as sbatch's: afterok:12345", 3},
    {"launcher", KEY_LAUNCHER, "NAME", 0, "mpirun (default), or srun: srun --mpi=pmix", 3},
    {"job-name", KEY_NAME, "NAME", 0, "default: the sweep's name", 3},
    {"setup", KEY_SETUP, "COMMAND", 0, "a line of shell before the start, such as 'module load openmpi'; may be repeated", 3},
    {"extra", KEY_EXTRA, "LINE", 0, "a further line of the script's head, such as '#SBATCH --mail-type=END'; may be repeated", 3},
    {0},
};

static const char doc[] =
    "Submit a sweep to Slurm, as a job that goes on by itself after its time limit until the file is complete."
    "\v"
    "The sweep file is checked and its jobs are priced as `relin plan` does it; what is not given is chosen from that. "
    "The batch script is written beside the result file, FILE.sbatch, and can be submitted again as it is. It stops "
    "handing out shortly before the limit, keeps what is under way (limits.checkpoint), and is requeued only if jobs are "
    "left and something advanced.\n\n"
    "With --until only the first seeds of every cell are sure to run, and what further ones do is decided on the way: tasks are "
    "chosen for those, the time limit for as many as there may be. After a requeue the same rule goes on.\n\n"
    "Examples:\n"
    "  relin submit sweeps/fashion-mnist.yaml --dry-run\n"
    "  relin submit sweeps/fashion-mnist.yaml -o fashion.h5 --tasks 64 --time 4:00:00 --setup 'module load openmpi'\n"
    "  relin submit sweeps/width.yaml --array 16%4 --tasks 4 --time 30:00\n"
    "  relin submit sweeps/width.yaml --until halfwidth=0.5%,max_seeds=40\n"
    "  relin submit sweeps/width.yaml --dependency afterok:$(relin submit --parsable sweeps/quick.yaml)\n\n"
    "Environment: RELIN_DATA, the folder of the data sets; it is written into the script.\n"
    "Exit codes: 0 submitted, 2 bad usage, sweep file or data, or refused by sbatch, 70 the script cannot be written, "
    "75 the result file is in use by a run.";

struct arguments {
    struct submission s;
    struct until_rule rule;      /* of s.until */
    bool parsable;
};

static size_t whole(struct argp_state *state, const char *option, const char *text, size_t least, size_t most)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (strspn(text, "0123456789") != strlen(text) || !*text || n < least || n > most)
        argp_error(state, "%s: expected a whole number from %zu to %zu, got '%s'", option, least, most, text);
    return n;
}

/* A value that ends up in a line of the script must be one line. */
static const char *one_line(struct argp_state *state, const char *text)
{
    if (!*text || strpbrk(text, "\n\"") != NULL)
        argp_error(state, "expected a text without line breaks and double quotes, got '%s'", text);
    return text;
}

static void add_line(struct argp_state *state, struct submit_lines *lines, const char *text, const char *begin)
{
    if (strchr(text, '\n') || strncmp(text, begin, strlen(begin)) != 0)
        argp_error(state, "expected one line%s%s, got '%s'", *begin ? " beginning with " : "", begin, text);
    if (lines->n == SUBMIT_LINES_MOST)
        argp_error(state, "expected at most %d lines of one kind", SUBMIT_LINES_MOST);
    lines->line[lines->n++] = text;
}

static void parse_array(struct argp_state *state, struct submission *s, char *text)
{
    char *percent = strchr(text, '%');
    if (percent) {
        *percent = 0;
        s->throttle = percent + 1;
        whole(state, "--array: behind %", s->throttle, 1, 100000);
    }
    s->parts = whole(state, "--array", text, 2, 100000);
}

static void parse_until(struct argp_state *state, struct arguments *a, const char *text)
{
    struct error err;
    if (until_parse(&a->rule, text, &err))
        argp_error(state, "--until: %s", err.text);
    a->s.until = text;
}

static error_t parse_where(int key, char *arg, struct argp_state *state, struct submission *s)
{
    switch (key) {
    case KEY_PARTITION: s->partition = one_line(state, arg); return 0;
    case KEY_ACCOUNT: s->account = one_line(state, arg); return 0;
    case KEY_QOS: s->qos = one_line(state, arg); return 0;
    case KEY_CONSTRAINT: s->constraint = one_line(state, arg); return 0;
    case KEY_RESERVATION: s->reservation = one_line(state, arg); return 0;
    case KEY_NODES: s->nodes = one_line(state, arg); return 0;
    case KEY_MEM: s->mem = one_line(state, arg); return 0;
    case KEY_NAME: s->job_name = one_line(state, arg); return 0;
    case KEY_DEPENDENCY: s->dependency = one_line(state, arg); return 0;
    case KEY_EXTRA: add_line(state, &s->extra, arg, "#SBATCH "); return 0;
    case KEY_FROM: add_line(state, &s->from, arg, ""); return 0;
    case KEY_SETUP: add_line(state, &s->setup, arg, ""); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct submission *s = &a->s;
    switch (key) {
    case 'o': s->output = one_line(state, arg); return 0;
    case KEY_DRY: s->dry_run = true; return 0;
    case KEY_PARSABLE: a->parsable = true; return 0;
    case KEY_TASKS: s->tasks = whole(state, "--tasks", arg, 1, 1000000); return 0;
    case KEY_CPUS: s->cpus = whole(state, "--cpus-per-task", arg, 1, 4096); return 0;
    case KEY_DRAIN: s->drain = whole(state, "--drain", arg, 1, 65535); return 0;
    case KEY_ARRAY: parse_array(state, s, arg); return 0;
    case KEY_UNTIL: parse_until(state, a, arg); return 0;
    case KEY_TIME:
        s->minutes = submit_minutes(arg);
        if (isnan(s->minutes))
            argp_error(state, "--time: expected minutes, minutes:seconds, hours:minutes:seconds or days-hours, got '%s'", arg);
        s->time = arg;
        return 0;
    case KEY_LAUNCHER:
        if (strcmp(arg, "mpirun") != 0 && strcmp(arg, "srun") != 0)
            argp_error(state, "--launcher: expected mpirun or srun, got %s", arg);
        s->launcher = arg;
        return 0;
    case ARGP_KEY_ARGS:   /* the sweep file, then overrides */
        s->sweep = state->argv[state->next];
        s->overrides = (const char *const *)&state->argv[state->next + 1];
        s->n_overrides = (size_t)(state->argc - state->next - 1);
        for (size_t i = 0; i < s->n_overrides; i++)
            if (!strchr(s->overrides[i], '='))
                argp_error(state, "%s: expected KEY=VALUE after the sweep file", s->overrides[i]);
        return 0;
    case ARGP_KEY_NO_ARGS: argp_error(state, "expected a sweep file"); return 0;
    case ARGP_KEY_END:
        if (s->until && s->parts)
            argp_error(state, "expected --until or --array, got both: the seeds of a cell would be in several files, none of which "
                       "knows whether its interval is narrow enough");
        return 0;
    default: return parse_where(key, arg, state, s);
    }
}

/* The job runs elsewhere and later: nothing may depend on the folder that is current now. */
static int find_paths(struct submission *s, const char *name, struct error *err)
{
    char self[PATH_MAX], output[PATH_MAX], here[PATH_MAX];
    struct text file = {0};
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0 || !getcwd(here, sizeof here))
        return error_set_errno(err, ERROR_INTERNAL, "the program's own path");
    self[length] = 0;
    if (snprintf(output, sizeof output, "%s%s", s->output ? s->output : name, s->output ? "" : ".h5") >= (int)sizeof output)
        return error_set(err, ERROR_USAGE, "--output: the name is longer than %d characters", PATH_MAX - 1);
    char *slash = strrchr(output, '/');
    const char *base = slash ? slash + 1 : output;
    if (!*base)
        return error_set(err, ERROR_USAGE, "--output: expected the name of a file, got the folder %s", output);
    if (slash)
        *slash = 0;
    char *folder = realpath(!slash ? "." : *output ? output : "/", NULL);
    if (!folder)
        return error_set_errno(err, ERROR_USAGE, "--output: the folder %s", output);
    text_add(&file, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, base);
    free(folder);
    s->file = strdup(file.chars);
    if (file.length > 3 && strcmp(file.chars + file.length - 3, ".h5") == 0)
        file.chars[file.length - 3] = 0;
    s->stem = file.chars;
    s->program = strdup(self);
    s->folder = strdup(here);
    s->sweep_path = realpath(s->sweep, NULL);
    return s->sweep_path ? 0 : error_set_errno(err, ERROR_SWEEP, "%s", s->sweep);
}

static int write_script(const char *path, const struct text *script, struct error *err)
{
    FILE *file = fopen(path, "w");
    bool failed = !file || fwrite(script->chars, 1, script->length, file) != script->length;
    if (file && fclose(file))
        failed = true;
    if (failed || chmod(path, 0755))
        return error_set_errno(err, ERROR_FILE, "%s: cannot be written", path);
    return 0;
}

/* Submits one script. id: the job's number. */
static int submit(const char *path, const char *dependency, char id[64], struct error *err)
{
    struct text out = {0}, complaint = {0}, after = {0};
    text_add(&after, "--dependency=%s", dependency ? dependency : "");
    char *argv[] = {"sbatch", "--parsable", dependency ? after.chars : (char *)path, dependency ? (char *)path : NULL, NULL};
    int code = submit_call(argv, &out, &complaint, err);
    if (code == 127) {
        error_set(err, ERROR_USAGE, "sbatch: not found: run this on a login node of a Slurm cluster, or take %s there", path);
    } else if (code > 0) {
        const char *advice = submit_advice(complaint.chars);
        while (complaint.length && complaint.chars[complaint.length - 1] == '\n')
            complaint.chars[--complaint.length] = 0;
        error_set(err, ERROR_USAGE, "%s refused (exit code %d):\n%.1200s\n%s%s", path, code, complaint.chars,
                  advice ? "What to do: " : "The script stays there; `sbatch` submits it by hand.", advice ? advice : "");
    } else if (code == 0) {
        fputs(complaint.chars, stderr);   /* remarks */
        snprintf(id, 64, "%.*s", (int)strcspn(out.chars, ";\n"), out.chars);
        if (!*id || strspn(id, "0123456789") != strlen(id))
            code = error_set(err, ERROR_USAGE, "sbatch --parsable: expected a job's number, got '%.60s'", out.chars);
    }
    text_free(&out);
    text_free(&complaint);
    text_free(&after);
    return code ? -1 : 0;
}

static void print_submitted(const struct submission *s, size_t n_jobs, const char *id, const char *merge)
{
    char memory[64], span[64];
    clock_duration(60 * s->minutes, span, sizeof span);
    if (s->mem)
        snprintf(memory, sizeof memory, "%s a node", s->mem);
    else
        snprintf(memory, sizeof memory, "%zu MB a core", s->megabytes);
    if (s->until)
        printf("job %s: %zu to %zu jobs of the sweep, as --until decides,", id, s->n_first, n_jobs);
    else
        printf("job %s: %zu jobs of the sweep", id, n_jobs);
    if (s->parts)
        printf(" in %zu parts, each", s->parts);
    printf(" on %zu task%s of %zu core%s, %s, at most %s at a time\n", s->tasks, s->tasks == 1 ? "" : "s", s->cpus,
           s->cpus == 1 ? "" : "s", memory, span);
    if (s->parts)
        printf("job %s: joins the parts when all have ended\n", merge);
    printf("script:  %s.sbatch\nqueue:   squeue -j %s%s%s\n", s->stem, id, s->parts ? "," : "", s->parts ? merge : "");
    if (s->parts)
        printf("watch:   for f in %s.[0-9]*.h5; do relin status $f; done\nlog:     %s-%s.*.log\n", s->stem, s->stem, id);
    else
        printf("watch:   relin status %s\nlog:     %s-%s.log\n", s->file, s->stem, id);
    printf("stop:    scancel %s; the same command goes on from there\n", id);
}

static int submit_all(struct arguments *a, size_t n_jobs, struct error *err)
{
    struct submission *s = &a->s;
    struct text script = {0}, merge = {0}, path = {0}, merge_path = {0}, after = {0};
    char id[64] = "", merge_id[64] = "";
    int status = -1;
    text_add(&path, "%s.sbatch", s->stem);
    text_add(&merge_path, "%s.merge.sbatch", s->stem);
    submit_script(s, &script);
    if (s->parts)
        submit_merge_script(s, &merge);
    if (s->dry_run) {
        printf("%s\n# %s; would be submitted by: sbatch --parsable %s\n", script.chars, path.chars, path.chars);
        if (s->parts)
            printf("\n%s\n# %s; would be submitted by: sbatch --parsable --dependency=afterany:JOB %s\n", merge.chars,
                   merge_path.chars, merge_path.chars);
        status = 0;
        goto done;
    }
    if (write_script(path.chars, &script, err) || (s->parts && write_script(merge_path.chars, &merge, err))
        || submit(path.chars, NULL, id, err))
        goto done;
    text_add(&after, "afterany:%s", id);
    if (s->parts && submit(merge_path.chars, after.chars, merge_id, err)) {
        error_prefix(err, "job %s is submitted, the one that joins its files is not", id);
        goto done;
    }
    if (a->parsable)
        puts(s->parts ? merge_id : id);
    else
        print_submitted(s, n_jobs, id, merge_id);
    status = 0;
done:
    text_free(&script);
    text_free(&merge);
    text_free(&path);
    text_free(&merge_path);
    text_free(&after);
    return status;
}

/* A run that Slurm has killed leaves its lock; the script waits until that is stale. Behind a job that writes the
 * file now comes who says so. */
static int refuse_live(const struct submission *s, struct error *err)
{
    struct store_lock_info lock;
    if (s->dependency || !store_lock_read(s->file, &lock) || !lock.live)
        return 0;
    bool of_slurm = strcmp(lock.slurm_job, "-") != 0;
    if (of_slurm && !submit_runs(lock.slurm_job))
        return 0;
    return error_set(err, ERROR_LOCKED, "%s: in use by a run on %s%s%s: `relin status` says more%s%s", s->file, lock.host,
                     of_slurm ? ", Slurm job " : "", of_slurm ? lock.slurm_job : "",
                     of_slurm ? "; to go on behind it: --dependency afterany:" : "", of_slurm ? lock.slurm_job : "");
}

/* What to ask for: where seeds are added, tasks for the jobs that run in any case. */
static int choose(struct arguments *a, const struct plan *plan, struct error *err)
{
    struct forecast first = {0};
    struct until until;
    if (!a->s.until)
        return submit_choose(&a->s, &plan->forecast, &plan->forecast, err);
    int status = until_init(&until, &a->rule, &plan->sweep, err) || forecast_some(&plan->forecast, until.run, until.n_run, &first, err)
                 || submit_choose(&a->s, &first, &plan->forecast, err) ? -1 : 0;
    a->s.n_first = until.n_run;
    forecast_free(&first);
    until_free(&until);
    return status;
}

int command_submit(int argc, char **argv)
{
    static const struct argp argp = {option_table, parse_option, "SWEEP.yaml [KEY=VALUE...]", doc, NULL, NULL, NULL};
    struct arguments a = {.s = {.launcher = "mpirun"}};
    struct plan plan = {0};
    struct error err = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    const struct plan_source source = {.sweep = a.s.sweep, .overrides = a.s.overrides, .n_overrides = a.s.n_overrides,
                                       .from = a.s.from.line, .n_from = a.s.from.n, .until = a.s.until ? &a.rule : NULL};
    int status = plan_make(&plan, &source, dataset_root(), &err);
    if (!a.s.job_name)
        a.s.job_name = plan.sweep.name;
    if (!status)
        status = find_paths(&a.s, plan.sweep.name, &err) || refuse_live(&a.s, &err)
                 || choose(&a, &plan, &err) || submit_all(&a, plan.sweep.n_jobs, &err) ? -1 : 0;
    if (status) {   /* a sweep file's errors are lines of their own, as compilers write them */
        size_t length = strlen(err.text);
        fprintf(stderr, "%s%s%s", err.code == ERROR_SWEEP ? "" : "relin submit: ", err.text,
                length && err.text[length - 1] == '\n' ? "" : "\n");
    }
    free(a.s.program);
    free(a.s.sweep_path);
    free(a.s.file);
    free(a.s.folder);
    free(a.s.stem);
    plan_free(&plan);
    return status ? error_exit_code(err.code) : 0;
}
