/* Bodies of messages between ranks, as another program or a damaged wire would bring them. The first byte of an input says of
 * which tag the rest is. */
#include "farm/message.h"
#include "farm/record.h"
#include "jobs.h"

enum { SETUP, JOB, FAILURE, RECORD, TEXT, KINDS, N_SETS = 2 };
static const char sweep_text[] = "data: {set: teacher, train: 64, test: 32}\narchitectures: {small: {type: mlp, widths: [16]}}\n"
                                 "grid: {data.train: [32, 64]}\ntraining: {steps: 60, lr: 0.05}\n";

static struct result *result(void)
{
    static struct result result;
    if (!result.block) {
        struct result_layout layout = {.eval = 3, .refresh = 2, .snapshot = 2, .layer = 2, .eigenvalue = 4, .probe = 4};
        struct error err;
        result_bind(&result, &layout, mem_alloc(result_size(&layout), 1, &err));
    }
    return &result;
}

static size_t add(uint8_t *out, size_t at, const void *bytes, size_t size)
{
    memcpy(out + at, bytes, size);
    return at + size;
}

static size_t make_setup(const struct sweep *sweep, uint8_t *out, size_t at)
{
    struct wire_setup head = {.layout = {3, 2, 2, 2, 4, 4, 0, 0, 1}, .job_wall = INFINITY, .checkpoint = 300, .patience = 120,
                              .n_sets = N_SETS, .run = "0123456789abcdef"};
    at = add(out, at, &head, sizeof head);
    at = add(out, at, "/a/f.h5", 8);
    at = add(out, at, "/data", 6);
    at = add(out, at, "/here", 6);
    for (int i = 0; i < N_SETS; i++)
        at = add(out, at, sweep->jobs[i].text, strlen(sweep->jobs[i].text) + 1);
    return at;
}

size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    struct sweep sweep;
    struct error err = {0};
    size_t at = 1;
    if (n >= KINDS || room < 1 << 14)
        return 0;
    FUZZ_CLAIM(sweep_load_text(&sweep, "sweep", sweep_text, strlen(sweep_text), NULL, 0, &err) == 0 && sweep.n_jobs == N_SETS);
    out[0] = (uint8_t)n;
    struct wire_job job = {.predicted = 2, .attempts = 1, .set = 1, .order = 7};
    struct wire_failure how = {.start_time = 1e9, .wall_seconds = 2, .cpu_seconds = 1, .host = "node17", .cpu_model = "a"};
    switch (n) {
    case SETUP: at = make_setup(&sweep, out, at); break;
    case JOB: at = add(out, add(out, at, &job, sizeof job), sweep.jobs[1].text, strlen(sweep.jobs[1].text) + 1); break;
    case FAILURE: at = add(out, add(out, at + 1, &how, sizeof how), "SIGSEGV", 8); out[1] = FAILURE_CRASHED; break;
    case RECORD:
        result_clear(result());
        *(unsigned char *)result_slab(result(), VAR_STATUS) = STATUS_DONE;
        record_pack(result(), out + at);
        at += record_size(&result()->layout);
        break;
    default: at = add(out, at, "no space left", 14);
    }
    sweep_free(&sweep);
    return at;
}

static void parse(const char *text)
{
    struct job job = {0};
    struct error err = {0};
    if (job_parse(&job, text, &err)) {
        FUZZ_CLAIM(err.code != ERROR_NONE && err.text[0]);
    } else {
        fuzz_job_again(&job);
        job_free(&job);
    }
}

static void read_setup(const uint8_t *bytes, size_t size)
{
    struct message_setup setup;
    if (!message_setup(bytes, size, &setup))
        return;
    const char *text = setup.sets, *end = (const char *)bytes + size;
    FUZZ_CLAIM(strlen(setup.path) && setup.root == setup.path + strlen(setup.path) + 1);
    FUZZ_CLAIM(strlen(setup.head.run) < sizeof setup.head.run && result_size(&setup.layout) < (size_t)1 << 48);
    for (uint64_t i = 0; i < setup.head.n_sets; i++, text += strlen(text) + 1)
        if (i < N_SETS)
            parse(text);
    FUZZ_CLAIM(text == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_job job;
    struct wire_failure how;
    const char *text;
    result();   /* made once */
    size_t held = mem_in_use();
    if (size < 1)
        return 0;
    const uint8_t *bytes = data + 1;
    switch (data[0] % KINDS) {
    case SETUP: read_setup(bytes, size - 1); break;
    case JOB:
        if (message_job(bytes, size - 1, N_SETS, &job, &text)) {
            FUZZ_CLAIM(job.set < N_SETS && text + strlen(text) + 1 == (const char *)data + size);
            parse(text);
        }
        break;
    case FAILURE:
        if (size > 1 && message_failure(bytes + 1, size - 2, (int8_t)bytes[0], &how, &text))
            FUZZ_CLAIM(failure_word((enum failure_class)bytes[0])[0] && strlen(how.host) < sizeof how.host
                       && strlen(how.cpu_model) < sizeof how.cpu_model && text + strlen(text) + 1 == (const char *)data + size);
        break;
    case RECORD:
        if (message_record(bytes, size - 1, result()))
            FUZZ_CLAIM(memchr(result_text(result(), VAR_ERROR), 0, 256) && memchr(result_text(result(), VAR_OUTCOME), 0, 16));
        break;
    default: FUZZ_CLAIM(strlen(message_text(bytes, size - 1)) < size + 64);
    }
    FUZZ_CLAIM(mem_in_use() == held);
    return 0;
}
