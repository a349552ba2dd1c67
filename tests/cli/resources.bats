# relin status --resources, and the timeline and runs that it reads.

load farm

# rows FILE STATEMENTS: Python with t (used rows of the timeline), runs (of the runs), f (the file), json
rows() {
    "$PYTHON" -c 'import h5py' 2>/dev/null || skip "$PYTHON has no h5py"
    "$RELIN" status --resources --json "$1" > use.json
    "$PYTHON" - "$1" <<PYTHON
import json, sys
import h5py, numpy as np
f = h5py.File(sys.argv[1])
used = f["timeline/job"][:] >= 0
t = {name: f["timeline"][name][:][used] for name in f["timeline"]}
runs = {name: f["runs"][name][:][np.isfinite(f["runs/start"][:])] for name in f["runs"]}
use = json.load(open("use.json"))
# of one worker of a run no two attempts at a time
for run in range(len(runs["start"])):
    for worker in set(t["worker"][t["run"] == run]):
        mine = (t["run"] == run) & (t["worker"] == worker)
        order = np.argsort(t["start"][mine])
        start, end = t["start"][mine][order], t["end"][mine][order]
        assert (start[1:] >= end[:-1] - 1e-3).all(), (run, worker, start, end)
# the parts are the whole
for run in use["runs"]:
    assert abs(sum(run["worker_seconds"].values()) - run["workers"] * run["seconds"]) < 1e-3 * run["workers"] * run["seconds"], run
# every done job has one done attempt, with its times
done = np.flatnonzero(f["status"][:] == 2)
last = t["outcome"] == 1
assert sorted(t["job"][last]) == list(done), (t["job"][last], done)
rows = t["job"][last]
assert (t["start"][last] == f["start_time"][:][rows]).all() and (t["worker"][last] == f["worker"][:][rows]).all()
assert np.allclose(t["end"][last] - t["start"][last], f["wall_seconds"][:][rows], rtol=0, atol=1e-6)
$2
PYTHON
}

@test "an undisturbed run of two ranks: one run, an attempt a job, sums as the jobs' columns" {
    mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    rows f.h5 '
assert len(runs["start"]) == 1 and len(t["job"]) == 12 and set(t["worker"]) <= {0, 1}
assert runs["exit_code"][0] == 0 and runs["ranks"][0] == runs["workers"][0] == 2 and runs["nodes"][0] == 1
assert runs["hand_outs"][0] == runs["commits"][0] == runs["jobs_waiting"][0] == 12 and runs["dispatches"][0] >= 1
assert runs["end"][0] >= t["end"].max() - 1e-3 and runs["ready"][0] > runs["start"][0]
assert use["done"] == use["jobs"] == 12 and use["runs"][0]["results"] == 12 and 0 < use["efficiency"] <= 1
assert abs(use["job_seconds"] - f["wall_seconds"][:].sum()) < 1e-6
assert [c["done"] for c in use["cells"]] == [4, 4, 4] and [c["refresh_period"] for c in use["cells"]] == [1, 10, "inf"]
assert abs(sum(c["flops"] for c in use["cells"]) - f["flops"][:].sum()) <= 1e-9 * f["flops"][:].sum()'
    run "$RELIN" status --resources f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == "farm: 12 of 12 jobs done in 1 run; "*"core-hours"*"efficiency"*"useful"*"tail"*"prediction"*"next time: for all 12 jobs on 2 workers ask for"*"small"*"inf"* ]]
    "$RELIN" verify f.h5
}

@test "a run that goes on is a second one, with the pause between, also into a larger grid" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0..1 -o f.h5
    "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    rows f.h5 '
assert len(runs["start"]) == 2 and list(runs["jobs_waiting"]) == [6, 6] and list(np.bincount(t["run"])) == [6, 6]
assert use["runs"][0]["pause"] is None
assert abs(use["runs"][1]["pause"] - (t["start"][t["run"] == 1].min() - t["end"][t["run"] == 0].max())) < 1e-5'
    run "$RELIN" status --resources f.h5
    [[ "$output" == *"12 of 12 jobs done in 2 runs"*"from the last job of run 0 to the first of run 1:"* ]]
}

@test "a killed run keeps its timeline: what it had done is there, what it ran is lost, in the next run's file too" {
    "$RELIN" run "$SWEEPS/farm.yaml" training.steps=60000 limits.checkpoint=none -o f.h5 3>&- &
    wait_for 60 done_jobs f.h5 1
    kill -KILL $!
    wait $! || true
    wait_for 20 nothing_runs
    "$RELIN" status --resources --json f.h5 > killed.json
    "$RELIN" run "$SWEEPS/farm.yaml" training.steps=60000 limits.checkpoint=none -o f.h5
    rows f.h5 '
killed = json.load(open("killed.json"))
first = t["run"] == 0
assert len(runs["start"]) == 2 and np.isnan(runs["end"][0]) and runs["exit_code"][0] == -1 and runs["exit_code"][1] == 0
assert (t["outcome"][first] == 1).sum() >= 1 and set(t["outcome"]) <= {1, 3}
assert killed["runs"][0]["end"] is None and killed["runs"][0]["alive"] is False
assert killed["runs"][0]["attempts"] == first.sum() and killed["done"] == (t["outcome"][first] == 1).sum()
assert abs(killed["worker_seconds"]["results"] - use["runs"][0]["worker_seconds"]["results"]) < 1e-3'
    "$RELIN" verify f.h5
}

@test "a stopped run keeps what its jobs did until their checkpoints" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" training.steps=2000000 grid.seed=0 -o f.h5 3>&- &
    wait_for 60 job_runs
    kill -USR1 $!
    wait $! || [ $? -eq 75 ]
    rows f.h5 '
assert list(t["outcome"]) == [4] and runs["exit_code"][0] == 75
assert 0 <= t["kept"][0] <= t["end"][0] - t["start"][0] + 1e-3
assert use["done"] == 0 and use["runs"][0]["results"] == 0 and use["advice"]["seconds"] is None'
}

@test "energy is read from the counters of the nodes; what Slurm was asked for is written down" {
    mkdir -p rapl/intel-rapl:0
    echo package-0 > rapl/intel-rapl:0/name
    echo 1000000000000 > rapl/intel-rapl:0/max_energy_range_uj
    echo 5000000 > rapl/intel-rapl:0/energy_uj
    RELIN_POWERCAP=$PWD/rapl SLURM_NTASKS=2 SLURM_CPUS_PER_TASK=3 SLURM_MEM_PER_CPU=1000 \
        "$RELIN" run "$SWEEPS/farm.yaml" --walltime=1h -o f.h5
    rows f.h5 '
assert runs["energy_joules"][0] == 0 and runs["requested_tasks"][0] == 2 and runs["requested_cpus"][0] == 3
assert runs["requested_memory"][0] == 3000 * 1048576 and abs(runs["time_limit"][0] - 3600) < 1
assert use["runs"][0]["cores"] == 3'
    run "$RELIN" status --resources f.h5
    [[ "$output" == *"energy "*"0 kJ"*"asked for, and used, in run 0"*"time    1 h"*"cores   3 a task"*"memory  3.15 GB a task"* ]]
}

@test "files of parts of a sweep are joined with their runs" {
    "$RELIN" run "$SWEEPS/farm.yaml" --part 1/2 -o a.h5
    "$RELIN" run "$SWEEPS/farm.yaml" --part 2/2 -o b.h5
    "$RELIN" merge a.h5 b.h5 -o f.h5
    rows f.h5 'assert len(runs["start"]) == 2 and list(np.bincount(t["run"])) == [6, 6]'
}

@test "a file of before there was a timeline is read, and goes on without" {
    "$PYTHON" -c 'import h5py' 2>/dev/null || skip "$PYTHON has no h5py"
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5", "r+"); del f["runs"], f["timeline"]; f["status"][0] = 0'
    "$RELIN" verify f.h5
    run "$RELIN" status --resources f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"2 of 3 jobs done in 0 runs"*"no timeline"*"architecture"* ]]
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    "$RELIN" status --exit-code f.h5
    "$RELIN" verify f.h5
}

@test "a torn row of the timeline is not read, and told; a row that cannot be is damage" {
    "$PYTHON" -c 'import h5py' 2>/dev/null || skip "$PYTHON has no h5py"
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5", "r+"); f["timeline/end"][1] += 1'
    run "$RELIN" verify f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"timeline: 1 rows do not fit their checksum"* ]]
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5", "r+"); del f["runs/threads"]'
    run "$RELIN" verify f.h5
    [ "$status" -eq 3 ]
    [[ "$output" == *"runs/threads: expected a dataset, got none"* ]]
}

# a file whose run was killed, with the lock of one that is alive: this test
killed_and_locked() {
    "$RELIN" run "$SWEEPS/farm.yaml" training.steps=60000 limits.checkpoint=none -o f.h5 3>&- &
    wait_for 60 done_jobs f.h5 1
    kill -KILL $!
    wait $! || true
    wait_for 20 nothing_runs
    printf 'host %s\npid %s\nslurm_job -\nrestart 0\nsince %s\n' "$(uname -n)" $$ "$(date +%s)" > f.h5.lock
}
lines_seen() { [ "$(wc -l < seen.txt)" -ge "$1" ]; }

@test "--watch follows a run to its end, a line a look where there is no terminal" {
    killed_and_locked
    "$RELIN" status --watch=0.1 f.h5 > seen.txt 3>&- &
    wait_for 20 lines_seen 5
    rm f.h5.lock
    wait $!
    cat seen.txt
    if [ -x "$(dirname "$RELIN")/relin-summary" ]; then   # the answer once, since no job ended meanwhile
        "$RELIN" summary --sentence f.h5 >answer.txt
        [ -s answer.txt ] && [ "$(grep -cFxf answer.txt seen.txt)" -eq "$(wc -l <answer.txt)" ]
    fi
    [ "$(grep -cE '^20[0-9TZ:-]+ [0-9]+ of 12 jobs done, 0 failed, [0-2] running, [0-9]+ pending; about .* left, give or take .*; 1 worker, busy [0-9]+ % of the last minute, ([0-9]{1,2}|100) % of the run$' seen.txt)" -ge 3 ]
    grep -qE '^farm: [0-9]+ of 12 jobs done' seen.txt
    not grep -q $'\033' seen.txt
    run "$RELIN" status --watch --json f.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"--watch shows text"* ]]
    run "$RELIN" status --watch=0 f.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"--watch: expected seconds, at least 0.1, got '0'"* ]]
}

@test "on a terminal --watch draws each cell in place" {
    command -v script >/dev/null || skip "the program script is missing"
    killed_and_locked
    script -qefc "'$RELIN' status --watch=0.1 f.h5" seen.txt < /dev/null > /dev/null 3>&- &
    wait_for 20 lines_seen 12
    rm f.h5.lock
    wait $!
    [ "$(grep -c $'\033\[H\033\[Jfarm, ' seen.txt)" -ge 2 ]
    grep -qE 'small +inf +\[[#+.]{30}\]  [0-9]/4' seen.txt
    [ ! -x "$(dirname "$RELIN")/relin-summary" ] || grep -q "small: no answer" seen.txt
    grep -qE 'farm: [0-9]+ of 12 jobs done' seen.txt
}
