/* A sweep file, from its text to checked and expanded jobs, their networks, engines and costs. */
#include "jobs.h"

size_t fuzz_seed(size_t n, uint8_t *out, size_t room)
{
    static const char *const seeds[] = {
        "name: a\ndata: {set: teacher, inputs: 8, outputs: 2, train: 64, validation: 16, test: 32, pool: 256, task: regression}\n"
        "architectures:\n  small: {type: mlp, widths: [16], activation: tanh}\n"
        "grid: {architecture: [small], refresh_period: [1, 10, inf], seed: 0..3}\n"
        "training: {loss: half-mse, steps: 60, batch: 16, lr: 0.05, evaluations: 6}\n"
        "kernels: {probe: 8, snapshots: 3, path_points: 4}\n",
        "data: {set: sprites, train: 60, test: 20, normalise: none, augment: {crop: 4, flip: true}, label_noise: 0.1}\n"
        "architectures:\n  cnn: {type: cnn, channels: [4, 8], pooling: max, head: global}\n"
        "  res: {type: resnet, depth: 8, norm: group, groups: 2, width_multiplier: 0.25}\n"
        "grid:\n  - {architecture: [cnn], training.lr: [0.1, {of_limit: 0.5}], seed: [1, 2]}\n"
        "  - zip: {refresh_period: [1, 7], training.momentum: [0, 0.9]}\n    exclude: [{refresh_period: 7, architecture: res}]\n"
        "training: {steps: 100, lr: 0.1, schedule: {warmup: 5}, loss: cross-entropy, precision: double}\n"
        "limits: {job_wall: 2h, attempts: 3}\n",
        "data: &d {set: teacher, train: 9, test: 9}\narchitectures: {l: {type: layers, layers: [conv: 4, activation, "
        "residual: [conv: 4, norm: group], pool: max, flatten, dense: 5]}}\ngrid: {data.train: 1..9 step 2, "
        "training.lr: 0.001..1 log 4}\ntraining: {feature_updates: 4, refresh_period: 3, batch: full, trainer: linearised, "
        "engine: kernel, damping: tied, seeds: {init: 1, data: 2}}\n",
        "trainer: {command: [python3, train.py, '{parameters.lr}', '{seed}']}\nparameters: {lr: 1e-2, name: 'a b', on: true}\n"
        "metrics: [f1, perplexity]\ngrid: {parameters.width: [8, 16], seed: 0..2}\nlimits: {grace: 5s, expected: 10m}\n",
    };
    if (n >= sizeof seeds / sizeof *seeds)
        return 0;
    return (size_t)snprintf((char *)out, room, "%s", seeds[n]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_sweep(data, size, NULL, 0);
    return 0;
}
