/* What the grid of a sweep file expands to: cells, axes, columns, identities. */
#include <math.h>

#include "sweep_text.h"

/* The jobs of a grid as one line: values of `format` (a: architecture, K, T, s: seed, n: data.train, m: momentum,
 * d: seed of the data, w: first width) of every job. */
static void jobs_as_text(const struct sweep *sweep, const char *format, struct text *out)
{
    for (size_t i = 0; i < sweep->n_jobs; i++) {
        const struct job *job = &sweep->jobs[i];
        text_add(out, "%s", i ? " " : "");
        for (const char *f = format; *f; f++)
            switch (*f) {
            case 'a': text_add(out, "%s", job->network->name); break;
            case 'K': text_add_number(out, job->training.refresh_period); break;
            case 'T': text_add(out, "%lld", (long long)job->training.steps); break;
            case 's': text_add(out, "%lld", (long long)job->seed); break;
            case 'n': text_add(out, "%lld", (long long)job->data.train); break;
            case 'm': text_add_number(out, job->training.momentum); break;
            case 'd': text_add(out, "%llu", (unsigned long long)job->training.seed_data); break;
            case 'w': text_add(out, "%lld", (long long)job->network->widths[0]); break;
            case 'l': text_add_number(out, job->training.lr); break;
            case 't': text_add(out, "%s", job->training.trainer == TRAINER_STANDARD ? "std"
                               : job->training.trainer == TRAINER_LINEARISED ? "lin" : "gn"); break;
            case 'u': text_add_number(out, job->training.damping); break;
            default: text_add(out, "%c", *f);
            }
    }
}

static const struct { const char *grid, *override, *format, *jobs; } grids[] = {
    /* product, the last key fastest, whatever the keys */
    {"{architecture: [a, b], seed: 0..1}", NULL, "as", "a0 a1 b0 b1"},
    {"{seed: 0..1, architecture: [a, b]}", NULL, "as", "a0 b0 a1 b1"},
    {"{seed: 0..1}", NULL, "as", "a0 a1 b0 b1"},
    {"{}", NULL, "as", "a0 b0"},
    /* ranges */
    {"{architecture: a, seed: [0..2, 7, 10..30 step 10]}", NULL, "s", "0 1 2 7 10 20 30"},
    {"{architecture: a, seed: 0..10 step 4}", NULL, "s", "0 4 8"},
    {"{architecture: a, seed: 5..5}", NULL, "s", "5"},
    {"{architecture: a, training.momentum: 0.1..0.4 step 0.1}", NULL, "m", "0.1 0.2 0.3 0.4"},
    {"{architecture: a, training.momentum: 0..0.5 step 0.25}", NULL, "m", "0 0.25 0.5"},
    {"{architecture: a, refresh_period: 1..10 log 5}", NULL, "K", "1 2 3 6 10"},
    {"{architecture: a, refresh_period: [1, 3..12 log 3, inf]}", NULL, "K", "1 3 6 12 inf"},
    {"{architecture: a, training.lr: 1e-3..1e-1 log 3}", NULL, "l", "0.001 0.01 0.1"},
    /* zip */
    {"{zip: {seed: [3, 4], data.train: [30, 40]}, architecture: [a, b]}", NULL, "asn", "a3x30 b3x30 a4x40 b4x40"},
    {"{architecture: a, zip: [{seed: [3, 4], data.train: [30, 40]}, {refresh_period: [1, 2], training.momentum: [0, 0.5]}]}",
     NULL, "snKm", "3x30x1x0 3x30x2x0.5 4x40x1x0 4x40x2x0.5"},
    {"{zip: [{architecture: [a, b], seed: [1, 2]}]}", NULL, "as", "a1 b2"},
    {"{zip: {architecture: [a, b], seed: [1, 2]}, refresh_period: [1, 5]}", NULL, "asK", "a1x1 a1x5 b2x1 b2x5"},
    /* patterns */
    {"{architecture: [a, b], seed: 0..3, exclude: {architecture: a, seed: [0..1, 3]}}", NULL, "as", "a2 b0 b1 b2 b3"},
    {"{architecture: [a, b], seed: 0..2, include: {architecture: '[b-z]*'}}", NULL, "as", "b0 b1 b2"},
    {"{architecture: [a, b], seed: 0..2, include: [{seed: 2}, {architecture: b, seed: 0}]}", NULL, "as", "a2 b0 b2"},
    {"{architecture: a, seed: 0..3, include: {seed: 1..3}, exclude: {seed: 2}}", NULL, "s", "1 3"},
    {"{architecture: a, refresh_period: [1, 10, .inf], exclude: {refresh_period: inf}}", NULL, "K", "1 10"},
    {"{architecture: a, training.momentum: [0, 0.5], exclude: {training.momentum: 0.50}}", NULL, "m", "0"},
    {"{architecture: a, zip: {seed: 0..2, data.train: [10, 20, 30]}, exclude: {data.train: 20}}", NULL, "sn", "0x10 2x30"},
    /* joined grids, the same job once */
    {"[{architecture: a, seed: 0..2}, {architecture: [a, b], seed: 2..3}]", NULL, "as", "a0 a1 a2 a3 b2 b3"},
    {"{architecture: a, seed: [1, 1, 2, 1]}", NULL, "s", "1 2"},
    /* axes by dotted path */
    {"{architecture: a, data.train: [50, 10]}", NULL, "n", "50 10"},
    {"{architecture: a, training.steps: [10, 20]}", NULL, "T", "10 20"},
    {"{architecture: a, training.seeds.data: 5..6, seed: 0..1}", NULL, "sd", "0x5 1x5 0x6 1x6"},
    {"{architectures.a.widths: [[3], [4, 4], []]}", NULL, "aw", "a3 a4 a0 b8"},
    /* K, T and updates; trainers */
    {"{architecture: a, refresh_period: [1, 99, 100, 101, inf]}", NULL, "Kt", "1xstd 99xlin infxlin"},
    {"{architecture: a, feature_updates: [0, 1, 3, 99]}", NULL, "Kt", "infxlin 50xlin 25xlin 1xstd"},
    {"{architecture: a, trainer: [standard, linearised], refresh_period: [1, 5]}", NULL, "Kt", "1xstd 1xlin 5xlin"},
    {"{architecture: a, trainer: [standard, linearised, gauss-newton], refresh_period: [1, 5]}", NULL, "Kt",
     "1xstd 1xlin 5xlin 1xgn 5xgn"},
    /* Gauss-Newton: K is what the damping is tied to, and never becomes inf; lr has a default beside a number */
    {"{architecture: a, trainer: gauss-newton, training.damping: [tied, 0, 2.5], refresh_period: [5, 1000]}", NULL, "Kul",
     "5xnanx0.1 1000xnanx0.1 1x0x0.1 1x2.5x0.1"},
    {"{architecture: a, trainer: [linearised, gauss-newton], training.damping: [0.5, 3], refresh_period: 5}", NULL, "Ktu",
     "5xlinxnan 1xgnx0.5 1xgnx3"},
    {"{architecture: a, training.steps: [10, 20], refresh_period: [15]}", NULL, "TK", "10xinf 20x15"},
    {"{architecture: a, training.steps: [0, 1], refresh_period: [1, 2]}", NULL, "TK", "0x1 0xinf 1x1 1xinf"},
    /* overrides */
    {"{architecture: a, seed: 0..9}", "grid.seed=0..1", "s", "0 1"},
    {"{architecture: a, seed: 0..9}", "grid.seed=4", "s", "4"},
    {"{architecture: a}", "grid.refresh_period=[1, inf]", "K", "1 inf"},
    {"{architecture: a}", "grid.training.momentum=[0, 0.5]", "m", "0 0.5"},
    {"{architecture: a}", "grid={architecture: b, seed: 2}", "as", "b2"},
    {"{architecture: a}", "grid=[{architecture: b}, {seed: 1}]", "as", "b0 a1 b1"},
    {"{architecture: a}", "training.momentum=0.25", "m", "0.25"},
    {"{architecture: a}", "training.seeds.data=7", "sd", "0x7"},
    {"{architecture: a}", "data.train=20", "n", "20"},
    {"{}", "architectures.c.widths=[5]", "aw", "a8 b8 c5"},
    {"{}", "architectures={z: {widths: [6]}}", "aw", "z6"},
    {"{architecture: a}", "training.refresh_period=.inf", "K", "inf"},
};

START_TEST(a_grid_expands_to_these_jobs_in_this_order)
{
    struct sweep sweep;
    struct text whole = {0}, format = {0}, got = {0};
    text_add(&whole, BEGIN "grid: %s\n", grids[_i].grid);
    load_right(&sweep, whole.chars, grids[_i].override);
    /* x between two numbers */
    for (const char *f = grids[_i].format; *f; f++)
        text_add(&format, "%s%c", f > grids[_i].format && f[-1] != 'a' ? "x" : "", *f);
    jobs_as_text(&sweep, format.chars, &got);
    ck_assert_str_eq(got.chars, grids[_i].jobs);
    sweep_free(&sweep);
    text_free(&whole);
    text_free(&format);
    text_free(&got);
}
END_TEST

START_TEST(duplicates_are_counted)
{
    struct sweep sweep;
    load_right(&sweep, BEGIN "grid: [{architecture: a, seed: [1, 1, 2]}, {architecture: [a, b], seed: 2}]\n", NULL);
    ck_assert_uint_eq(sweep.n_jobs, 3);
    ck_assert_uint_eq(sweep.n_duplicates, 2);
    sweep_free(&sweep);
}
END_TEST

static const struct { const char *grid, *path, *column; bool numeric, integral; const char *labels; } axes[] = {
    {"{architecture: a, data.train: [10, 20]}", "data.train", "data_train", true, true, "10 20"},
    {"{architecture: a, data.validation: [10, all]}", "data.validation", "data_validation", false, false, "10 all"},
    {"{architecture: a, training.momentum: [0, 0.5]}", "training.momentum", "training_momentum", true, false, "0 0.5"},
    {"{architecture: a, training.lr: [1, {of_limit: 0.5}]}", "training.lr", "training_lr", false, false, "1 {\"of_limit\":0.5}"},
    {"{architecture: a, training.loss: [half-mse, cross-entropy]}", "training.loss", "training_loss", false, false,
     "half-mse cross-entropy"},
    {"{architecture: a, training.centred: [true, false]}", "training.centred", "training_centred", false, false, "true false"},
    {"{architectures.a.widths: [[3], [4, 5]]}", "architectures.a.widths", "architectures_a_widths", false, false, "[3] [4,5] -"},
    {"{architectures.b.sigma_b: [0.5, 1]}", "architectures.b.sigma_b", "architectures_b_sigma_b", true, false, "- 0.5 1"},
    /* a job of a joined grid that lacks the axis has its resolved value */
    {"[{architecture: a, data.train: 30}, {architecture: b}]", "data.train", "data_train", true, true, "30 100"},
};

START_TEST(a_further_axis_becomes_a_column_of_its_kind)
{
    struct sweep sweep;
    struct text whole = {0}, labels = {0};
    text_add(&whole, BEGIN "grid: %s\n", axes[_i].grid);
    load_right(&sweep, whole.chars, NULL);
    ck_assert_uint_eq(sweep.n_axes, 1);
    const struct sweep_axis *axis = &sweep.axes[0];
    ck_assert_str_eq(axis->path, axes[_i].path);
    ck_assert_str_eq(axis->column, axes[_i].column);
    ck_assert_int_eq(axis->numeric, axes[_i].numeric);
    ck_assert_int_eq(axis->integral, axes[_i].integral);
    for (size_t i = 0; i < sweep.n_jobs; i++) {
        text_add(&labels, "%s%s", i ? " " : "", axis->label[i]);
        if (axis->numeric && strcmp(axis->label[i], "-") != 0)
            ck_assert_double_eq(axis->number[i], atof(axis->label[i]));
        else if (axis->numeric)
            ck_assert(isnan(axis->number[i]));
    }
    ck_assert_str_eq(labels.chars, axes[_i].labels);
    sweep_free(&sweep);
    text_free(&whole);
    text_free(&labels);
}
END_TEST

/* These ids are in result files of people: a change here makes every one of their jobs run again. */
static const struct { const char *text, *id; } golden[] = {
    {BEGIN "grid: {architecture: a}\n", "754b975c774a2eae"},
    {BEGIN "grid: {architecture: b, refresh_period: inf, seed: 3}\n", "76d559cc3fce440f"},
    {DATA NETS "training: {steps: 50, lr: {of_limit: 0.5}, momentum: 0.9, schedule: {cosine: {final: 0.1}, warmup: 5}, "
     "precision: double}\ngrid: {architecture: a, refresh_period: 10}\n", "419f9cfe4ef435f0"},
};

START_TEST(an_id_is_what_it_always_was)
{
    struct sweep sweep;
    load_right(&sweep, golden[_i].text, NULL);
    ck_assert_str_eq(sweep.jobs[0].id, golden[_i].id);
    sweep_free(&sweep);
}
END_TEST

static void id_with(const char *override, char id[HASH_HEX_SIZE])
{
    struct sweep sweep;
    load_right(&sweep, BEGIN "grid: {architecture: a}\n", override);
    memcpy(id, sweep.jobs[0].id, HASH_HEX_SIZE);
    sweep_free(&sweep);
}

START_TEST(what_decides_no_number_leaves_the_id_alone)
{
    static const char *const same[] = {"limits.job_wall=2h", "limits.checkpoint=none", "limits.attempts=1", "name=other",
                                       "training.momentum=0.0",
                                       "training.trainer=standard", "training.refresh_period=1", "training.engine=auto",
                                       "training.seed=0", "training.seeds.init=0", "training.lr=1e-1", "kernels.probe=128",
                                       "architectures.a.type=mlp", "architectures.b.widths=[3]", "data.train=1e2",
                                       "data.augment=none", "data.augment={flip: false}", "data.label_noise=0", "data.target=auto",
                                       "training.feature_updates=99", "training.damping=2", "training.damping=tied",
                                       "training.schedule={warmup: 0}"};
    char plain[HASH_HEX_SIZE], id[HASH_HEX_SIZE];
    id_with(NULL, plain);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        id_with(same[i], id);
        ck_assert_msg(strcmp(id, plain) == 0, "another id with %s", same[i]);
    }
}
END_TEST

START_TEST(what_decides_a_number_changes_the_id)
{
    static const char *const other[] = {"training.threads=2", "training.precision=double", "training.seed=1",
                                        "training.seeds.augment=1", "training.refresh_period=2", "training.trainer=linearised",
                                        "training.lr={of_limit: 0.1}", "training.schedule={warmup: 1}", "training.centred=true",
                                        "training.momentum_at_refresh=reset", "training.evaluations=3", "kernels.probe=3",
                                        "kernels.stability=true", "data.set_seed=1", "data.normalise=none", "data.test=all",
                                        "data.augment={crop: 4}", "data.augment={flip: true}",
                                        "data.augment={crop: 4, flip: true}", "data.label_noise=0.2",
                                        "architectures.a.widths=[9]", "architectures.a.sigma_w=1", "architectures.a.bias=false"};
    char plain[HASH_HEX_SIZE], id[sizeof other / sizeof *other][HASH_HEX_SIZE];
    id_with(NULL, plain);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        id_with(other[i], id[i]);
        ck_assert_msg(strcmp(id[i], plain) != 0, "the same id with %s", other[i]);
        for (size_t k = 0; k < i; k++)
            ck_assert_msg(strcmp(id[i], id[k]) != 0, "the same id with %s and %s", other[i], other[k]);
    }
}
END_TEST

/* Rank 0 holds a million of them. */
START_TEST(jobs_hold_what_they_have_in_common_together)
{
    struct sweep sweep;
    struct job job;
    struct error err = {0};
    load_right(&sweep, "data: {set: teacher}\narchitectures: {a: {type: mlp, widths: [7]}, b: {type: mlp}}\n"
               "grid: {architecture: [a, b], seed: 0..2}\ntraining: {lr: 0.1, steps: 20, refresh: {at: [3, 9]}}\n", NULL);
    ck_assert_uint_eq(sweep.n_jobs, 6);
    ck_assert_uint_le(sizeof job, 768);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_ptr_eq(sweep.jobs[i].network, sweep.jobs[i / 3 * 3].network);
        ck_assert_ptr_eq(sweep.jobs[i].training.refresh.at, sweep.jobs[0].training.refresh.at);
    }
    ck_assert_ptr_ne(sweep.jobs[0].network, sweep.jobs[3].network);
    ck_assert_int_eq(job_parse(&job, sweep.jobs[5].text, &err), 0);
    ck_assert_ptr_eq(job.network, sweep.jobs[5].network);
    sweep_free(&sweep);
    ck_assert_str_eq(job.network->name, "b");   /* as long as somebody holds it */
    ck_assert_int_eq(job.training.refresh.at[1], 9);
    job_free(&job);
}
END_TEST

/* Every key away from its default (image_size is of sprites only: the others here are of teacher). */
START_TEST(a_job_with_every_key_reads_back_from_its_text)
{
    struct sweep sweep;
    struct job job;
    struct error err = {0};
    load_right(&sweep,
               "data: {set: teacher, train: 40, validation: 20, test: 30, task: regression, normalise: none, pool: 90, set_seed: 3,\n"
               "  teacher: network, inputs: 5, outputs: 3, indices: 4, noise: 0.125}\n"
               "architectures: {'n \"1\"': {type: mlp, widths: [7, 5], activation: gelu, parameterisation: ntk, sigma_w: 1.5,\n"
               "  sigma_b: 0.1, bias: false}}\n"
               "training: {trainer: linearised, engine: tangent, refresh_period: 7, loss: half-mse, steps: 33, batch: 10,\n"
               "  lr: {of_limit: 0.3}, schedule: {step: {every: 10, factor: 0.1}, warmup: 2}, momentum: 0.9,\n"
               "  momentum_at_refresh: reset, weight_decay: 1e-5, centred: true, evaluations: 9, precision: double, threads: 2,\n"
               "  seed: 11, seeds: {init: 1, data: 2, batch: 3, augment: 4}}\n"
               "kernels: {probe: 6, snapshots: 5, path_points: 8, mode: trace, store: metrics, parameters: final, stability: true}\n",
               NULL);
    ck_assert_uint_eq(sweep.n_jobs, 1);
    ck_assert_msg(job_parse(&job, sweep.jobs[0].text, &err) == 0, "%s", err.text);
    ck_assert_str_eq(job.text, sweep.jobs[0].text);
    ck_assert_str_eq(job.id, sweep.jobs[0].id);
    /* byte for byte: the struct is zeroed before it is filled */
    ck_assert_mem_eq(&job.data, &sweep.jobs[0].data, sizeof job.data);
    ck_assert_mem_eq(&job.kernels, &sweep.jobs[0].kernels, sizeof job.kernels);
    ck_assert_mem_eq(&job.training, &sweep.jobs[0].training, sizeof job.training);
    ck_assert_mem_eq(job.network, sweep.jobs[0].network, sizeof *job.network);
    ck_assert_str_eq(job.network->name, "n \"1\"");
    ck_assert(job.stability == STABILITY_ALWAYS && job.seed == 11);
    job_free(&job);
    sweep_free(&sweep);
}
END_TEST

/* Keys that the job above cannot have. */
START_TEST(keys_of_images_labels_and_dsprites_read_back_from_the_text_of_a_job)
{
    static const struct { const char *override, *text; } cases[] = {
        {"data.augment={crop: 2, flip: true}", "\"augment\":{\"crop\":2,\"flip\":true}"},
        {"data.augment={flip: true, crop: 0}", "\"augment\":{\"crop\":0,\"flip\":true}"},
        {"data.augment=none", "\"augment\":\"none\""},
        {"data.label_noise=0.25", "\"label_noise\":0.25"},
        {"data={set: dsprites, train: 100, task: regression, target: scale}", "\"target\":\"scale\""},
        {"data.image_size=64", "\"image_size\":64"}};
    struct sweep sweep;
    struct job job;
    struct error err = {0};
    load_right(&sweep, BEGIN "grid: {architecture: a}\n", cases[_i].override);
    ck_assert_msg(strstr(sweep.jobs[0].text, cases[_i].text) != NULL, "%s", sweep.jobs[0].text);
    ck_assert_msg(job_parse(&job, sweep.jobs[0].text, &err) == 0, "%s", err.text);
    ck_assert_str_eq(job.id, sweep.jobs[0].id);
    ck_assert_mem_eq(&job.data, &sweep.jobs[0].data, sizeof job.data);
    ck_assert(job.training.augmented == (job.data.augment.crop > 0 || job.data.augment.flip));
    job_free(&job);
    sweep_free(&sweep);
}
END_TEST

/* As version 0.1.0 wrote them into a file: with the one engine it had, which was no part of the id. */
START_TEST(a_job_text_of_an_old_file_keeps_its_id)
{
    static const char *const unknown_then[] = {",\"ridge\":", ",\"stability\":"};
    struct sweep sweep;
    struct job job;
    struct error err = {0};
    struct text old = {0};
    load_right(&sweep, BEGIN "grid: {architecture: a}\n", NULL);
    const char *text = sweep.jobs[0].text, *engine = strstr(text, "\"engine\":\"auto\"");
    ck_assert_ptr_nonnull(engine);
    text_add(&old, "%.*s\"engine\":\"tangent\"%s", (int)(engine - text), text, engine + strlen("\"engine\":\"auto\""));
    for (size_t i = 0; i < sizeof unknown_then / sizeof *unknown_then; i++) {
        char *key = strstr(old.chars, unknown_then[i]);
        ck_assert_ptr_nonnull(key);
        char *end = key + 1 + strcspn(key + 1, ",}");
        memmove(key, end, strlen(end) + 1);
    }
    ck_assert_msg(job_parse(&job, old.chars, &err) == 0, "%s", err.text);
    ck_assert_str_eq(job.id, sweep.jobs[0].id);
    ck_assert_int_eq(job.training.engine, ENGINE_TANGENT);
    job_free(&job);
    text_free(&old);
    sweep_free(&sweep);
}
END_TEST

START_TEST(a_sweep_without_a_name_is_called_as_its_file)
{
    struct sweep sweep;
    load_right(&sweep, BEGIN, NULL);
    ck_assert_int_eq(strncmp(sweep.name, "relin_test_sweep_", 17), 0);
    sweep_free(&sweep);
    load_right(&sweep, "name: the name\n" BEGIN, NULL);
    ck_assert_str_eq(sweep.name, "the name");
    sweep_free(&sweep);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_grid_expands_to_these_jobs_in_this_order, 0, (int)(sizeof grids / sizeof *grids));
    tcase_add_test(tests, duplicates_are_counted);
    tcase_add_loop_test(tests, a_further_axis_becomes_a_column_of_its_kind, 0, (int)(sizeof axes / sizeof *axes));
    tcase_add_loop_test(tests, an_id_is_what_it_always_was, 0, (int)(sizeof golden / sizeof *golden));
    tcase_add_test(tests, what_decides_no_number_leaves_the_id_alone);
    tcase_add_test(tests, what_decides_a_number_changes_the_id);
    tcase_add_test(tests, jobs_hold_what_they_have_in_common_together);
    tcase_add_test(tests, a_job_with_every_key_reads_back_from_its_text);
    tcase_add_test(tests, a_job_text_of_an_old_file_keeps_its_id);
    tcase_add_loop_test(tests, keys_of_images_labels_and_dsprites_read_back_from_the_text_of_a_job, 0, 6);
    tcase_add_test(tests, a_sweep_without_a_name_is_called_as_its_file);
}

UNIT_MAIN("grids of sweep files", add_tests)
