/* Slurm's own programs, and what their complaints mean. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "submit.h"

static void take(FILE *from, struct text *to)
{
    char buffer[4096];
    size_t n;
    rewind(from);
    while ((n = fread(buffer, 1, sizeof buffer, from)) > 0)
        text_add_bytes(to, buffer, n);
    if (!to->chars)
        text_add(to, "%s", "");
}

int submit_call(char *const argv[], struct text *out, struct text *complaint, struct error *err)
{
    FILE *to[2] = {tmpfile(), tmpfile()};
    int code = -1, status;
    if (!to[0] || !to[1]) {
        error_set_errno(err, ERROR_FILE, "%s: its output finds no temporary file", argv[0]);
        goto done;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(fileno(to[0]), STDOUT_FILENO);
        dup2(fileno(to[1]), STDERR_FILENO);
        execvp(argv[0], argv);
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child < 0) {
        error_set_errno(err, ERROR_INTERNAL, "%s: cannot be started", argv[0]);
        goto done;
    }
    take(to[0], out);
    take(to[1], complaint);
    code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
done:
    for (int i = 0; i < 2; i++)
        if (to[i])
            fclose(to[i]);
    return code;
}

bool submit_runs(const char *job)
{
    struct text out = {0}, complaint = {0};
    char *argv[] = {"squeue", "--noheader", "--format=%T", "--states=RUNNING,COMPLETING,SUSPENDED,STOPPED", "--jobs",
                    (char *)job, NULL};
    int code = submit_call(argv, &out, &complaint, NULL);
    bool gone = code == 0 ? !*out.chars : code > 0 && strstr(complaint.chars, "Invalid job id");
    text_free(&out);
    text_free(&complaint);
    return !gone;
}

const char *submit_advice(const char *complaint)
{
    static const char *const advice[][2] = {
        {"artition", "`sinfo -s` lists the partitions: name one with --partition"},
        {"ccount", "`sacctmgr show associations user=$USER` lists your accounts: name one with --account, and --qos where it asks for one"},
        {"QOS", "`sacctmgr show associations user=$USER format=account,qos` lists yours: name one with --qos"},
        {"qos", "`sacctmgr show associations user=$USER format=account,qos` lists yours: name one with --qos"},
        {"eservation", "`scontrol show reservation` lists them"},
        {"emory specification", "no node has so much: ask for less with --mem or --cpus-per-task, or for others with --partition or --constraint (`sinfo -o '%P %c %m %l'`)"},
        {"ode count", "ask for fewer with --nodes and --tasks, or for others with --partition or --constraint (`sinfo -o '%P %D %c %m %l'`)"},
        {"ode configuration", "no node is like that: ask for less with --nodes, --tasks, --cpus-per-task or --mem, or for others with --partition or --constraint (`sinfo -o '%P %D %c %m %f'`)"},
        {"eature", "`sinfo -o '%P %f'` lists what --constraint may name"},
        {"ime limit", "`sinfo -o '%P %l'` lists the longest times: ask for less with --time; the job goes on by itself"},
        {"ependency", "--dependency: expected the like of afterok:12345, of jobs that Slurm still knows (`squeue`)"},
        {"ontact slurm controller", "Slurm does not answer (`scontrol ping`): try again later"},
        {"configuration source", "this machine is in no Slurm cluster: run this on a login node, or take the script there"},
    };
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
        if (strstr(complaint, advice[i][0]))
            return advice[i][1];
    return NULL;
}
