/* The batch script: slurm/relin.sbatch with a head and settings of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/choose.h"
#include "submit.h"
#include "submit_templates.h"   /* made from slurm/ by the Makefile: relin_sbatch, merge_sbatch */

static const char SETTINGS[] = "# --- settings", BODY[] = "# --- nothing below";

/* An option of the head. Slurm reads double quotes; where it puts numbers for %, %% is a percent sign. */
static void head(struct text *to, const char *option, const char *value)
{
    const char *quote = strpbrk(value, " \t'#&|;") ? "\"" : "";
    text_add(to, "#SBATCH --%s=%s%s%s\n", option, quote, value, quote);
}

static void head_if(struct text *to, const char *option, const char *value)
{
    if (value)
        head(to, option, value);
}

static void head_log(struct text *to, const struct submission *s, const char *what)
{
    struct text path = {0};
    for (const char *p = s->stem; *p; p++)
        text_add(&path, *p == '%' ? "%%%%" : "%c", *p);
    text_add(&path, "%s", what);
    head(to, "open-mode", "append");
    head(to, "output", path.chars);
    text_free(&path);
}

static void head_place(struct text *to, const struct submission *s)
{
    head_if(to, "partition", s->partition);
    head_if(to, "account", s->account);
    head_if(to, "qos", s->qos);
    head_if(to, "reservation", s->reservation);
    head(to, "chdir", s->folder);
}

static void add_head(struct text *to, const struct submission *s)
{
    char time[64];
    head(to, "job-name", s->job_name);
    if (s->parts)
        text_add(to, "#SBATCH --array=1-%zu%s%s\n", s->parts, s->throttle ? "%" : "", s->throttle ? s->throttle : "");
    head_if(to, "nodes", s->nodes ? s->nodes : *s->chosen_nodes ? s->chosen_nodes : NULL);
    text_add(to, "#SBATCH --ntasks=%zu\n#SBATCH --cpus-per-task=%zu\n", s->tasks, s->cpus);
    head_if(to, "mem", s->mem);
    if (!s->mem)
        text_add(to, "#SBATCH --mem-per-cpu=%zuM\n", s->megabytes);
    choose_print_time(s->minutes, time, sizeof time);
    head(to, "time", s->time ? s->time : time);
    text_add(to, "#SBATCH --signal=B:USR1@%zu\n#SBATCH --requeue\n", s->drain);
    head_log(to, s, s->parts ? "-%A.%a.log" : "-%j.log");
    head_place(to, s);
    head_if(to, "constraint", s->constraint);
    head_if(to, "dependency", s->dependency);
    head_if(to, "kill-on-invalid-dep", s->dependency ? "yes" : NULL);
    for (size_t i = 0; i < s->extra.n; i++)
        text_add(to, "%s\n", s->extra.line[i]);
}

static void add_setup(struct text *to, const struct submission *s)
{
    const char *data = getenv("RELIN_DATA");
    text_add(to, "relin=");
    text_add_shell_word(to, s->program);
    text_add(to, "\n");
    if (data && *data) {
        char *absolute = realpath(data, NULL);
        text_add(to, "export RELIN_DATA=");
        text_add_shell_word(to, absolute ? absolute : data);
        text_add(to, "\n");
        free(absolute);
    }
    for (size_t i = 0; i < s->setup.n; i++)
        text_add(to, "%s\n", s->setup.line[i]);
}

static void add_settings(struct text *to, const struct submission *s)
{
    add_setup(to, s);
    text_add(to, "launcher=%s\nparts=%zu\nset -- ", s->launcher, s->parts ? s->parts : 1);
    text_add_shell_word(to, s->sweep_path);
    text_add(to, " -o ");
    text_add_shell_word(to, s->file);
    if (s->until) {
        text_add(to, " --until ");
        text_add_shell_word(to, s->until);
    }
    for (size_t i = 0; i < s->n_overrides; i++) {
        text_add(to, " ");
        text_add_shell_word(to, s->overrides[i]);
    }
    text_add(to, "\n\n");
}

static void add_merge_head(struct text *to, const struct submission *s)
{
    struct text name = {0};
    text_add(&name, "%s-merge", s->job_name);
    head(to, "job-name", name.chars);
    text_free(&name);
    text_add(to, "#SBATCH --ntasks=1\n#SBATCH --mem=%zuM\n#SBATCH --time=00:30:00\n", s->merge_megabytes);
    head_log(to, s, "-merge-%j.log");
    head_place(to, s);
}

static void add_merge_settings(struct text *to, const struct submission *s)
{
    add_setup(to, s);
    text_add(to, "set -- -o ");
    text_add_shell_word(to, s->file);
    for (size_t i = 1; i <= s->parts; i++) {
        struct text part = {0};
        text_add(&part, "%s.%zu.h5", s->stem, i);
        text_add(to, " ");
        text_add_shell_word(to, part.chars);
        text_free(&part);
    }
    text_add(to, "\n\n");
}

/* The template with its lines of #SBATCH, its opening comment and its settings replaced. */
static void fill(struct text *to, const char *template, const struct submission *s,
                 void (*add_options)(struct text *, const struct submission *),
                 void (*add_values)(struct text *, const struct submission *))
{
    enum { OPENING, HEAD, VALUES, REST } part = OPENING;
    text_add(to, "#!/bin/bash\n# Written by relin submit: `sbatch ");
    text_add(to, "%s%s`", s->stem, add_options == add_head ? ".sbatch" : ".merge.sbatch");
    text_add(to, " submits it once more.\n");
    for (const char *line = template; *line;) {
        const char *end = strchr(line, '\n') + 1;
        if (part == OPENING && strncmp(line, "#", 1) != 0) {
            part = HEAD;
            add_options(to, s);
        }
        if (part == HEAD || part == REST)
            text_add_bytes(to, line, (size_t)(end - line));
        if (part == HEAD && strncmp(line, SETTINGS, strlen(SETTINGS)) == 0) {
            part = VALUES;
            add_values(to, s);
        }
        line = end;
        if (part == VALUES && strncmp(line, BODY, strlen(BODY)) == 0)
            part = REST;
    }
}

void submit_script(const struct submission *s, struct text *script)
{
    fill(script, relin_sbatch, s, add_head, add_settings);
}

void submit_merge_script(const struct submission *s, struct text *script)
{
    fill(script, merge_sbatch, s, add_merge_head, add_merge_settings);
}
