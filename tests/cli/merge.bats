# Parts of a sweep, and one file of them.

load farm
bats_require_minimum_version 1.5.0

part() { "$RELIN" run --part "$1" "$SWEEPS/farm.yaml" -o "$2" "${@:3}" >/dev/null; }
py() { "$PYTHON" -c "import h5py, sys; import numpy as np; f = h5py.File(sys.argv[1], '${3:-r}'); $2" "$1"; }

@test "the parts of a sweep have each job once, and joined they are the file of the whole" {
    for k in 1 2 3; do part $k/3 p.$k.h5; done
    # each once, and each part has its share of the dear ones
    "$RELIN" plan --json --jobs "$SWEEPS/farm.yaml" >plan.json
    "$PYTHON" - <<'PYTHON'
import h5py, json
seconds = {job["job_id"]: job["seconds"] for job in json.load(open("plan.json"))["job_list"]}
parts = [list(h5py.File(f"p.{k}.h5")["job_id"].asstr()[:]) for k in (1, 2, 3)]
assert sorted(sum(parts, [])) == sorted(seconds), parts
sums = [sum(seconds[job] for job in part) for part in parts]
assert max(sums) - min(sums) <= max(seconds.values()), sums
PYTHON
    "$RELIN" run "$SWEEPS/farm.yaml" -o whole.h5
    run -0 "$RELIN" merge -o f.h5 p.3.h5 p.1.h5 p.2.h5
    [[ $output == *"f.h5: 12 of 12 jobs done, 0 failed, 0 missing, from 3 files"* ]]
    same whole.h5 f.h5
    same f.h5 whole.h5
    # the same order of rows, sweep and probes
    py f.h5 'g = h5py.File("whole.h5"); assert (f["job_id"][:] == g["job_id"][:]).all(); assert f["config/text"][()] == g["config/text"][()]; assert (f["probe/set0/x"][:] == g["probe/set0/x"][:]).all(); assert f.attrs["axes"] == g.attrs["axes"]'
    # whole: nothing is left to run, and its numbers are what their checksums say
    run -0 "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    [[ $output == *"12 were there already"* ]]
    "$RELIN" verify f.h5
    [ ! -e f.h5.lock ] && [ ! -e f.h5.new ]
}

@test "a sweep with overrides and without a name of its own is known from a part" {
    sed '/^name:/d' "$SWEEPS/farm.yaml" >mine.yaml
    for k in 1 2; do "$RELIN" run --part $k/2 mine.yaml grid.seed=0..1 training.steps=70 -o p.$k.h5; done
    rm mine.yaml
    "$RELIN" merge -o f.h5 p.*.h5
    py f.h5 'assert f["config/name"][()] == b"mine" and len(f["job"]) == 6; t = f["config/text"][()]; assert t.count(b"# override:") == 2, t; assert t == h5py.File("p.1.h5")["config/text"][()]'
}

@test "jobs that no file has are told, pending, and run later" {
    for k in 1 3; do part $k/3 p.$k.h5; done
    run -75 "$RELIN" merge -o f.h5 p.1.h5 p.3.h5
    [ "$(grep -c '^missing: job [0-9]* (small K=.* seed [0-3])$' <<<"$output")" -eq 4 ]
    [[ $output == *"f.h5: 8 of 12 jobs done, 0 failed, 4 missing, from 2 files"*'`relin run` of the whole sweep with -o f.h5'* ]]
    cp f.h5 g.h5
    run -0 "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    [[ $output == *"8 were there already"* ]]
    "$RELIN" run "$SWEEPS/farm.yaml" -o whole.h5
    same whole.h5 f.h5
    # or the file takes what comes later
    part 2/3 p.2.h5
    run -0 "$RELIN" merge -o g.h5 p.*.h5 g.h5
    [[ $output == *"12 of 12 jobs done"*"from 3 files"* ]]
    same whole.h5 g.h5
}

@test "failed jobs stay failed unless another file has their result" {
    part 1/2 p.1.h5
    part 2/2 p.2.h5
    py p.2.h5 'f["status"][:] = 3' r+
    run -3 "$RELIN" merge -o f.h5 p.1.h5 p.2.h5
    [[ $output == *"6 of 12 jobs done, 6 failed, 0 missing"*"relin status f.h5"* ]]
    part 2/2 again.h5
    run -0 "$RELIN" merge -o f.h5 again.h5
    [[ $output == *"12 of 12 jobs done, 0 failed"* ]]
    "$RELIN" run "$SWEEPS/farm.yaml" -o whole.h5
    same whole.h5 f.h5
}

@test "results that contradict each other are refused, and the file kept" {
    part 1/2 p.1.h5
    part 1/2 q.1.h5
    "$RELIN" merge -o f.h5 p.1.h5 || [ $? -eq 75 ]
    before=$(sha256sum <f.h5)
    # the same result from another run is none
    run -75 "$RELIN" merge -o g.h5 p.1.h5 q.1.h5
    [[ $output == *"6 of 12 jobs done"* ]]
    # one job of another seed of its numbers, with a checksum that fits
    "$RELIN" run "$SWEEPS/farm.yaml" -o other.h5 training.lr=0.06
    py q.1.h5 'g = h5py.File("other.h5", "r"); [f[n].__setitem__(0, g[n][0]) for n in f if isinstance(f[n], h5py.Dataset) and n in g and f[n].shape[1:] == g[n].shape[1:] and f[n].shape[0] == 6 and g[n].shape[0] == 12 and n not in ("job", "job_id")]; [f["kernels"][n].__setitem__(0, g["kernels"][n][0]) for n in f["kernels"] if f["kernels"][n].shape[:1] == (6,) and n not in ("job", "job_id")]' r+
    run -2 "$RELIN" merge -o f.h5 q.1.h5
    [[ $output == *"f.h5 and q.1.h5 contradict each other on the job "*"train_loss"*"leave the wrong file out"* ]]
    [ "$(sha256sum <f.h5)" = "$before" ]
    [ ! -e f.h5.lock ] && [ ! -e f.h5.new ]
}

@test "a damaged row counts as missing" {
    part 1/2 p.1.h5
    py p.1.h5 'f["train_loss"][0] = 1' r+
    run -75 "$RELIN" merge -o f.h5 p.1.h5
    [[ $output == *"its numbers do not fit their checksum"*"5 of 12 jobs done, 0 failed, 7 missing"* ]]
}

@test "jobs of another sweep need a sweep that has them all" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0..1 -o a.h5
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=2..3 -o b.h5
    run -2 "$RELIN" merge -o f.h5 a.h5 b.h5
    [[ $output == *"b.h5: expected jobs of the sweep 'farm' only, got 6 others among the 6 that are done: name with --sweep"* ]]
    [ ! -e f.h5 ]
    run -0 "$RELIN" merge -o f.h5 --sweep "$SWEEPS/farm.yaml" a.h5 b.h5
    "$RELIN" run "$SWEEPS/farm.yaml" -o whole.h5
    same whole.h5 f.h5
}

@test "what was measured afterwards in a part is in the file" {
    for k in 1 2; do part $k/2 p.$k.h5 kernels.snapshots=0; done
    "$RELIN" measure p.1.h5 --metric kernel_distance
    "$RELIN" merge -o f.h5 p.1.h5 p.2.h5
    py f.h5 'assert (~np.isnan(f["kernels/kernel_distance"][:]).all(1)).sum() == 6'
    "$RELIN" verify f.h5
}

@test "bad parts and bad files are refused" {
    for part in 0/3 4/3 3 a/b 1/ /3 1/0 1/2/3; do
        run -2 "$RELIN" run --part $part "$SWEEPS/farm.yaml" -o f.h5
        [[ $output == *"--part: expected K/N with K from 1 to N, such as 2/8, got $part"* ]]
    done
    run -2 "$RELIN" run --part 2/13 "$SWEEPS/farm.yaml" -o f.h5
    [[ $output == *"--part: expected at most as many parts as jobs, 12, got 13"* ]]
    run -2 "$RELIN" merge f.h5
    [[ $output == *"expected -o FILE.h5"* ]]
    run -2 "$RELIN" merge -o f.h5
    [[ $output == *"expected result files"* ]]
    run -70 "$RELIN" merge -o f.h5 none.h5
    [[ $output == *"none.h5: "* ]]
    [ ! -e f.h5 ]
}

@test "parts are the same under mpirun, and do not depend on the file that is there" {
    part 2/3 p.h5
    mpi 2 "$RELIN" run --part 2/3 "$SWEEPS/farm.yaml" -o q.h5
    same p.h5 q.h5
    run -0 mpi 2 "$RELIN" run --part 2/3 "$SWEEPS/farm.yaml" -o p.h5
    [[ $output == *"4 of 4 jobs done"*"4 were there already"* ]]
    run -2 "$RELIN" run --part 1/3 "$SWEEPS/farm.yaml" -o p.h5
    [[ $output == *"whose results would be lost"* ]]
}
