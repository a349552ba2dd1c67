# relin data: the list, one set, and the errors that teach.
# RELIN names the program under test.

setup() {
    RELIN=$(realpath "${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin}")
    WORK=$(mktemp -d)
}

teardown() { rm -rf "$WORK"; }

# write_set FOLDER: six images 2x2 of three classes, for training and the same for test
write_set() {
    mkdir -p "$1"
    for pool in train t10k; do
        { printf '\0\0\10\3\0\0\0\6\0\0\0\2\0\0\0\2'; printf 'abcdefghijklmnopqrstuvwx'; } > "$1/$pool-images-idx3-ubyte"
        { printf '\0\0\10\1\0\0\0\6'; printf '\0\1\2\0\1\2'; } > "$1/$pool-labels-idx1-ubyte"
    done
}

@test "the list names the procedural sets without RELIN_DATA and says that it is unset" {
    cd "$WORK"
    run env -u RELIN_DATA "$RELIN" data
    [ "$status" -eq 0 ]
    [[ "$output" == *sprites* && "$output" == *teacher* && "$output" == *"RELIN_DATA is not set"* ]]
}

@test "without RELIN_DATA the folder data of the current folder is looked into, as trace and verify do" {
    write_set "$WORK/data/letters"
    cd "$WORK"
    run env -u RELIN_DATA "$RELIN" data letters
    [ "$status" -eq 0 ]
    [[ "$output" == *"train: 6 rows"* ]]
}

@test "the list shows rows, shape and classes of a folder, and why another cannot be used" {
    write_set "$WORK/letters"
    mkdir "$WORK/empty"
    RELIN_DATA=$WORK run "$RELIN" data
    [ "$status" -eq 0 ]
    [[ "$output" == *"letters"*"6 + 6 rows of 1x2x2, 3 classes"* ]]
    [[ "$output" == *"empty"*"cannot be used"*"expected files of a known format"* ]]
}

@test "the list as JSON is JSON and has the same sets" {
    write_set "$WORK/letters"
    gzip "$WORK/letters/train-images-idx3-ubyte"
    RELIN_DATA=$WORK "$RELIN" data --json > "$WORK/list.json"
    python3 - "$WORK/list.json" <<'PYTHON'
import json, sys
sets = {s["name"]: s for s in json.load(open(sys.argv[1]))}
assert sets.keys() == {"sprites", "teacher", "letters"}, sets
assert (sets["letters"]["train"], sets["letters"]["shape"], sets["letters"]["outputs"]) == (6, [1, 2, 2], 3), sets
PYTHON
}

@test "a set by its name is read whole and its classes are counted" {
    write_set "$WORK/letters"
    RELIN_DATA=$WORK run "$RELIN" data letters
    [ "$status" -eq 0 ]
    [[ "$output" == *"train: 6 rows"*"rows of each class: 2 2 2"* ]]
}

@test "a misspelt set is answered with the sets there are and the nearest" {
    write_set "$WORK/letters"
    RELIN_DATA=$WORK run "$RELIN" data leters
    [ "$status" -eq 2 ]
    [[ "$output" == *"expected one of sprites, teacher, letters"*"got 'leters'"*"did you mean letters?"* ]]
}

@test "a truncated file is an error that names it, what was expected and what was found" {
    write_set "$WORK/letters"
    truncate -s 30 "$WORK/letters/t10k-images-idx3-ubyte"
    RELIN_DATA=$WORK run "$RELIN" data letters
    [ "$status" -eq 2 ]
    [[ "$output" == *"t10k-images-idx3-ubyte: expected 40 bytes"*"got"*"30"*"truncated"* ]]
}

@test "two names, and an unknown task, are usage errors" {
    run "$RELIN" data a b
    [ "$status" -eq 2 ]
    run "$RELIN" data --task=guessing sprites
    [ "$status" -eq 2 ]
    [[ "$output" == *"expected classification or regression, got 'guessing'"* ]]
}

@test "the help says which files belong where" {
    run "$RELIN" data --help
    [ "$status" -eq 0 ]
    [[ "$output" == *RELIN_DATA* && "$output" == *train-images-idx3-ubyte* && "$output" == *sprites* ]]
}

@test "one's own HDF5 file is listed, read, and trained on by two ranks" {
    PYTHON=${PYTHON:-/usr/bin/python3}
    "$PYTHON" -c 'import h5py' 2>/dev/null || skip "$PYTHON has no h5py"
    "$PYTHON" - "$WORK/mine.h5" <<'PYTHON'
import sys, h5py, numpy as np
random = np.random.default_rng(1)
with h5py.File(sys.argv[1], "w") as file:
    for part, n in (("train", 60), ("test", 30)):
        x = random.normal(size=(n, 5))
        file.create_dataset(f"{part}/x", data=x, compression="gzip")
        file[f"{part}/y"] = np.stack([x[:, 0], x[:, 1] * x[:, 2]], 1)
PYTHON
    printf '%s\n' 'data: {set: mine, task: regression, train: 40, validation: 10}' 'architectures: {a: {widths: [8]}}' \
        'training: {steps: 30, lr: 0.05}' 'kernels: {probe: 4}' 'grid: {architecture: a, refresh_period: [1, 5]}' > "$WORK/s.yaml"
    export RELIN_DATA=$WORK
    run "$RELIN" data
    [ "$status" -eq 0 ]
    [[ "$output" == *"mine"*"60 + 30 rows of 5, 2 targets"* ]]
    run "$RELIN" data --task=regression mine
    [ "$status" -eq 0 ]
    [[ "$output" == *"mine: regression, 2 targets, inputs 5 (floats)"* ]]
    . "$BATS_TEST_DIRNAME/../../.ci/mpi.sh"
    run mpirun -n 2 "$RELIN" run "$WORK/s.yaml" -o "$WORK/out.h5"
    [ "$status" -eq 0 ]
    run "$RELIN" verify "$WORK/out.h5"
    [ "$status" -eq 0 ]
}

@test "a target that does not fit the task is refused, and one that is none is a usage error" {
    run "$RELIN" data --target=colour sprites
    [ "$status" -eq 2 ]
    [[ "$output" == *"--target: expected orientation, scale, position or shape, got 'colour'"* ]]
    run "$RELIN" data --target=shape sprites
    [ "$status" -eq 2 ]
    [[ "$output" == *"data.target: expected only with dSprites (.npz)"* ]]
}

@test "CIFAR-10 and dSprites under RELIN_DATA are listed by their names and trained on" {
    [ -d "${RELIN_DATA:-/nowhere}/cifar-10-batches-bin" ] || skip "RELIN_DATA has no cifar-10-batches-bin"
    [ -d "${RELIN_DATA:-/nowhere}/dsprites" ] || skip "RELIN_DATA has no dsprites"
    run "$RELIN" data
    [ "$status" -eq 0 ]
    [[ "$output" == *"cifar-10 "*"rows of 3x32x32, 10 classes"*"dsprites "*"rows of 1x64x64, 3 classes"* ]]
    printf '%s\n' 'data: {set: cifar-10, train: 60, test: 40, augment: {crop: 4, flip: true}, label_noise: 0.2}' \
        'architectures: {a: {widths: [8]}}' 'training: {steps: 10, lr: 0.01, batch: 20}' 'kernels: {probe: 4}' \
        'grid: {architecture: a, refresh_period: [1, 5, inf]}' > "$WORK/c.yaml"
    run "$RELIN" run "$WORK/c.yaml" -o "$WORK/c.h5"
    [ "$status" -eq 0 ]
    run "$RELIN" run "$WORK/c.yaml" -o "$WORK/d.h5" data.set=dsprites data.task=regression data.target=scale \
        data.label_noise=0 data.augment=none
    [ "$status" -eq 0 ]
    run "$RELIN" verify "$WORK/d.h5"
    [ "$status" -eq 0 ]
}

@test "Fashion-MNIST under RELIN_DATA has its published size and mean" {
    [ -d "${RELIN_DATA:-/nowhere}/fashion-mnist" ] || skip "RELIN_DATA has no fashion-mnist"
    run "$RELIN" data fashion-mnist
    [ "$status" -eq 0 ]
    [[ "$output" == *"train: 60000 rows, mean 0.286, standard deviation 0.353;"* ]]
}
