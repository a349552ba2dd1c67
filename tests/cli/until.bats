# Seeds are added until intervals are narrow: relin run --until, and what reads such a file.

load farm

rule=halfwidth=0.0125,max_seeds=30,metric=test_loss
until_run() { "$RELIN" run --until "$rule" "$SWEEPS/farm.yaml" "${@:2}" -o "$1"; }
statuses() {
    "$PYTHON" - "$@" <<'PYTHON'
import h5py, sys
f = h5py.File(sys.argv[1])
K, s = f["refresh_period"][:], f["status"][:]
print(*("%g:%s" % (k, "".join(map(str, s[K == k]))) for k in (1, 10, float("inf"))), sep="\n")
PYTHON
}

@test "every cell gets 10 seeds, those that need more get them with the baseline, and the rest is skipped" {
    run until_run f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *" of 90 jobs done, 0 failed, "*" skipped"* ]]
    "$PYTHON" - <<'PYTHON'
import h5py, numpy
f = h5py.File("f.h5")
assert f["config"].attrs["until"] in (b"halfwidth=0.0125,max_seeds=30,min_seeds=10,metric=test_loss,baseline=1",
                                      "halfwidth=0.0125,max_seeds=30,min_seeds=10,metric=test_loss,baseline=1")
t = {9: 2.262157162740992, 10: 2.2281388519649385, 23: 2.068657610419041}
K, s, x = f["refresh_period"][:], f["status"][:], f["test_loss"][:]
assert set(s) <= {2, 4}, s
n = {k: int((s[K == k] == 2).sum()) for k in (1, 10, numpy.inf)}
assert n[1] == max(n[10], n[numpy.inf]) and n[10] == 10 < n[numpy.inf], n      # ten are enough for K=10
def half(k, m): return t[m - 1] * (x[K == k] - x[K == 1])[:m].std(ddof=1) / m ** 0.5
assert half(10, 10) <= 0.0125 and half(numpy.inf, 10) > 0.0125
for k in n: assert (s[K == k][:n[k]] == 2).all()                              # the first seeds
PYTHON
    run "$RELIN" status --exit-code f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"skipped"* ]]
    "$RELIN" verify f.h5
}

@test "what runs does not depend on ranks, order or a stop; without --until the file's rule holds" {
    until_run one.h5
    mpi 3 "$RELIN" run --until "$rule" --order random "$SWEEPS/farm.yaml" -o three.h5
    [ "$(statuses one.h5)" = "$(statuses three.h5)" ]
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0..29 grid.refresh_period=[1,10] -o part.h5    # some is there already
    until_run part.h5
    [ "$(statuses one.h5 | tail -1)" = "$(statuses part.h5 | tail -1)" ]
    before=$(sha256sum <one.h5)
    run "$RELIN" run "$SWEEPS/farm.yaml" -o one.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"were there already"* ]]
    [ "$(sha256sum <one.h5)" = "$before" ]
}

@test "a run by the rule that is killed with all its ranks goes on to the same rows" {
    slower=(training.steps=8000 training.evaluations=4 kernels.snapshots=0 kernels.path_points=0)
    until_run whole.h5 "${slower[@]}"
    mpirun -q -n 2 "$RELIN" run --until "$rule" "$SWEEPS/farm.yaml" "${slower[@]}" -o f.h5 &
    wait_for 60 done_jobs f.h5 12
    for pid in $! $(pgrep -P $!); do kill -KILL "$pid"; done
    wait $! || true
    wait_for 10 nothing_runs
    mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" "${slower[@]}" -o f.h5
    [ "$(statuses whole.h5)" = "$(statuses f.h5)" ]
    same whole.h5 f.h5
}

@test "a later rule that asks for more goes on from what was skipped" {
    until_run f.h5
    mpi 2 "$RELIN" run --until halfwidth=0.0001,max_seeds=32,metric=test_loss "$SWEEPS/farm.yaml" -o f.h5
    run statuses f.h5
    [ "$output" = "$(for k in 1 10 inf; do echo "$k:$(printf '2%.0s' {1..32})"; done)" ]
}

@test "the status says how narrow each cell's interval is, what is in reserve, and how long that may take" {
    until_run f.h5
    "$PYTHON" - <<'PYTHON'
import h5py, numpy
f = h5py.File("f.h5", "r+")
K, s = f["refresh_period"][:], f["status"][:]
s[s == 4] = 0                                   # as if the rule had not got so far
s[numpy.flatnonzero(K == 1)[12:]] = 0
s[numpy.flatnonzero(K == numpy.inf)[10:]] = 0
f["status"][:] = s
PYTHON
    printf 'host %s\npid %s\nslurm_job -\nrestart 0\nsince %s\n' "$(uname -n)" $$ "$(date +%s)" >f.h5.lock   # a run is alive
    "$RELIN" status --json f.h5 >s.json
    "$PYTHON" - <<'PYTHON'
import h5py, json, numpy
s, f = json.load(open("s.json")), h5py.File("f.h5")
K, x = f["refresh_period"][:], f["test_loss"][:]
base, ten, inf = s["until"]["cells"]
def half(k): return 2.262157162740992 * (x[K == k] - x[K == 1])[:10].std(ddof=1) / 10 ** 0.5
assert base["is_baseline"] and base["ended"] == 12 and base["state"] == "open" and base["active"] == inf["active"], base
assert (ten["ended"], ten["active"], ten["pairs"], ten["state"]) == (10, 10, 10, "narrow"), ten
assert (inf["ended"], inf["pairs"], inf["state"], inf["most"]) == (10, 10, "open", 30) and 10 < inf["active"] <= 20, inf
assert abs(ten["halfwidth"] / half(10) - 1) < 1e-9 and abs(inf["halfwidth"] / half(numpy.inf) - 1) < 1e-9
assert ten["halfwidth"] <= s["until"]["halfwidth"] < inf["halfwidth"] and inf["seeds_expected"] >= inf["active"]
assert s["reserved"] == 2 * (30 - inf["active"]) and s["pending"] == 58, s
PYTHON
    run "$RELIN" status f.h5
    [[ "$output" == *"farm: 32 of "*" in reserve, of which --until takes what it needs; 20 more skipped, not needed"* ]]
    [[ "$output" == *"1 of 2 cells decided: seeds are added until the 95 % interval of test_loss against K=1 is no wider than +-0.0125, 10 to 30 a cell"* ]]
    [[ "$output" == *"small, K=10 "*"10/10     10  +-0."*"narrow enough"*"small, K=inf "*"10/"*"10  +-0."*"open: "*"by the deviation so far"* ]]
    rm f.h5.lock
}

@test "the time left of a live run is that of the jobs that have their turn, and of all in reserve at most" {
    "$RELIN" run --until halfwidth=0.0001,max_seeds=40,metric=test_loss "$SWEEPS/farm.yaml" training.steps=8000 -o f.h5 &
    wait_for 60 done_jobs f.h5 5
    "$RELIN" status --json f.h5 >s.json
    "$RELIN" status f.h5 >text
    wait $!
    "$PYTHON" -c 'import json; s = json.load(open("s.json")); assert s["reserved"] in (30, 60, 90) and 0 < s["seconds_left"] < s["seconds_left_most"], s'
    grep -q 'left, give or take .*, for the jobs that have their turn by now, up to .* with all in reserve' text
}

@test "the summary gives intervals of such a file, and no p-values" {
    [ -x "$(dirname "$RELIN")/relin-summary" ] || skip "no relin-summary"
    until_run f.h5
    run "$RELIN" summary f.h5 --metric test_loss --table
    [[ "$(echo $output)" == *"intervals only, no p-values"*"halfwidth=0.0125,max_seeds=30"* ]] || [[ "$(echo $output)" == *"halfwidth=0.0125,max_seeds=30"*"intervals only, no p-values"* ]]
    "$RELIN" summary f.h5 --metric test_loss --json >s.json
    "$PYTHON" - <<'PYTHON'
import json
s = json.load(open("s.json"))
text = json.dumps(s)
assert all(c.get("p") is None and c.get("p_holm") is None for c in s["comparisons"]), s["comparisons"]
assert all(c["low"] < c["high"] for c in s["comparisons"]) if "low" in s["comparisons"][0] else True
assert "no p-values" in text
PYTHON
}

@test "rules that cannot hold are refused before anything runs" {
    run "$RELIN" run --until halfwidth=0.5% "$SWEEPS/farm.yaml" -o f.h5
    [ "$status" -eq 2 ] && [[ "$output" == *"--until: expected halfwidth= and max_seeds="* ]]
    run "$RELIN" run --until "$rule,baseline=7" "$SWEEPS/farm.yaml" -o f.h5
    [ "$status" -eq 2 ] && [[ "$output" == *"expected a cell with refresh_period=7"* ]]
    run "$RELIN" run --until "$rule" --part 1/2 "$SWEEPS/farm.yaml" -o f.h5
    [ "$status" -eq 2 ] && [[ "$output" == *"expected --until or --part, got both"* ]]
    [ ! -e f.h5 ]
}

@test "relin plan says how many further seeds are needed, and scipy says the same" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0..9 -o first.h5
    target=(--target-halfwidth 0.0125,metric=test_loss)
    "$RELIN" plan "$SWEEPS/farm.yaml" grid.seed=0..9 --from first.h5 "${target[@]}" --json >plan.json
    "$PYTHON" -c 'import scipy' 2>/dev/null || skip "python3 has no scipy"
    "$PYTHON" - <<'PYTHON'
import h5py, json, numpy
from scipy.stats import chi2, t
f, p = h5py.File("first.h5"), json.load(open("plan.json"))
K, x = f["refresh_period"][:], f["test_loss"][:]
def seeds(sd):
    n = 2
    while t.ppf(0.975, n - 1) * sd / n ** 0.5 > 0.0125: n += 1
    return max(10, n)
want = {}
for name, k in (("K=10", 10), ("K=inf", numpy.inf)):
    sd = (x[K == k] - x[K == 1]).std(ddof=1)
    want[name] = [seeds(sd * e) for e in (1, (9 / chi2.ppf(0.975, 9)) ** 0.5, (9 / chi2.ppf(0.025, 9)) ** 0.5)]
    cell, = [c for c in p["cells"] if c["cell"].endswith(name)]
    assert [cell["seeds"], cell["seeds_low"], cell["seeds_high"]] == want[name], (cell, want)
    assert abs(cell["deviation"] / sd - 1) < 1e-9 and abs(cell["halfwidth"] / (t.ppf(0.975, 9) * sd / 10 ** 0.5) - 1) < 1e-9
base, = [c for c in p["cells"] if c["is_baseline"]]
assert base["seeds"] == max(w[0] for w in want.values())
assert p["jobs"] == sum(c["further"] for c in p["cells"]) == sum(w[0] - 10 for w in want.values()) + base["seeds"] - 10
assert abs(p["core_hours"] * 3600 / sum(c["further"] * c["seconds"] for c in p["cells"]) - 1) < 1e-6
PYTHON
    run "$RELIN" plan "$SWEEPS/farm.yaml" grid.seed=0..9 --from first.h5 "${target[@]}"
    [[ "$output" == *"further jobs"*"Next: relin run --until halfwidth=0.0125,max_seeds="* && "$output" != *"none of this sweep"* ]]
    run "$RELIN" plan "$SWEEPS/farm.yaml" grid.seed=0..3 --from first.h5 "${target[@]}"
    [[ "$output" == *"18 jobs of --from are none of this sweep, and not counted: further seeds? then name them"* ]]
    run "$RELIN" plan "$SWEEPS/farm.yaml" --target-halfwidth 0.5%
    [ "$status" -eq 2 ] && [[ "$output" == *"expected --from FILE.h5 with the first seeds"* ]]
}

@test "files of one rule are joined and keep it; of different rules they are refused" {
    until_run one.h5
    until_run a.h5 grid.refresh_period=[1,10]
    until_run b.h5 grid.refresh_period=[1,inf]
    run "$RELIN" merge -o f.h5 --sweep "$SWEEPS/farm.yaml" a.h5 b.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *" of 90 jobs done, 0 failed, 0 missing, "*" skipped, from 2 files"* && "$output" != *"had no seeds"* ]]
    [ "$(statuses f.h5)" = "$(statuses one.h5)" ]
    "$PYTHON" -c 'import h5py; a, b = (h5py.File(n) for n in ("one.h5", "f.h5")); assert (a["job_id"][:] == b["job_id"][:]).all(); assert a["test_loss"][:].tobytes() == b["test_loss"][:].tobytes()'
    before=$(sha256sum <f.h5)
    run "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5      # by the rule that it kept there is nothing left
    [ "$status" -eq 0 ] && [ "$(sha256sum <f.h5)" = "$before" ]
    # a file without a rule is seeds more, which is said
    "$RELIN" run "$SWEEPS/farm.yaml" -o plain.h5
    for files in "plain.h5 b.h5" "b.h5 plain.h5"; do
        rm f.h5
        run "$RELIN" merge -o f.h5 --sweep "$SWEEPS/farm.yaml" $files
        [ "$status" -eq 75 ]
        [[ "$output" == *"1 of the files had no seeds added by a rule; the others' holds for all (halfwidth=0.0125,max_seeds=30,"* ]]
        "$PYTHON" -c 'import h5py; assert "max_seeds=30" in str(h5py.File("f.h5")["config"].attrs["until"])'
    done
    # another rule
    "$RELIN" run --until halfwidth=0.02,max_seeds=30,metric=test_loss "$SWEEPS/farm.yaml" -o other.h5
    before=$(sha256sum <f.h5)
    run "$RELIN" merge -o f.h5 a.h5 other.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"a.h5 and other.h5 had seeds added by different rules"*"halfwidth=0.0125,"*"halfwidth=0.02,"* ]]
    [ "$(sha256sum <f.h5)" = "$before" ]
    run "$RELIN" merge -o f.h5 other.h5               # nor with that of the file that is there
    [ "$status" -eq 2 ] && [[ "$output" == *"other.h5 and f.h5 had seeds added by different rules"* ]]
    # but a summary may be of several, and says by which
    run "$RELIN" summary a.h5 other.h5 --metric test_loss
    [ "$status" -eq 0 ]
    [[ $(tr -s ' \n' ' ' <<< "$output") == *"halfwidth=0.0125,"*"halfwidth=0.02,"* ]]
    [[ "$output" != *Holm-adjusted* ]]
}
