# relin status: counts, reasons, exit codes, JSON, and what it says of a run that is alive.
# RELIN names the program under test, PYTHON the Python that has h5py.

setup_file() {
    export RELIN=${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin} PYTHON=${PYTHON:-/usr/bin/python3}
    . "$BATS_TEST_DIRNAME/../../.ci/mpi.sh"
    cd "$BATS_FILE_TMPDIR" || exit 1
    cat > sweep.yaml <<'YAML'
name: standing
data: {set: teacher, train: 10, validation: 0, test: 6, pool: 30, inputs: 3}
architectures: {tiny: {type: mlp, widths: [3]}}
grid: {architecture: [tiny], refresh_period: [1, inf], seed: 0..2}
training: {steps: 4, lr: 0.01, evaluations: 3}
kernels: {probe: 2, snapshots: 2}
YAML
    "$RELIN" run sweep.yaml -o whole.h5 --progress=none
}

setup() { cd "$BATS_FILE_TMPDIR" || exit 1; }

# partly STATUS...: partly.h5, a file whose first rows have these states
partly() {
    $PYTHON -c 'import h5py' 2>/dev/null || skip "$PYTHON has no h5py"
    rm -f partly.h5.lock
    cp whole.h5 partly.h5
    $PYTHON - "$@" <<'PYTHON'
import sys, h5py
with h5py.File("partly.h5", "r+") as file:
    for row, status in enumerate(sys.argv[1:]):
        file["status"][row] = int(status)
        if status == "3":
            file["error"][row] = b"killed by signal 9 (Killed)"
            file["outcome"][row] = b"stopped"
            file["attempts"][row] = 3
PYTHON
}

# lock PID: as a run on this host leaves it
lock() { printf 'host %s\npid %s\nslurm_job -\nrestart 0\nsince %s\n' "$(uname -n)" "$1" "$(date +%s)" > partly.h5.lock; }

@test "a complete sweep says so, and what comes next; exit code 0" {
    run "$RELIN" status --exit-code whole.h5
    [ "$status" -eq 0 ]
    [[ "$output" == "standing: 6 of 6 jobs done (100 %); 0 failed, 0 running, 0 pending"*"next: relin summary whole.h5" ]]
}

@test "failed jobs come with reasons; exit code 3 only with --exit-code" {
    partly 2 3
    run "$RELIN" status partly.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"1 failed"*"job 1 (tiny, K=1, seed 1), stopped, 3 attempts: killed by signal 9 (Killed)"* ]]
    [[ "$output" == *"what to do:"*"1 stopped: find out who ends it"*"--retry stopped"* ]]
    run "$RELIN" status --exit-code --failed partly.h5
    [ "$status" -eq 3 ]
    [ "$output" = "  job 1 (tiny, K=1, seed 1), stopped, 3 attempts: killed by signal 9 (Killed)" ]
}

@test "jobs that are left give 75, also beside failed ones; a lost running job counts as pending" {
    partly 1 3 0
    run "$RELIN" status -e partly.h5
    [ "$status" -eq 75 ]
    [[ "$output" == *"3 of 6 jobs done (50 %); 1 failed, 0 running, 2 pending"*"goes on with what is left"* ]]
}

@test "a failed job of a file of before there were classes is one that failed, and what will run again is told with why" {
    partly 3 0
    $PYTHON -c 'import h5py; f = h5py.File("partly.h5", "r+"); f["outcome"][0] = b""; f["outcome"][1] = b"crashed"; f["error"][1] = b"killed by signal 11 (Segmentation fault)"'
    run "$RELIN" status partly.h5
    [[ "$output" == *"job 0 (tiny, K=1, seed 0), failed, 3 attempts: killed"*"1 failed: run it again by"* ]]
    [[ "$output" == *"will run again"*"job 1 (tiny, seed 1), crashed: killed by signal 11"* ]]
}

@test "a live run is shown with host, process and time left; a dead one is told" {
    partly 1 0
    lock $$
    run "$RELIN" status partly.h5
    [[ "$output" == *"1 running, 1 pending"*"a run is alive on $(uname -n) (process $$)"*"left"* ]]
    lock 4194303
    run "$RELIN" status partly.h5
    [[ "$output" == *"ended without a goodbye"*"goes on with what is left"* ]]
}

@test "JSON has the same numbers" {
    partly 1 3 0
    "$RELIN" status --json partly.h5 > status.json
    $PYTHON - <<'PYTHON'
import json
s = json.load(open("status.json"))
assert (s["jobs"], s["done"], s["failed"], s["running"], s["pending"]) == (6, 3, 1, 1, 1), s
assert s["exit_code"] == 75 and s["alive"] is False and s["seconds_left"] is None
advice = s["failures"][0].pop("advice")
assert "relin run ... --retry stopped" in advice, advice
assert s["failures"] == [{"job": 1, "architecture": "tiny", "refresh_period": 1, "seed": 1, "attempts": 3,
                          "class": "stopped", "error": "killed by signal 9 (Killed)"}], s["failures"]
PYTHON
}

@test "a missing file and another kind of file are refused" {
    run "$RELIN" status nowhere.h5
    [ "$status" -eq 70 ]
    [[ "$output" == *"nowhere.h5: No such file or directory"* ]]
    run "$RELIN" status sweep.yaml
    [ "$status" -eq 70 ]
    [[ "$output" == *"sweep.yaml: expected a result file of relin"* ]]
    run "$RELIN" status
    [ "$status" -eq 2 ]
}

@test "a lock that does not yet say whose it is belongs to a run that is just starting" {
    partly 2 0 2
    : > partly.h5.lock
    run "$RELIN" status partly.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"a run is just starting"* ]]
    rm partly.h5.lock
}
