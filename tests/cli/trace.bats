# relin trace: what it writes is what FORMAT.md says, and an independent replay gets the same numbers.
# RELIN names the program under test, PYTHON the Python that has h5py.

setup_file() {
    export RELIN=${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin} PYTHON=${PYTHON:-/usr/bin/python3}
    export TOOLS=$BATS_TEST_DIRNAME/../python
    cd "$BATS_FILE_TMPDIR" || exit 1
    cat > sweep.yaml <<'YAML'
name: trace
data: {set: sprites, train: 30, validation: 5, test: 12, pool: 60}
architectures:
  deep: {type: mlp, widths: [7, 6], activation: tanh}
  wide: {type: mlp, widths: [9], activation: relu, parameterisation: ntk, sigma_b: 0.3}
grid: {architecture: [deep, wide], refresh_period: [1, 4, inf], seed: 0..1}
training: {loss: half-mse, steps: 21, batch: full, lr: {of_limit: 0.5}, evaluations: 5, precision: double}
kernels: {probe: 4, snapshots: 3, path_points: 0}
YAML
}

setup() {
    $PYTHON -c 'import h5py' 2>/dev/null || skip "$PYTHON has no h5py"
    cd "$BATS_FILE_TMPDIR" || exit 1
    sweep=sweep.yaml traces=()
}

# traced JOB [key=value...]: a trace of this job of $sweep, the last of "${traces[@]}"
traced() {
    local job=$1
    shift
    traces+=("t${#traces[@]}.h5")
    "$RELIN" trace $sweep "$@" --job "$job" -o "${traces[-1]}"
}
# all_replayed: the replay agrees with all of them. One Python for them: it takes longer to start than a replay does.
all_replayed() { $PYTHON "$TOOLS/replay.py" "${traces[@]}"; }
# replayed JOB [key=value...]: it does with this one
replayed() {
    traced "$@"
    all_replayed
}

@test "SGD and linearised training with half-MSE are replayed for K = 1, 4 and inf" {
    for job in 0 3 5 6 9 10; do traced "$job"; done
    all_replayed
}

@test "mini-batches, momentum, weight decay and schedules are replayed for K = 1, 4 and inf" {
    for job in 0 2 5 7 8 11; do
        traced "$job" training.batch=8 training.momentum=0.9 training.weight_decay=0.01 \
            training.lr='{of_limit: 0.2}' training.schedule='{cosine: {final: 0.1}, warmup: 3}'
    done
    all_replayed
}

@test "cross-entropy is replayed for K = 1, 4 and inf" {
    for job in 1 3 4 6 8 10; do
        traced "$job" training.loss=cross-entropy training.batch=8 training.momentum=0.5 training.lr='{of_limit: 0.2}'
    done
    all_replayed
}

@test "segments taken at once by the filter engine are replayed" {
    local filter="training.engine=filter training.steps=60"
    for job in 2 5 8 11; do
        traced "$job" $filter
        traced "$job" $filter training.momentum=0.9 training.lr='{of_limit: 0.2}' training.weight_decay=0.01
    done
    traced 2 $filter training.momentum=0.8 training.momentum_at_refresh=reset training.lr='{of_limit: 0.2}'
    traced 3 $filter training.centred=true training.schedule='{cosine: {final: 0.1}, warmup: 3}'
    traced 2 $filter grid.refresh_period=[1,25,60] training.schedule='{step: {every: 7, factor: 0.5}}'
    traced 3 $filter training.precision=single
    all_replayed
}

@test "momentum that is reset at a refresh, and centred training, are replayed" {
    traced 2 training.momentum=0.9 training.momentum_at_refresh=reset training.lr='{of_limit: 0.2}'
    traced 8 training.centred=true
    traced 0 training.centred=true training.batch=8
    all_replayed
}

@test "every refresh schedule is replayed, at the steps that it means" {
    for schedule in '{at: [1, 4, 13]} 3' '{log: 4} 4' '{first: 2, every: 3} 2' '{gap: 1e9} 0'; do
        run replayed 0 "grid={architecture: deep, refresh: [${schedule% *}]}" training.momentum=0.5 training.batch=8
        [ "$status" -eq 0 ]
        [[ "$output" == *"${schedule##* } refreshes replayed"* ]]
    done
    # by the gap: as many as the file says
    run replayed 0 'grid={architecture: deep, refresh: [{gap: 0.02}]}'
    [ "$status" -eq 0 ]
    refreshes=$(grep -o '[0-9]* refreshes' <<<"$output")
    [ "${refreshes% *}" -gt 1 ]
    "$RELIN" run sweep.yaml 'grid={architecture: deep, refresh: [{gap: 0.02}]}' -o gap.h5 2>log
    $PYTHON -c 'import h5py, sys; n = h5py.File("gap.h5")["refreshes_done"][0]; assert n == int(sys.argv[1]), n' "${refreshes% *}"
}

@test "Gauss-Newton is replayed: both losses, damping given and tied to K, weight decay, centred" {
    local given="training.trainer=gauss-newton training.steps=5"
    traced 0 $given training.damping=3 training.lr=0.5
    traced 2 $given training.damping=3 training.lr=1 training.weight_decay=0.01
    traced 2 $given training.damping=tied training.momentum=0.5 grid.refresh_period=[10,40,90]
    traced 9 $given training.damping=tied training.loss=cross-entropy grid.refresh_period=[10,40,90] training.centred=true
    traced 3 $given training.damping=0.5 training.loss=cross-entropy training.lr=0.3 training.schedule='{warmup: 3}'
    traced 3 $given training.damping=1 training.lr=1 training.precision=single
    traced 2 $given training.damping=0 training.lr=1 training.steps=1
    all_replayed
}

@test "erf and gelu are replayed" {
    traced 2 architectures.deep.activation=erf
    traced 8 architectures.wide.activation=gelu
    all_replayed
}

@test "kernels are replayed in every mode" {
    for mode in full sum_of_logits; do
        traced 2 kernels.mode=$mode
        traced 10 kernels.mode=$mode
        $PYTHON "$TOOLS/format.py" trace "${traces[-1]}"
    done
    all_replayed
    $PYTHON -c 'import h5py; f = h5py.File("t3.h5"); assert f["kernels/kernel"].shape == (3, 8, 8), f["kernels/kernel"]'
}

@test "every architecture is replayed, with its values at every boundary" {
    cat > networks.yaml <<'YAML'
name: networks
data: {set: sprites, train: 16, validation: 0, test: 6, pool: 60}
architectures:
  cnn: {type: cnn, channels: [4, 6, 6], pooled: 2, activation: gelu}
  flat: {type: cnn, channels: [3, 4], pooling: average, head: flatten, widths: [5], norm: group, groups: 1, parameterisation: ntk, sigma_b: 0.3}
  lenet: {type: lenet, activation: tanh}
  myrtle: {type: myrtle, depth: 7, width_multiplier: 0.1}
  resnet: {type: resnet, depth: 8, width_multiplier: 0.25}
  plain: {type: resnet, depth: 14, width_multiplier: 0.125, norm: none, parameterisation: ntk, sigma_b: 0.1}
  layers:
    type: layers
    layers:
      - conv: {channels: 4, window: 5, stride: 2}
      - norm: {type: group, groups: 2}
      - activation
      - residual: [{conv: {channels: 6, stride: 2}}, {activation: tanh}, {residual: [{norm: layer}, {conv: 6}]}]
        shortcut: projection
        scale: 0.5
      - pool: {type: average, window: 3, stride: 2}
      - residual: [{conv: 6}, activation]
        shortcut: [{conv: {channels: 6, window: 1}}, {norm: layer}]
      - global_pool
      - residual: [{activation: erf}, {dense: 6}]
      - dense: 5
      - activation
training: {steps: 7, batch: 6, momentum: 0.5, lr: {of_limit: 0.1}, evaluations: 2, precision: double}
grid: {architecture: [cnn, flat, lenet, myrtle, resnet, plain, layers], refresh_period: [1, 3]}
kernels: {probe: 2, snapshots: 2, path_points: 0}
YAML
    sweep=networks.yaml
    for job in 0 1 2 4 7 8 9 11 12 13; do traced "$job" --at 4; done
    $PYTHON "$TOOLS/format.py" trace "${traces[-1]}"
    for depth in myrtle.depth=5 myrtle.depth=10 resnet.depth=20 resnet.depth=32; do   # K = 3
        job=7
        [ "${depth%%.*}" = myrtle ] || job=9
        traced $job "architectures.$depth"
    done
    for mode in full sum_of_logits; do traced 9 kernels.mode=$mode; done
    all_replayed
}

@test "networks on colour images are replayed: channels come first in the data and last in a network" {
    [ -d "${RELIN_DATA:-/nowhere}/cifar-10-batches-bin" ] || skip "RELIN_DATA has no cifar-10-batches-bin"
    sweep=networks.yaml
    for job in 0 7 12; do traced "$job" data='{set: cifar-10, train: 12, validation: 0, test: 4}' --at 4; done
    all_replayed
}

@test "the shapes of a convolution's tensors are (out, height, width, in)" {
    "$RELIN" trace networks.yaml --job 12 -o t.h5
    $PYTHON - <<'PYTHON'
import h5py
p = h5py.File("t.h5")["parameters"]
shapes = {name: tuple(shape[shape > 0]) for name, shape in zip(p["name"].asstr()[:], p["shape"][:])}
assert shapes["layer0.weight"] == (4, 5, 5, 1) and shapes["layer1.scale"] == (4,), shapes
assert shapes["layer1.shift"] == (4,) and shapes["layer2.weight"] == (6, 3, 3, 4), shapes
PYTHON
}

@test "a network that does not fit its data set is refused before anything runs" {
    for command in plan run; do
        run "$RELIN" $command networks.yaml data='{set: teacher, train: 20, test: 5, validation: 0}'
        echo "$output"
        [ "$status" -eq 2 ]
        [[ "$output" == *"data set teacher: architecture cnn: layer 0 (convolution): expected an image"* ]]
    done
}

@test "single precision is replayed to its rounding" {
    for job in 0 2 4 8; do traced "$job" training.precision=single training.batch=8; done
    all_replayed
}

@test "a job of the Fashion-MNIST sweep is replayed, images and mini-batches as the network saw them" {
    [ -d "${RELIN_DATA:-/nowhere}/fashion-mnist" ] || skip "RELIN_DATA has no fashion-mnist"
    "$RELIN" trace "$BATS_TEST_DIRNAME/../../sweeps/fashion-mnist.yaml" --job 35 -o real.h5 training.steps=60 \
        training.precision=double data.test=200 kernels.probe=3 kernels.snapshots=2
    $PYTHON "$TOOLS/replay.py" real.h5
    $PYTHON -c 'import h5py; x = h5py.File("real.h5")["data/train_x"]; assert x.shape[1:] == (1, 28, 28) and x.dtype == "f8", x'
}

@test "augmented training is replayed from what each step did, for K = 1, 4 and inf, and so is label noise" {
    for job in 0 2 4 8; do
        traced "$job" data.augment='{crop: 3, flip: true}' data.label_noise=0.3 training.batch=8
    done
    traced 2 data.augment='{crop: 31}'
    all_replayed
    $PYTHON "$TOOLS/format.py" trace t4.h5
    $PYTHON - <<'PYTHON'
import h5py
augment = h5py.File("t4.h5")["steps/augment"][:]
assert augment.shape == (21, 30, 3) and augment[..., :2].min() < -25 and not augment[..., 2].any(), augment
PYTHON
}

@test "a run that diverges is replayed up to its end, and the command says so" {
    run replayed 8 training.lr=1e6 training.steps=60
    [ "$status" -eq 0 ]
    [[ "$output" == *"diverged after"*"diverged"*"replayed"* ]]
}

@test "a trace has what FORMAT.md says, full batch or mini, and --at adds the layers" {
    "$RELIN" trace sweep.yaml --job 0 -o t.h5
    $PYTHON "$TOOLS/format.py" trace t.h5
    "$RELIN" trace sweep.yaml training.batch=8 --job 8 -o t.h5 --at 5
    $PYTHON "$TOOLS/format.py" trace t.h5
    $PYTHON "$TOOLS/replay.py" t.h5
    $PYTHON -c 'import h5py; at = h5py.File("t.h5")["at"]; assert at["step"][()] == 5 and "layer3" in at, list(at)'
}

@test "the replay finds a loss that is wrong in one digit" {
    "$RELIN" trace sweep.yaml --job 2 -o t.h5
    $PYTHON -c 'import h5py; f = h5py.File("t.h5", "r+"); f["steps/loss"][9] *= 1 + 1e-8'
    run $PYTHON "$TOOLS/replay.py" t.h5
    [ "$status" -ne 0 ]
    [[ "$output" == *"/steps/loss: differs"* ]]
}

@test "a job is found by its id, and an unknown one is refused" {
    id=$("$RELIN" trace sweep.yaml --job 3 -o t.h5 | sed 's/.*job_id \(.*\))/\1/')
    [[ "$("$RELIN" trace sweep.yaml --job "$id" -o again.h5)" == *"$id"* ]]
    $PYTHON - <<'PYTHON'
import h5py
a, b = h5py.File("t.h5"), h5py.File("again.h5")
assert (a["parameters/theta"][:] == b["parameters/theta"][:]).all() and (a["steps/loss"][:] == b["steps/loss"][:]).all()
PYTHON
    run "$RELIN" trace sweep.yaml --job 12 -o no.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"expected a row from 0 to 11 or a job_id of this sweep, got '12'"* ]]
    [ ! -e no.h5 ] && [ ! -e no.h5.new ]
}

@test "a step beyond the job, and a missing option, are refused" {
    run "$RELIN" trace sweep.yaml --job 0 -o no.h5 --at 22
    [ "$status" -eq 2 ]
    [[ "$output" == *"expected a step of the job, 0 to 21, got 22"* ]]
    run "$RELIN" trace sweep.yaml --job 0
    [ "$status" -eq 2 ]
    [[ "$output" == *"expected SWEEP.yaml, --job and -o"* ]]
}

@test "only a trace is replaced, never another file" {
    "$RELIN" run sweep.yaml grid.seed=0 -o result.h5 2> log
    echo text > other
    for file in result.h5 other sweep.yaml .; do
        before=$(cat "$file" 2>/dev/null | sha256sum)
        run "$RELIN" trace sweep.yaml --job 0 -o "$file"
        [ "$status" -eq 2 ]
        [[ "$output" == *"expected a new file or an earlier trace"* ]]
        [ "$(cat "$file" 2>/dev/null | sha256sum)" = "$before" ]
    done
    "$RELIN" trace sweep.yaml --job 0 -o again.h5
    "$RELIN" trace sweep.yaml --job 1 -o again.h5
}

@test "a full disk is an error with its reason and leaves nothing" {
    trap '' XFSZ   # beyond the limit a write fails, as on a full disk
    for kilobytes in 0 4 40; do
        run bash -c "ulimit -f $kilobytes; exec \"\$RELIN\" trace sweep.yaml --job 0 -o full.h5"
        echo "$kilobytes KB: $output"
        [ "$status" -eq 70 ]
        [[ "$output" == *"relin trace: "*"(HDF5: File too large)" ]]
        [ ! -e full.h5 ] && [ ! -e full.h5.new ]
    done
}
