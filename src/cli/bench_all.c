/* relin bench --all: rounds over architectures, engines and kernels, and what they say. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "bench.h"
#include "math/blas_setup.h"
#include "nn/cost.h"
#include "ntk/bench.h"
#include "sweep/predict_kernels.h"

enum { MODES = KERNEL_SUM_OF_LOGITS + 1, CHECK_INPUTS = 8 };
static const char *const mode_names[MODES] = {"trace", "full", "sum-of-logits"};

/* One architecture. */
struct part {
    struct bench_network network;
    struct bench_case *training;
    struct bench_kernel *kernel;
    struct network_size size;
};

struct bench {
    const struct bench_wish *wish;
    struct part parts[BENCH_NETWORKS];
    double *sgemm, *dgemm, *triad, *read;             /* (rounds) */
    double gemm_rate, dgemm_rate, triad_rate, bandwidth;   /* medians: flops, bytes a second; the faster of the two */
};

static int create(struct bench *b, struct error *err)
{
    const struct bench_wish *w = b->wish;
    double **const series[] = {&b->sgemm, &b->dgemm, &b->triad, &b->read};
    for (size_t i = 0; i < sizeof series / sizeof *series; i++)
        if (!(*series[i] = calloc((size_t)w->rounds, sizeof **series[i])))
            return error_set(err, ERROR_MEMORY, "no memory for %d rounds", w->rounds);
    for (int i = 0; i < BENCH_NETWORKS; i++) {
        struct part *p = &b->parts[i];
        struct bench_network *n = &p->network;
        if (!w->networks[i])
            continue;
        *n = bench_networks[i];
        n->solve_rows = w->rows ? (size_t)w->rows : n->solve_rows;
        n->segment = w->segment ? (int)w->segment : n->segment;
        n->inputs = w->inputs ? (size_t)w->inputs : n->inputs;
        if (n->spec.type == NETWORK_MLP) {
            n->spec.n_widths = w->depth ? (size_t)w->depth : n->spec.n_widths;
            for (size_t l = 0; l < n->spec.n_widths; l++)
                n->spec.widths[l] = w->width ? w->width : BENCH_WIDTH;
        }
        if (network_measure(&n->spec, n->input, BENCH_OUTPUTS, &p->size, err) != 0
            || !(p->training = (w->in_double ? bench_case_create_double : bench_case_create_single)(n, w->momentum, err))
            || (w->kernels && !(p->kernel = bench_kernel_create(n, n->inputs, false, err))))
            return -1;
    }
    return 0;
}

static void destroy(struct bench *b)
{
    for (int i = 0; i < BENCH_NETWORKS; i++) {
        (b->wish->in_double ? bench_case_destroy_double : bench_case_destroy_single)(b->parts[i].training);
        bench_kernel_destroy(b->parts[i].kernel);
    }
    free(b->sgemm);
    free(b->dgemm);
    free(b->triad);
    free(b->read);
}

static int measure_part(struct part *p, const struct bench_wish *w, struct error *err)
{
    for (int e = 0; e < BENCH_ENGINES; e++)
        if (w->engines[e]
            && (w->in_double ? bench_case_round_double : bench_case_round_single)(p->training, (enum bench_engine)e, err) != 0)
            return -1;
    for (int mode = 0; p->kernel && mode < MODES; mode++)
        if (bench_kernel_round(p->kernel, (enum kernel_mode)mode, err) != 0)
            return -1;
    return 0;
}

/* What rates are told by. Processor time where that is the same thing but for what else the machine does. */
static double by(const struct bench *b, struct bench_time time)
{
    return b->wish->threads == 1 ? time.cpu_seconds : time.seconds;
}

static int measure(struct bench *b, struct error *err)
{
    const double flops = 2.0 * BENCH_GEMM_SIDE * BENCH_GEMM_SIDE * BENCH_GEMM_SIDE;
    size_t rounds = (size_t)b->wish->rounds;
    bench_gemm_single();   /* the first ones start the library */
    bench_gemm_double();
    for (size_t r = 0; r < rounds; r++) {
        b->sgemm[r] = by(b, bench_gemm_single());
        b->dgemm[r] = by(b, bench_gemm_double());
        b->triad[r] = bench_triad(b->wish->threads == 1);
        b->read[r] = (b->wish->in_double ? bench_read_double : bench_read_single)(b->wish->threads == 1);
        for (int i = 0; i < BENCH_NETWORKS; i++)
            if (b->parts[i].training && measure_part(&b->parts[i], b->wish, err) != 0)
                return -1;
    }
    b->dgemm_rate = flops / bench_median_of(b->dgemm, rounds);
    b->gemm_rate = b->wish->in_double ? b->dgemm_rate : flops / bench_median_of(b->sgemm, rounds);
    b->triad_rate = bench_median_of(b->triad, rounds);
    b->bandwidth = fmax(b->triad_rate, bench_median_of(b->read, rounds));
    return 0;
}

/* Flops of a kernel, of the cost model. */
static double kernel_flops(const struct bench_network *n, enum kernel_mode mode, size_t inputs)
{
    bool image = n->input.height > 1;
    const struct dataset set = {.train = {.features = image_features(n->input)}, .outputs = BENCH_OUTPUTS, .n_dims = image ? 3 : 1,
                                .shape = {image ? n->input.channels : image_features(n->input), n->input.height, n->input.width}};
    const struct job job = {.network = &n->spec, .kernels = {.path_points = 1, .mode = mode},
                            .training = {.trainer = TRAINER_STANDARD}};
    struct kernel_cost cost = {0};
    kernel_predict(&job, &set, (double)inputs, &cost);
    return cost.flops;
}

/* One thing that was timed. */
struct line {
    const char *name;
    struct bench_told told;
    double gemm_rate;         /* what its flops are held against */
    double begin_flops;       /* 0: there is no `begin` */
};

static struct line engine_line(const struct bench *b, const struct part *p, enum bench_engine e)
{
    struct line line = {bench_engine_name(e), (b->wish->in_double ? bench_case_tell_double : bench_case_tell_single)(p->training, e),
                        b->gemm_rate, 0};
    if (e == BENCH_KERNEL)
        line.begin_flops = kernel_flops(&p->network, KERNEL_FULL, p->network.solve_rows);
    return line;
}

static struct line kernel_line(const struct bench *b, const struct part *p, enum kernel_mode mode)
{
    struct line line = {mode_names[mode], bench_kernel_tell(p->kernel, mode), b->dgemm_rate, 0};
    line.told.flops = kernel_flops(&p->network, mode, p->network.inputs);
    return line;
}

/* --- JSON --- */

static void add_number(struct text *out, const char *name, double value)
{
    text_add(out, "%s\"%s\": ", out->chars[out->length - 1] == '{' ? "" : ", ", name);
    if (isfinite(value))
        text_add(out, "%.9g", value);
    else
        text_add(out, "null");
}

static void add_line(struct text *out, const struct bench *b, const struct line *l, bool first)
{
    const struct bench_told *t = &l->told;
    text_add(out, "%s\"%s\": {", first ? "" : ", ", l->name);
    add_number(out, "seconds", t->time.seconds);
    add_number(out, "cpu_seconds", t->time.cpu_seconds);
    add_number(out, "flops", t->flops);
    add_number(out, "flops_per_second", t->flops / by(b, t->time));
    add_number(out, "share_of_gemm", t->flops / by(b, t->time) / l->gemm_rate);
    if (t->bytes > 0) {
        add_number(out, "bytes_per_second", t->bytes / by(b, t->time));
        add_number(out, "share_of_bandwidth", t->bytes / by(b, t->time) / b->bandwidth);
    }
    if (l->begin_flops > 0) {
        double forming = by(b, t->begin) - by(b, t->time);
        add_number(out, "forming_seconds", t->begin.seconds - t->time.seconds);
        add_number(out, "forming_cpu_seconds", t->begin.cpu_seconds - t->time.cpu_seconds);
        add_number(out, "forming_flops_per_second", l->begin_flops / forming);
        add_number(out, "forming_share_of_dgemm", l->begin_flops / forming / b->dgemm_rate);
    }
    if (t->products > 0)
        add_number(out, "products", t->products);
    add_number(out, "samples", (double)t->samples);
    text_add(out, "%s}", t->diverged ? ", \"diverged\": true" : "");
}

/* From parameters that others can make too. */
static int add_check(struct text *out, const struct bench *b, const struct part *p, struct error *err)
{
    static const struct { const char *name; enum bench_engine engine; } runs[] = {{"standard", BENCH_STANDARD}, {"linearised", BENCH_TANGENT}};
    double losses[BENCH_CHECK_STEPS], trace, norm;
    text_add(out, ", \"check\": {");
    for (size_t r = 0; r < 2; r++) {
        if ((b->wish->in_double ? bench_case_check_double : bench_case_check_single)(p->training, runs[r].engine, losses, err) != 0)
            return -1;
        text_add(out, "\"%s_losses\": [", runs[r].name);
        for (int i = 0; i < BENCH_CHECK_STEPS; i++) {
            text_add(out, i ? ", " : "");
            text_add_json_value(out, losses[i]);
        }
        text_add(out, "], ");
    }
    struct bench_kernel *k = bench_kernel_create(&p->network, CHECK_INPUTS, true, err);
    int answer = k ? bench_kernel_round(k, KERNEL_FULL, err) : -1;
    if (answer == 0) {
        bench_kernel_numbers(k, &trace, &norm);
        text_add(out, "\"kernel_trace\": %.10g, \"kernel_norm\": %.10g}", trace, norm);
    }
    bench_kernel_destroy(k);
    return answer;
}

static int add_part(struct text *out, const struct bench *b, const struct part *p, struct error *err)
{
    const struct bench_network *n = &p->network;
    bool first = true;
    text_add(out, "\"%s\": {\"parameters\": %.0f, \"batch\": %d, \"solve_rows\": %zu, \"segment\": %d, \"engines\": {",
             n->spec.name, p->size.parameters, BENCH_BATCH, n->solve_rows, n->segment);
    for (int e = 0; e < BENCH_ENGINES; e++)
        if (b->wish->engines[e]) {
            struct line line = engine_line(b, p, (enum bench_engine)e);
            add_line(out, b, &line, first);
            first = false;
        }
    text_add(out, "}");
    if (p->kernel) {
        text_add(out, ", \"ntk\": {\"inputs\": %zu", n->inputs);
        for (int mode = 0; mode < MODES; mode++) {
            struct line line = kernel_line(b, p, (enum kernel_mode)mode);
            add_line(out, b, &line, false);
        }
        text_add(out, "}");
    }
    if (b->wish->check && add_check(out, b, p, err) != 0)
        return -1;
    text_add(out, "}");
    return 0;
}

static int print_json(const struct bench *b, struct error *err)
{
    const struct bench_wish *w = b->wish;
    const char *pinned = getenv("OPENBLAS_CORETYPE");
    struct text out = {0};
    int answer = 0;
    bool first = true;
    text_add(&out, "{\"precision\": \"%s\", \"threads\": %d, \"rounds\": %d, \"blas_core\": \"%s\", \"pinned\": ",
             w->in_double ? "double" : "single", w->threads, w->rounds, blas_core_type());
    if (pinned && pinned[0])
        text_add_json_string(&out, pinned);
    else
        text_add(&out, "null");
    add_number(&out, "gemm_flops_per_second", b->gemm_rate);
    add_number(&out, "dgemm_flops_per_second", b->dgemm_rate);
    add_number(&out, "triad_bytes_per_second", b->triad_rate);
    add_number(&out, "bandwidth_bytes_per_second", b->bandwidth);
    text_add(&out, ", \"networks\": {");
    for (int i = 0; i < BENCH_NETWORKS && answer == 0; i++)
        if (b->parts[i].training) {
            text_add(&out, first ? "" : ", ");
            first = false;
            answer = add_part(&out, b, &b->parts[i], err);
        }
    if (answer == 0)
        printf("%s}}\n", out.chars);
    text_free(&out);
    return answer;
}

/* --- for people --- */

static void print_line(const struct bench *b, const struct line *l, const char *before, const char *of)
{
    const struct bench_told *t = &l->told;
    double seconds = by(b, t->time), rate = t->flops / seconds;
    printf("  %s%-*s %10.3f ms %9.1f GFLOP/s %6.1f %% of %s", before, before[0] ? 12 : 16, l->name, 1e3 * t->time.seconds, rate / 1e9,
           100 * rate / l->gemm_rate, of);
    if (t->bytes > 0)
        printf(", %.1f GB/s, %.0f %% of the bandwidth", t->bytes / seconds / 1e9, 100 * t->bytes / seconds / b->bandwidth);
    if (t->products > 0)
        printf(", %.0f products", t->products);
    if (l->begin_flops > 0) {
        double forming = by(b, t->begin) - seconds;
        printf("; Theta formed in %.1f ms, %.1f GFLOP/s, %.0f %% of DGEMM", 1e3 * forming, l->begin_flops / forming / 1e9,
               100 * l->begin_flops / forming / b->dgemm_rate);
    }
    printf("%s\n", t->diverged ? " (diverged)" : "");
}

static void print_text(const struct bench *b)
{
    const struct bench_wish *w = b->wish;
    const char *gemm = w->in_double ? "DGEMM" : "SGEMM";
    printf("%s precision, %d BLAS thread%s, %s kernels; medians of %d interleaved rounds\n", w->in_double ? "double" : "single",
           w->threads, w->threads == 1 ? "" : "s", blas_core_type(), w->rounds);
    printf("2048x2048 product %.1f GFLOP/s, in double %.1f; memory %.1f GB/s (triad of one thread %.1f)\n", b->gemm_rate / 1e9,
           b->dgemm_rate / 1e9, b->bandwidth / 1e9, b->triad_rate / 1e9);
    for (int i = 0; i < BENCH_NETWORKS; i++) {
        const struct part *p = &b->parts[i];
        if (!p->training)
            continue;
        printf("%s: %.0f parameters; batches of %d; Theta, filter and Gauss-Newton of %zu rows, the filter's segment %d steps\n",
               p->network.spec.name, p->size.parameters, BENCH_BATCH, p->network.solve_rows, p->network.segment);
        for (int e = 0; e < BENCH_ENGINES; e++)
            if (w->engines[e]) {
                struct line line = engine_line(b, p, (enum bench_engine)e);
                print_line(b, &line, "", gemm);
            }
        for (int mode = 0; p->kernel && mode < MODES; mode++) {
            struct line line = kernel_line(b, p, (enum kernel_mode)mode);
            print_line(b, &line, "ntk ", "DGEMM");
        }
    }
}

int bench_all(const struct bench_wish *wish)
{
    struct bench_wish w = *wish;
    bool any = false;
    for (int i = 0; i < BENCH_NETWORKS; i++)
        any = any || w.networks[i];
    w.networks[0] = w.networks[0] || !any;
    struct bench b = {.wish = &w};
    struct error err = {0};
    int answer = create(&b, &err) != 0 || measure(&b, &err) != 0 || (w.json && print_json(&b, &err) != 0) ? -1 : 0;
    if (answer == 0 && !w.json)
        print_text(&b);
    destroy(&b);
    if (answer == 0)
        return 0;
    fprintf(stderr, "relin bench: %s\n", err.text);
    return error_exit_code(err.code);
}
