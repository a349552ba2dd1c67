/* What a program of the user's own prints, in pieces whose lengths the first byte says. */
#include "base/error.h"
#include "base/memory.h"
#include "fuzz.h"
#include "sweep/program.h"
#include "sweep/sweep.h"

static const char sweep_text[] =
    "trainer: {command: [./train]}\nmetrics: [f1, perplexity]\ntraining: {evaluations: 4}\n";

size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    static const char *const seeds[] = {
        "0{\"step\": 0, \"train_loss\": 1.5, \"f1\": 0.25, \"time\": 0}\n{\"step\": 10, \"train_loss\": 0.5}\n{\"step\": 20}\n",
        "9{\"feature_updates\": 12, \"test_accuracy\": 0.5}\n\n{\"perplexity\": 3, \"flops\": 1e9}",
        "1{\"step\": 1}\n{\"step\": 2}\n{\"step\": 3}\n{\"step\": 4}\n{\"step\": 5}\n{\"step\": 6, \"f1\": NaN}\n{\"step\": 6, \"test_loss\": -Infinity}\n",
        "5{\"f1\": null, \"validation_loss\": \"nan\"}\nEpoch 1\n", "2{\"learning_rate\": 0.1, \"test_loss_network\": 2}\r\n",
    };
    if (n >= sizeof seeds / sizeof *seeds)
        return 0;
    return (size_t)snprintf((char *)out, room, "%s", seeds[n]);
}

/* What the file may hold of it: rising steps, then -1. */
static void claim_steps(const struct result *result)
{
    const int64_t *step = result_i64(result, VAR_STEP);
    for (size_t i = 1; i < result->layout.eval; i++)
        FUZZ_CLAIM(step[i] == -1 || (step[i - 1] >= 0 && step[i] > step[i - 1]));
    for (size_t i = 0; i < result->layout.eval; i++) {
        double accuracy = result_f64(result, VAR_CURVE_TEST_ACCURACY)[i];
        FUZZ_CLAIM(!(accuracy < 0 || accuracy > 1));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sweep sweep;
    static struct program_output output;
    static struct result result;
    static const struct dataset nothing;
    const struct dataset *set = &nothing;
    struct error err = {0};
    if (size == 0 || size > 1 << 16)
        return 0;
    if (!sweep.n_jobs) {
        struct result_layout layout;
        FUZZ_CLAIM(sweep_load_text(&sweep, "s.yaml", sweep_text, sizeof sweep_text - 1, NULL, 0, &err) == 0);
        sweep_layout(&sweep, &set, &layout);
        result_bind(&result, &layout, mem_alloc(1, result_size(&layout), NULL));
    }
    result_clear(&result);
    program_output_start(&output, &sweep.jobs[0], &result);
    size_t piece = data[0] < 32 ? 1 : data[0] * 3u;
    int status = 0;
    for (size_t at = 1; at < size && !status; at += piece)
        status = program_output_feed(&output, (const char *)data + at, size - at < piece ? size - at : piece, &err);
    if (!status)
        status = program_output_end(&output, &err);
    FUZZ_CLAIM(status ? err.text[0] != 0 : result_text(&result, VAR_OUTCOME)[0] != 0);
    claim_steps(&result);
    return 0;
}
