# Sweep files through the program: what is refused, where it is said, and that plan and run agree on the jobs.
# RELIN names the program under test, PYTHON one that has h5py.
bats_require_minimum_version 1.5.0

setup_file() {
    export RELIN=${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin}
    export PYTHON=${PYTHON:-/usr/bin/python3}
    cd "$BATS_FILE_TMPDIR" || exit 1
    cat > good.yaml <<'YAML'
data: {set: teacher, train: 10, test: 6, pool: 30, inputs: 3}
architectures: {p: {widths: [3]}, q: {widths: [2]}}
grid: [{architecture: [p, q], refresh_period: [1, inf], seed: 0..1, exclude: {architecture: q, seed: 1}}, {training.momentum: 0.5}]
training: {steps: 3, lr: 0.01, evaluations: 2}
kernels: {probe: 2, snapshots: 0, path_points: 0}
YAML
    printf 'data: {set: teacher, trian: 3}\narchitectures: {a: {}}\ntraining: {steps: 4, lr: 0}\n' > bad.yaml
    cat > unfit.yaml <<'YAML'
data: {set: sprites, train: 20, test: 6, pool: 30}
architectures:
  flat: {type: mlp, widths: [3]}
  deep: {type: cnn, channels: [2, 2, 2, 2, 2, 2, 2]}
  wide:
    type: layers
    layers: [{conv: {channels: 2, window: 21, padding: 0}}, {conv: {channels: 2, window: 21, padding: 0}}]
grid: {data.train: [20, 31], data.test: [6, 70]}
training: {steps: 3, lr: 0.01}
kernels: {probe: 2, snapshots: 0, path_points: 0}
YAML
    : > empty.yaml
    printf 'name: \xff\n' > bytes.yaml
    printf 'data:\n\tset: teacher\n' > tab.yaml
}

setup() { cd "$BATS_FILE_TMPDIR" || exit 1; }

# refused FILE TEXT: by plan and by run, exit code 2, all of it on stderr, and no result file is left
refused() {
    local command
    for command in plan run; do
        run -2 --separate-stderr "$RELIN" $command "$1"
        [ -z "$output" ] || { echo "on stdout: $output"; return 1; }
        # shellcheck disable=SC2154  # set by run
        [[ $stderr == *"$2"* ]] || { echo "$command: no '$2' in: $stderr"; return 1; }
    done
    [ -z "$(ls ./*.h5 2>/dev/null)" ]
}

@test "every mistake is said at its place" {
    refused bad.yaml "bad.yaml:1:22: data.trian: expected a known key"
    refused bad.yaml "bad.yaml:3:26: training.lr: expected a number > 0 or {of_limit: number > 0}, got 0"
}

@test "what does not fit the data is said at its place, all of it at once" {
    refused unfit.yaml "unfit.yaml:8:8: data.train, data.validation: expected at most 30 rows together"
    for text in "unfit.yaml:4:9: data set sprites: architecture deep: layer" "unfit.yaml:6:5: data set sprites: architecture wide: layer 1" \
        "unfit.yaml:8:30: data.test: expected at most"; do
        [[ $stderr == *"$text"* ]] || { echo "no '$text' in: $stderr"; return 1; }
    done
    for key in data.train=31 grid.data.train=[20,31]; do
        run -2 --separate-stderr "$RELIN" plan unfit.yaml 'grid={seed: 0}' "$key"
        [[ $stderr == *"command line: data.train, data.validation: expected at most 30 rows"* ]]
    done
    printf 'data: {train: 9, test: 9}\narchitectures: {a: {}}\ntraining: {steps: 1, lr: 1}\n' > set.yaml
    run -2 --separate-stderr "$RELIN" plan set.yaml 'grid.data.set=[teacher, nonsuch, other]'
    [[ $stderr == *"command line: data.set: expected one of"*"got 'nonsuch'"*"got 'other'"* ]]
}

@test "a missing file, a folder, nothing, bytes and tabs are refused" {
    refused none.yaml "none.yaml: could not be opened: No such file or directory"
    refused . ".: could not be read: Is a directory"
    refused empty.yaml "empty.yaml:1:1: expected keys and values, got an empty text"
    refused bytes.yaml "bytes.yaml:1:7: expected YAML in UTF-8"
    refused tab.yaml "tab.yaml:2:1: expected YAML in UTF-8"
    refused tab.yaml "(a tab: indent with spaces)"
}

@test "a bad override is said to be of the command line" {
    run -2 --separate-stderr "$RELIN" plan good.yaml training.lrr=3
    [[ $stderr == *"command line: training.lrr: expected a known key"*"did you mean training.lr?"* ]]
}

@test "plan lists the jobs in the rows of the result file" {
    "$PYTHON" -c 'import h5py' || skip "no h5py"
    "$RELIN" plan --json --jobs good.yaml > plan.json
    python3 -m json.tool plan.json > /dev/null
    "$RELIN" run good.yaml -o rows.h5
    "$PYTHON" - <<'PY'
import h5py, json
plan = json.load(open("plan.json"))
with h5py.File("rows.h5") as f:
    ids = [i.decode() if isinstance(i, bytes) else i for i in f["job_id"][:]]
assert [j["job_id"] for j in plan["job_list"]] == ids, (plan["job_list"], ids)
assert [j["row"] for j in plan["job_list"]] == list(range(len(ids))) and plan["jobs"] == len(ids) == 8, ids
PY
    rm rows.h5
}
