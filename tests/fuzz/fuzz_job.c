/* The resolved text of a job, as a result file or a trace has it, and a message between ranks brings it. */
#include "jobs.h"

size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    static const char *const sweeps[] = {
        "data: {set: teacher, train: 64, test: 32}\narchitectures: {small: {type: mlp, widths: [16]}}\n"
        "grid: {refresh_period: [1, inf]}\ntraining: {steps: 60, lr: 0.05}\nkernels: {probe: 8}\n",
        "data: {set: sprites, train: 60, test: 20}\narchitectures: {l: {type: layers, layers: [conv: 4, activation, "
        "residual: [conv: 4, norm: group], pool: max, flatten, dense: 5]}, r: {type: resnet, depth: 8}}\n"
        "training: {steps: 60, lr: {of_limit: 0.5}, refresh: {log: 3}, schedule: {warmup: 5}}\n",
    };
    struct sweep sweep;
    struct error err = {0};
    size_t size = 0, seen = 0;
    for (size_t s = 0; s < sizeof sweeps / sizeof *sweeps && !size; s++) {
        if (sweep_load(&sweep, fuzz_file(sweeps[s], strlen(sweeps[s])), NULL, 0, &err))
            fprintf(stderr, "%s\n", err.text);
        FUZZ_CLAIM(err.code == ERROR_NONE);
        if (n < seen + sweep.n_jobs && strlen(sweep.jobs[n - seen].text) < room) {
            size = strlen(sweep.jobs[n - seen].text);
            memcpy(out, sweep.jobs[n - seen].text, size);
        }
        seen += sweep.n_jobs;
        sweep_free(&sweep);
    }
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct job job;
    struct error err = {0};
    char *text = malloc(size + 1);
    FUZZ_CLAIM(text);
    memcpy(text, data, size);
    text[size] = 0;
    if (job_parse(&job, text, &err)) {
        FUZZ_CLAIM(err.code != ERROR_NONE && err.text[0]);
    } else {
        fuzz_job_again(&job);
        fuzz_job(&job);
        job_free(&job);
    }
    free(text);
    return 0;
}
