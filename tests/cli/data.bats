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

@test "Fashion-MNIST under RELIN_DATA has its published size and mean" {
    [ -d "${RELIN_DATA:-/nowhere}/fashion-mnist" ] || skip "RELIN_DATA has no fashion-mnist"
    run "$RELIN" data fashion-mnist
    [ "$status" -eq 0 ]
    [[ "$output" == *"train: 60000 rows, mean 0.286, standard deviation 0.353;"* ]]
}
