/* The state of a job under the right identity and check sum, but changed: it is refused with a reason, or the job runs to an
 * end of some kind. The first byte of an input says whose state the rest is. */
#include <math.h>

#include "base/checkpoint.h"
#include "base/error.h"
#include "base/memory.h"
#include "fuzz.h"
#include "sweep/experiment.h"
#include "sweep/sweep.h"

static const char head[] = "data: {set: teacher, inputs: 3, outputs: 2, train: 10, validation: 4, test: 6, pool: 40}\n"
                           "architectures: {small: {type: mlp, widths: [3], activation: tanh}}\n"
                           "kernels: {probe: 3, snapshots: 3, path_points: 3}\n";
/* One job each: every trainer and engine, and what else a state may hold. */
static const char *const settings[] = {
    "{steps: 9, refresh_period: 1, lr: 0.1, batch: 4, momentum: 0.9, evaluations: 4}",
    "{steps: 9, refresh_period: 4, lr: 0.1, batch: 3, engine: tangent, loss: cross-entropy, evaluations: 4}",
    "{steps: 9, refresh_period: 4, lr: {of_limit: 0.5}, batch: full, engine: tangent, momentum: 0.8, weight_decay: 0.01}",
    "{steps: 9, refresh: {gap: 0.05, check: 2}, lr: 0.1, batch: full, engine: tangent}",
    "{steps: 9, refresh_period: 5, lr: 0.1, batch: 4, engine: kernel, loss: cross-entropy, momentum: 0.8, weight_decay: 0.01}",
    "{steps: 9, refresh_period: inf, lr: 0.1, batch: full, engine: kernel, loss: half-mse, centred: true}",
    "{steps: 9, refresh_period: 4, lr: 0.1, batch: full, engine: filter, loss: half-mse, momentum: 0.8, weight_decay: 0.01}",
    "{steps: 40, refresh_period: 20, lr: 0.1, batch: full, engine: filter, loss: half-mse, precision: double}",
    "{steps: 4, refresh_period: 1, lr: 1, trainer: gauss-newton, damping: 2, batch: full, loss: cross-entropy}",
};
enum { CASES = sizeof settings / sizeof *settings, STOPS = 3, MOST = 1 << 15, MOST_ASKED = 400 };

static struct {
    struct sweep sweep;
    struct dataset set;
    struct result result;
    struct error err;
    char identity[1100];
} all[CASES];

struct stopper { long asked, at; };

static bool stop_at(void *context)
{
    struct stopper *stopper = context;
    FUZZ_CLAIM(stopper->asked < MOST_ASKED);   /* more than any of these jobs has steps and products */
    return ++stopper->asked == stopper->at;
}

static const char *path_of_state(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/f.h5.checkpoints/job", fuzz_folder());
    return path;
}

static int run(int i, struct stopper *stopper)
{
    struct experiment_checkpoint checkpoint = {.path = path_of_state(), .interval = INFINITY, .stops = stop_at, .context = stopper};
    struct experiment_observer observer = {.checkpoint = &checkpoint};
    all[i].err = (struct error){0};
    result_clear(&all[i].result);
    return experiment_run(&all[i].sweep.jobs[0], &all[i].set, &all[i].result, &observer, &all[i].err);
}

/* Its job, made once, and the text that says whose state it is: as the program writes it. */
static void prepare(int i)
{
    char text[2048];
    struct error err = {0};
    struct result_layout layout = {0};
    struct stopper first = {.at = 1};
    uint32_t length = 0;
    if (all[i].sweep.n_jobs)
        return;
    snprintf(text, sizeof text, "%straining: %s\n", head, settings[i]);
    if (sweep_load_text(&all[i].sweep, "sweep", text, strlen(text), NULL, 0, &err)
        || dataset_load(&all[i].set, &all[i].sweep.jobs[0].data, NULL, &err))
        fprintf(stderr, "%s\n", err.text);
    FUZZ_CLAIM(err.code == ERROR_NONE && all[i].sweep.n_jobs == 1);
    job_plan_engine(&all[i].sweep.jobs[0], &all[i].set);
    sweep_layout(&all[i].sweep, (const struct dataset *[]){&all[i].set}, &layout);
    result_bind(&all[i].result, &layout, mem_alloc(result_size(&layout), 1, &err));
    checkpoint_remove(path_of_state());
    FUZZ_CLAIM(run(i, &first) == 0);
    FILE *file = fopen(path_of_state(), "rb");
    FUZZ_CLAIM(file && fseek(file, 12, SEEK_SET) == 0 && fread(&length, sizeof length, 1, file) == 1
               && length < sizeof all[i].identity && fread(all[i].identity, 1, length, file) == length);
    fclose(file);
}

/* Every case stopped at its beginning, in the middle and near its end. */
size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    static uint8_t bytes[MOST];
    int i = (int)(n / STOPS);
    if (i >= CASES)
        return 0;
    prepare(i);
    checkpoint_remove(path_of_state());
    struct stopper count = {.at = -1};
    FUZZ_CLAIM(run(i, &count) == 0);
    struct stopper stopper = {.at = 1 + (count.asked - 1) * (long)(n % STOPS) / (STOPS - 1)};
    checkpoint_remove(path_of_state());
    FUZZ_CLAIM(run(i, &stopper) == 0);
    FILE *file = fopen(path_of_state(), "rb");
    FUZZ_CLAIM(file);
    size_t size = fread(bytes, 1, sizeof bytes, file), before = 16 + strlen(all[i].identity);
    fclose(file);
    FUZZ_CLAIM(size < sizeof bytes && size > before + 16 && size - before < room);
    out[0] = (uint8_t)i;
    memcpy(out + 1, bytes + before, size - before - 16);   /* the tail is of check sums */
    return 1 + size - before - 16;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct stopper watch = {.at = -1};
    if (size < 1)
        return 0;
    int i = data[0] % CASES;
    prepare(i);
    size_t held = mem_in_use();
    struct checkpoint *c = checkpoint_write(path_of_state(), all[i].identity, &err);
    FUZZ_CLAIM(c);
    checkpoint_begin(c);
    checkpoint_carry(c, (void *)(data + 1), size - 1);
    FUZZ_CLAIM(checkpoint_seal(c, &err) == 0 && checkpoint_save(c, &err) == 0);
    checkpoint_free(c);
    if (run(i, &watch)) {
        FUZZ_CLAIM(all[i].err.code != ERROR_NONE && all[i].err.text[0]);
    } else {
        const char *outcome = result_text(&all[i].result, VAR_OUTCOME);
        FUZZ_CLAIM(strcmp(outcome, "completed") == 0 || strcmp(outcome, "diverged") == 0);
        FUZZ_CLAIM(memchr(result_text(&all[i].result, VAR_ERROR), 0, 256));
    }
    FUZZ_CLAIM(mem_in_use() == held);
    return 0;
}
