# relin plan: counts, costs, worker counts, JSON, keys, and what it says of a bad sweep.
# RELIN names the program under test.
bats_require_minimum_version 1.5.0

setup_file() {
    export RELIN=${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin}
    cd "$BATS_FILE_TMPDIR" || exit 1
    cat > sweep.yaml <<'YAML'
name: planned
data: {set: teacher, train: 10, validation: 0, test: 6, pool: 30, inputs: 3}
architectures: {tiny: {type: mlp, widths: [3]}}
grid: {architecture: [tiny], refresh_period: [1, 50, inf], seed: 0..2}
training: {steps: 40, lr: 0.01, evaluations: 3}
kernels: {probe: 2, snapshots: 2}
YAML
}

setup() { cd "$BATS_FILE_TMPDIR" || exit 1; }

json() { python3 -c "import json, sys; d = json.load(sys.stdin); assert $1, d" <<<"$output"; }

@test "a plan counts jobs, and cells that are the same job" {
    run -0 "$RELIN" plan sweep.yaml
    [[ $output == *"planned: 6 jobs (3 more cells are the same jobs)"* ]]
    [[ $output == *workers*makespan*efficiency* ]]
}

@test "worker counts are those asked for, and efficiency falls" {
    command -v python3 >/dev/null || skip "no python3"
    run -0 "$RELIN" plan sweep.yaml --json --workers 1,2,64
    json '[a["workers"] for a in d["allocations"]] == [1, 2, 64]'
    json 'd["allocations"][0]["efficiency"] == 1 and d["allocations"][2]["efficiency"] < 0.2'
    json 'abs(d["allocations"][0]["makespan_seconds"] / d["seconds"]["sum"] - 1) < 1e-4'
}

@test "an override changes the plan" {
    run -0 "$RELIN" plan sweep.yaml grid.seed=0..9 training.steps=60
    [[ $output == *"planned: 30 jobs"* ]]
}

@test "jobs are listed in the order of the file" {
    run -0 "$RELIN" plan --jobs sweep.yaml
    [[ $output == *"K=1 seed 0"*"K=1 seed 2"*"K=inf seed 2"* ]]
}

@test "keys are listed without a sweep" {
    run -0 "$RELIN" plan --keys
    [[ $output == *training.refresh_period*kernels.probe*limits.job_wall* ]]
}

@test "a bad sweep is refused with every mistake at its place" {
    printf 'data: {set: teacher, trian: 3}\narchitectures: {a: {widths: [2]}}\ntraining: {steps: 4, lr: 0}\ngrid: {architecture: a}\n' > bad.yaml
    run -2 "$RELIN" plan bad.yaml
    [[ $output == *"bad.yaml:1:22: data.trian: "*"did you mean data.train?"*"bad.yaml:3:26: training.lr: expected a number > 0"* ]]
}

@test "a bad command line is refused" {
    run -2 "$RELIN" plan
    run -2 "$RELIN" plan sweep.yaml --workers 0
    run ! "$RELIN" plan none.yaml
    [[ $output == *none.yaml* ]]
}
