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

@test "a plan says which engine steps what, and what each would take" {
    run -0 "$RELIN" plan sweep.yaml
    [[ $output == *"seconds of all steps by each engine that can"*architecture*engine*jobs*tangent*kernel*filter*tiny*standard*" 3 "* ]]
    command -v python3 >/dev/null || skip "no python3"
    run -0 "$RELIN" plan sweep.yaml --json --jobs
    json 'sum(e["jobs"] for e in d["engines"]) == d["jobs"] and d["engines"][0]["engine"] == "standard"'
    json 'all(set(j["engine_seconds"]) == {"tangent", "kernel", "filter"} for j in d["job_list"])'
    json 'all(j["engine_seconds"]["tangent"] > 0 for j in d["job_list"])'
    # the standard trainer has one way; elsewhere the least of those that can
    json 'all(j["engine_seconds"]["kernel"] is j["engine_seconds"]["filter"] is None for j in d["job_list"] if "K=1 " in j["label"])'
    json 'all(j["engine_seconds"][j["engine"]] == min(s for s in j["engine_seconds"].values() if s) for j in d["job_list"] if j["engine"] != "standard")'
}

@test "an engine that cannot step a job is a mistake of the sweep, with its reason" {
    run -2 "$RELIN" plan sweep.yaml training.engine=filter grid.refresh_period=[10]  training.loss=cross-entropy
    [[ $output == *"sweep.yaml:4:7: training.engine: expected one that can step this job, got filter: "* ]]
    run -2 "$RELIN" plan sweep.yaml training.engine=kernel 'grid={architecture: tiny, refresh: [{gap: 0.1}]}'
    [[ $output == *"training.engine: expected one that can step this job, got kernel: "* ]]
}

@test "schedules are listed by their labels" {
    run -0 "$RELIN" plan --jobs sweep.yaml 'grid={architecture: tiny, refresh: [{log: 4}, {at: [3, 9]}, {first: 2, every: 5}, {gap: 0.1, check: 4}, 8]}'
    [[ $output == *"tiny log=4 seed 0"*"tiny at=3,9 seed 0"*"tiny first=2/5 seed 0"*"tiny gap=0.1/4 seed 0"*"tiny K=8 seed 0"* ]]
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

@test "every shipped sweep asks its question first and can be planned" {
    [ -n "${RELIN_DATA:-}" ] || skip "RELIN_DATA is not set"
    cd "$BATS_TEST_DIRNAME/../.."
    for sweep in sweeps/*.yaml sweeps/cluster/*.yaml; do
        head -n 1 "$sweep" | grep -q '^# ' || { echo "$sweep: no question"; false; }
        size=()
        # the whole of CIFAR-10 need not be there
        [ "$sweep" = sweeps/cluster/cifar10-cnn.yaml ] && size=(data.train=1000 data.validation=100)
        run "$RELIN" plan "$sweep" "${size[@]}"
        [ "$status" -eq 0 ] || { echo "$sweep: $output"; false; }
    done
}
