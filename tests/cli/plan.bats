# relin plan: counts, costs, worker counts, JSON, keys, and what it says of a bad sweep.
# RELIN names the program under test.
bats_require_minimum_version 1.5.0

setup_file() {
    export RELIN=${RELIN:-$BATS_TEST_DIRNAME/../../build/release/relin} PYTHON=${PYTHON:-python3}
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
    # jobs of a millisecond: what the farm itself takes is most of it
    json 'all(a["makespan_seconds"] > 6 * 0.3e-3 for a in d["allocations"])'
    run -0 "$RELIN" plan sweep.yaml --json --workers 1,2,64 training.steps=4000000
    json 'd["allocations"][0]["efficiency"] > 0.999 and d["allocations"][2]["efficiency"] < 0.2'
    json 'abs(d["allocations"][0]["makespan_seconds"] / d["seconds"]["sum"] - 1) < 0.05'
    json 'all(1.2 < a["makespan_p95_seconds"] / a["makespan_seconds"] < 2 for a in d["allocations"])'
    json 'all(abs(a["core_hours"] * 3600 / a["workers"] / a["makespan_seconds"] - 1) < 0.05 for a in d["allocations"])'
}

@test "allocations are tasks, nodes x tasks, or nodes x tasks x cores" {
    command -v python3 >/dev/null || skip "no python3"
    run -0 "$RELIN" plan sweep.yaml --json --workers 4,2x3,2x3x4 training.steps=4000000
    json '[(a.get("nodes"), a["workers"], a["cores"]) for a in d["allocations"]] == [(None, 4, 1), (2, 6, 1), (2, 6, 4)]'
    json 'd["allocations"][2]["makespan_seconds"] < d["allocations"][1]["makespan_seconds"]'
    json 'd["allocations"][2]["core_hours"] > d["allocations"][1]["core_hours"]'
    json '"--nodes=2 --tasks=6 --cpus-per-task=4" in d["worth_submitting"][-1]["submit"]'
    json '"training.threads=4" in d["worth_submitting"][-1]["submit"]'
}

@test "what is worth submitting can be submitted as it stands, and submit chooses one of it" {
    command -v python3 >/dev/null || skip "no python3"
    PATH="$(dirname "$RELIN"):$PATH"
    "$RELIN" plan sweep.yaml --json training.steps=500000000 grid.seed=0..29 > plan.json
    "$RELIN" submit --dry-run sweep.yaml training.steps=500000000 grid.seed=0..29 > script
    python3 - > lines <<'PY'
import json
d = json.load(open("plan.json"))
lines = d["worth_submitting"]
busy, = [w for w in lines if w["why"] == "busy for most of the time"]
script = open("script").read().split("\n")
assert "#SBATCH --ntasks=%d" % busy["workers"] in script, (busy, script)
assert "#SBATCH --time=%d:%02d:00" % divmod(busy["minutes"], 60) in script, (busy, script)
a, = [a for a in d["allocations"] if a["workers"] == busy["workers"]]
assert 5 < busy["minutes"] == min(240, 5 * -(-(a["makespan_p95_seconds"] + 240) // 300)), (busy, a)
for w in lines:
    print(w["submit"], "--dry-run")
    assert " --ntasks=%d " % w["workers"] in w["sbatch"] and w["sbatch"].startswith("sbatch --")
PY
    [ "$(wc -l < lines)" -ge 2 ]
    while read -r line; do
        read -ra words <<<"$line"
        run -0 "${words[@]}"
        [[ $output == *"#SBATCH --ntasks="* ]]
    done < lines
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

@test "jobs are a table for programs as CSV" {
    command -v python3 >/dev/null || skip "no python3"
    "$RELIN" plan --csv sweep.yaml > jobs.csv
    python3 - <<'PY'
import csv
rows = list(csv.DictReader(open("jobs.csv")))
assert [r["label"] for r in rows][::3] == ["tiny K=1 seed 0", "tiny K=inf seed 0"], rows
assert all(float(r["seconds_p95"]) > float(r["seconds"]) > 0 and float(r["flops"]) > 0 and float(r["bytes"]) > 0 for r in rows)
assert all(r["learned_by"] == "formula" and r["learned_from"] == "0" for r in rows)
PY
}

@test "a plan learns from an earlier run, and says of what it could not" {
    command -v python3 >/dev/null || skip "no python3"
    "$RELIN" run sweep.yaml -o earlier.h5 2>/dev/null
    run -0 "$RELIN" plan sweep.yaml --json --jobs --from earlier.h5 grid.seed=0..5
    json 'd["learned"]["files"] == 1 and d["learned"]["jobs"] == 6 and d["learned"]["left_out"] == 0'
    json 'all(j["learned_by"] == "the same cell" and j["learned_from"] == 3 for j in d["job_list"])'
    json 'd["common_spread"] == 0.1 and len({j["seconds"] for j in d["job_list"]}) == 2'
    # twice as many seeds take twice what the file says
    sum=$("$PYTHON" -c 'import h5py; print(2 * sum(h5py.File("earlier.h5")["wall_seconds"][:]))' 2>/dev/null) || sum=
    [ -z "$sum" ] || json "abs(d['seconds']['sum'] / $sum - 1) < 1e-4"
    run -0 "$RELIN" plan sweep.yaml --from earlier.h5 training.steps=50 \
        'architectures={tiny: {type: mlp, widths: [3]}, other: {type: mlp, widths: [5]}}' grid.architecture=[tiny,other]
    [[ $output == *"learned from 6 jobs of 1 file"*"jobs are predicted from the same network"*"jobs are predicted from the same engine"* ]]
    [[ $output == *"measured over formula"*other*"the same engine"* ]]
}

@test "a plan without files is the same each time, and a calibrated one scales it" {
    command -v python3 >/dev/null || skip "no python3"
    once=$("$RELIN" plan sweep.yaml --json --jobs)
    [ "$once" = "$("$RELIN" plan sweep.yaml --json --jobs)" ]
    run -0 "$RELIN" plan sweep.yaml --json --calibrate
    json 'd["learned"]["machine"] > 0 and d["learned"]["machine"] != 1'
    sum=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["seconds"]["sum"])' "$once")
    json "abs(d['seconds']['sum'] / d['learned']['machine'] / $sum - 1) < 1e-4"
}

@test "a million jobs are simulated on a hundred thousand workers" {
    run -0 timeout 120 "$RELIN" plan sweep.yaml --repeat 111112 --workers 100000 training.steps=40000
    [[ $output == *"planned: 1000008 jobs"*"rank 0 commits at most 3333 jobs a second: 300 s for all"*$'\n'"100000 "* ]]
}

@test "allocations are compared: scaling, threads, orders, wrong predictions" {
    command -v python3 >/dev/null || skip "no python3"
    study=$BATS_TEST_DIRNAME/../../sweeps/allocation-study.yaml
    run -0 "$RELIN" plan "$study" --compare --json training.steps=60000
    json 'all(r["workers"] >= d["strong"][0]["makespan_seconds"] / r["makespan_seconds"] for r in d["strong"])'
    json '[r["jobs"] // 60 for r in d["weak"]] == [2 ** i for i in range(len(d["weak"]))] and len(d["weak"]) > 8'
    json '[r["workers"] // d["base_workers"] for r in d["weak"]] == [2 ** i for i in range(len(d["weak"]))]'
    json 'd["weak"][3]["makespan_seconds"] < 1.2 * d["weak"][0]["makespan_seconds"]'
    # below saturation threads cost time, far beyond it they save some
    json '[r["threads"] for r in d["threads"]] == 2 * ["1", "2", "4", "8"] and not any(r["measured"] for r in d["threads"])'
    json 'd["threads"][3]["makespan_seconds"] > d["threads"][0]["makespan_seconds"]'
    json 'd["threads"][6]["makespan_seconds"] < d["threads"][4]["makespan_seconds"]'
    json '[r["order"] for r in d["orders"][:3]] == ["longest first", "as in the file", "random"]'
    json 'all(d["orders"][i]["makespan_seconds"] > 1.1 * d["orders"][i - i % 3]["makespan_seconds"] for i in (1, 2))'
    json '[r["error"] for r in d["errors"][:4]] == ["0", "0.1", "0.3", "1"]'
    json 'd["errors"][1]["makespan_seconds"] < 1.05 * d["errors"][0]["makespan_seconds"] < d["errors"][3]["makespan_seconds"]'
}

@test "a comparison says what a seed costs, by the files of earlier runs" {
    command -v python3 >/dev/null || skip "no python3"
    "$RELIN" run sweep.yaml -o felt.h5 data.task=classification 2>/dev/null
    run -0 "$RELIN" plan sweep.yaml --compare --json --from felt.h5 data.task=classification
    json 'd["felt"]["cells"] == 2 and d["felt"]["seeds"] == 3 and d["felt"]["one_more_seed_core_hours"] > 0'
    json 'd["felt"]["half_a_point_core_hours"] >= 2 * d["felt"]["one_more_seed_core_hours"]'
    json 'd["felt"]["pause_seconds"] is None and d["threads"][0]["measured"] and not d["threads"][1]["measured"]'
    run -0 "$RELIN" plan sweep.yaml --compare --from felt.h5 data.task=classification
    [[ $output == *"strong scaling"*"weak scaling"*"threads against workers"*"order of hand-out"*"wrong by"* ]]
    [[ $output == *"one more seed of all cells"*"every cell to +-0.5 points"* ]]
}

@test "a plan is checked against the run that came of it" {
    command -v python3 >/dev/null || skip "no python3"
    long=(training.steps=20000 grid.refresh_period=[1])
    "$RELIN" run sweep.yaml -o checked.h5 "${long[@]}" 2>/dev/null
    run -0 "$RELIN" plan sweep.yaml --json --check checked.h5 "${long[@]}"
    json 'd["checks"][0]["jobs"] == 3 and d["checks"][0]["workers"] == 1 and d["checks"][0]["parts"] == 1'
    # one worker: the sum of what its jobs took, and what the farm adds
    json '0.3 < d["checks"][0]["simulated_over_measured"] < 1.1'
    measured=$("$PYTHON" -c 'import h5py; f = h5py.File("checked.h5"); s = f["start_time"][:]; print((s + f["wall_seconds"][:]).max() - s.min())' 2>/dev/null) || measured=
    [ -z "$measured" ] || json "abs(d['checks'][0]['measured_seconds'] - $measured) < 1e-3"
    run -0 "$RELIN" plan sweep.yaml --json --check checked.h5 --from checked.h5 "${long[@]}"
    json 'abs(d["checks"][0]["predicted_seconds"] / d["checks"][0]["simulated_seconds"] - 1) < 0.2'
    json 'abs(d["checks"][0]["predicted_as_busy_over_measured"] / d["checks"][0]["predicted_over_measured"] - 1) < 1e-3'
    run -0 "$RELIN" plan sweep.yaml --check checked.h5
    [[ $output == *"checked.h5: 3 jobs on 1 worker"$'\n'*measured*simulated*"predicted  not: the file has 3 jobs, not all of this sweep"* ]]
    run ! "$RELIN" plan sweep.yaml --check none.h5
    [[ $output == *none.h5* ]]
    run -2 "$RELIN" plan sweep.yaml --check checked.h5 --compare
    [[ $output == *"expected one of --compare, --check and --csv"* ]]
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
    for list in 0 1,, 2x 2x3x4x5 2x0 x3 1000001 2000x2000 -1 ''; do
        run -2 "$RELIN" plan sweep.yaml --workers "$list"
        [[ $output == *"--workers: expected at most 32 allocations"*"got '$list'"* ]]
    done
    run -2 "$RELIN" plan sweep.yaml --repeat 0
    [[ $output == *"--repeat: expected a whole number from 1 to 1000000, got '0'"* ]]
    run -2 "$RELIN" plan sweep.yaml --calibrate --from a.h5
    [[ $output == *"expected --from or --calibrate, got both"* ]]
    run ! "$RELIN" plan sweep.yaml --from none.h5
    [[ $output == *none.h5* ]]
    "$RELIN" run sweep.yaml -o two.h5 'grid={architecture: tiny, seed: 0..1}' 2>/dev/null
    run -2 "$RELIN" plan sweep.yaml --from two.h5
    [[ $output == *"--from two.h5: expected at least 3 jobs that were completed at their first attempt, got 2"* ]]
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
