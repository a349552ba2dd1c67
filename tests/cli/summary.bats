# relin summary on a real file whose scores were replaced by known ones.

setup_file() {
    export FILE="$BATS_FILE_TMPDIR/summary.h5" HOLES="$BATS_FILE_TMPDIR/holes.h5"
    export COLUMNS=100 LC_ALL=C.UTF-8
    "$PYTHON" -c 'import h5py' 2>/dev/null || return 0
    relin run tests/sweeps/summary.yaml -o "$FILE"
    cp "$FILE" "$HOLES"
    "$PYTHON" tests/python/set_scores.py "$FILE"
    "$PYTHON" tests/python/set_scores.py "$HOLES" holes
}

setup() {
    [ -f "$FILE" ] || skip "python3 has no h5py"
    relin summary --help >/dev/null
}

needs_gsl() {
    ! relin summary "$FILE" | grep -q "built without GSL" || skip "built without GSL"
}

@test "the sentence says how many updates suffice and what never updating costs" {
    needs_gsl
    run relin summary --sentence "$FILE"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "wide: 3 feature updates [1, 3] suffice within 1 point of SGD; never updating costs 5.5 points [4.6, 6.4]." ]
    [[ "${lines[1]}" = deep:* ]]
    [ "${#lines[@]}" -eq 2 ]
}

@test "the table has one row a cell, both read-outs, differences and the path length" {
    needs_gsl
    run relin summary --table "$FILE"
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" = "wide: test_accuracy of f_lin, percent"* ]]
    for title in K updates n mean interval f_theta path "vs K=1" Holm enough; do
        [[ "${lines[1]}" = *"$title"* ]]
    done
    [[ "${lines[2]}" = *"1"*"19"*"4"*"80.50 [78.45, 82.55]"*"70.50"* ]]
    [[ "${lines[4]}" = *"inf"*"0"*"4"*"75.00"*"-5.50 [-6.42, -4.58]"*"0.250"*"no" ]]
    [[ "$output" = *"24 jobs: 0 failed, 0 diverged, 0 pending or running."* ]]
    [[ "$output" = *"7 seeds are needed"* ]]
    [[ "$output" != *"has not converged"* ]]
}

@test "nothing is wider than the screen" {
    for width in 80 100 140; do
        run env COLUMNS=$width "$RELIN" summary --table --curve "$HOLES"
        [ "$status" -eq 0 ]
        [ "$(grep -v '^left out' <<<"$output" | wc -L)" -le "$width" ]
    done
}

@test "failed, diverged and pending jobs are counted and told" {
    run relin summary "$HOLES" --where architecture=wide
    [ "$status" -eq 0 ]
    [[ "$output" = *"12 jobs: 1 failed, 1 diverged, 1 pending or running."* ]]
    [[ "$output" = *"failed jobs are in no mean"* ]]
    run relin summary "$HOLES" --csv --where refresh_period=5
    [[ "${lines[1]}" = "wide,5,test_accuracy,linear,4,2,1,1,0,3,"* ]]
}

@test "a diverged job keeps its K from being called enough" {
    needs_gsl
    run relin summary "$HOLES" --sentence --where architecture=wide
    [[ "$output" = "wide: fewer feature updates than SGD's own 19 are not shown to suffice"* ]]
}

@test "the CSV holds the numbers that Python computes from the file" {
    needs_gsl
    relin summary --csv "$FILE" >"$BATS_TEST_TMPDIR/t.csv"
    "$PYTHON" - "$FILE" "$BATS_TEST_TMPDIR/t.csv" <<'PYTHON'
import csv, sys
import h5py, numpy as np
T3 = 3.182446305284263   # quantile 0.975 of Student's t with 3 degrees of freedom
f = h5py.File(sys.argv[1])
name = np.array([a.decode() for a in f["architecture"][:]])
period, seed = f["refresh_period"][:], f["seed"][:]
def values(dataset, a, k):
    rows = np.flatnonzero((name == a) & (period == k))
    return f[dataset][:][rows[np.argsort(seed[rows])]]
rows = list(csv.DictReader(open(sys.argv[2])))
assert len(rows) == 6, rows
for row in rows:
    a, k = row["architecture"], float(row["refresh_period"])
    x = values("test_accuracy", a, k)
    half = T3 * x.std(ddof=1) / 2
    path = values("kernels/kernel_path_length_linearised", a, k)
    if k == 1:
        path = np.where(np.isnan(path), values("kernels/kernel_path_length", a, k), path)
    expected = dict(n=4, mean=x.mean(), sd=x.std(ddof=1), se=x.std(ddof=1) / 2, median=np.median(x), min=x.min(),
                    max=x.max(), low=x.mean() - half, high=x.mean() + half, network_mean=x.mean() - 0.1,
                    path_length_mean=path.mean())
    if k != 1:
        d = x - values("test_accuracy", a, 1)
        half = T3 * d.std(ddof=1) / 2
        expected.update(pairs=4, difference_mean=d.mean(), difference_low=d.mean() - half, difference_high=d.mean() + half)
    for key, value in expected.items():
        assert abs(float(row[key]) - value) < 1e-9 * max(1, abs(value)), (a, k, key, row[key], value)
    assert row["suffices"] == {1: "baseline", 5: "yes", np.inf: "no"}[k]
PYTHON
}

@test "the JSON is valid, inf is a string and what is missing is null" {
    relin summary --json "$FILE" | "$PYTHON" -c '
import json, sys
d = json.load(sys.stdin, parse_constant=lambda c: sys.exit("not JSON: " + c))
q = d["question"]
assert d["format"] == 2 and q["metric"] == "test_accuracy" and q["readout"] == "linear" and q["over"] == ["seed"]
assert [c["refresh_period"] for c in d["cells"][:3]] == [1, 5, "inf"]
assert d["cells"][0]["bca_low"] is None and d["cells"][0]["n"] == 4
assert [a["architecture"] for a in d["answers"]] == ["wide", "deep"]
assert all("sentence" in a for a in d["answers"]) and all(n["about"] and n["text"] for n in d["notes"])
assert [f["compared"] for f in d["comparisons"]] == [2, 2] and d["comparisons"][0]["pairs_needed"] == 7
assert d["provenance"]["jobs"] == 24 and d["provenance"]["files"][0]["sweep"] == "summary-test"'
}

@test "the curve distinguishes the read-outs without colour, in UTF-8 and in ASCII" {
    run relin summary --curve "$FILE"
    [ "$status" -eq 0 ]
    [[ "$output" = *"●"* && "$output" = *"○"* && "$output" = *"updates"* ]]
    [[ "$output" != *$'\e'* ]]
    run env LC_ALL=C "$RELIN" summary --curve "$FILE"
    [[ "$output" = *"*"* && "$output" = *" o "* ]]
    ! LC_ALL=C grep -q '[^ -~]' <<<"$output"
}

@test "--readout, --metric, --baseline, --margin and --by change the question" {
    needs_gsl
    run relin summary "$FILE" --readout network --table
    [[ "${lines[0]}" = *"test_accuracy of f_theta"* ]]
    [[ "$output" = *"no claim rests on"* ]]
    run relin summary "$FILE" --metric wall_seconds --sentence
    [[ "$output" = *"no answer: whether this metric should be high or low is not known."* ]]
    run relin summary "$FILE" --margin 0.07 --sentence
    [[ "${lines[0]}" = "wide: 0 feature updates [0, 0] suffice within 7 points of SGD;"* ]]
    [ "$(relin summary "$FILE" --margin 7% --json)" = "$(relin summary "$FILE" --margin 0.07 --json)" ]
    run relin summary "$FILE" --baseline 5 --sentence
    [[ "${lines[0]}" = *"within 1 point of K=5"* ]]
    run relin summary "$FILE" --by refresh_period --csv
    [ "${#lines[@]}" -eq 4 ]
    [[ "${lines[1]}" = "1,test_accuracy,linear,8,8,"* ]]
}

@test "a value that is an object is told in words, and as it is in CSV" {
    relin run tests/sweeps/farm.yaml grid.seed=0 grid.refresh_period=[1,10] 'grid.training.lr=[{of_limit: 0.25}, 0.05]' -o "$BATS_TEST_TMPDIR/words.h5"
    run relin summary "$BATS_TEST_TMPDIR/words.h5" --metric test_loss
    [[ "$output" = *"training_lr of_limit 0.25:"* && "$output" != *"{"* ]]
    run relin summary "$BATS_TEST_TMPDIR/words.h5" --metric test_loss --csv
    [[ "${lines[1]}" = 'small,"{""of_limit"":0.25}",1,test_loss,'* ]]
}

@test "a job in two files counts once" {
    run relin summary "$FILE" "$FILE" --csv --by architecture
    [[ "${lines[1]}" = "wide,test_accuracy,linear,12,12,"* ]]
}

@test "mistakes are told with what was expected and end with 2" {
    run relin summary
    [ "$status" -eq 2 ]
    run relin summary "$FILE" --where colour=red
    [ "$status" -eq 2 ]
    [[ "$output" = *"--where: expected an axis (architecture, refresh_period, seed), got 'colour'"* ]]
    run relin summary "$FILE" --where refresh_period=7
    [ "$status" -eq 2 ]
    [[ "$output" = *"expected one of 1, 5, inf, got '7'"* ]]
    run relin summary "$FILE" --metric test_acuracy
    [ "$status" -eq 2 ]
    run relin summary "$FILE" --readout both
    [ "$status" -eq 2 ]
    [[ "$output" = *"expected linear or network, got 'both'"* ]]
    run relin summary "$FILE" --margin -1
    [ "$status" -eq 2 ]
    run relin summary "$FILE" --margin 1% --metric test_loss
    [ "$status" -eq 2 ]
    [[ "$output" = *"expected a number in the unit of test_loss, got a percentage"* ]]
}

@test "files that are no results are refused by name" {
    run relin summary "$BATS_TEST_TMPDIR/none.h5"
    [ "$status" -eq 70 ]
    [[ "$output" = *"none.h5"* ]]
    echo text >"$BATS_TEST_TMPDIR/text.h5"
    run relin summary "$BATS_TEST_TMPDIR/text.h5"
    [ "$status" -eq 70 ]
    [[ "$output" = *"expected a result file of relin"* ]]
}

@test "a full disk is an error" {
    [ -e /dev/full ] || skip "no /dev/full"
    run sh -c '"$RELIN" summary --csv "$FILE" >/dev/full'
    [ "$status" -eq 75 ]
}

@test "the picture is drawn from the file" {
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    run analysis/figure.sh "$FILE" "$BATS_TEST_TMPDIR/picture.svg"
    [ "$status" -eq 0 ]
    grep -q '</svg>' "$BATS_TEST_TMPDIR/picture.svg"
    grep -q 'kernel path length' "$BATS_TEST_TMPDIR/picture.svg"
    grep -q 'refresh period K' "$BATS_TEST_TMPDIR/picture.svg"
    run analysis/figure.sh "$FILE" "$BATS_TEST_TMPDIR/picture.pdf"
    [ "$status" -eq 2 ]
}

@test "the Python example reads the file" {
    "$PYTHON" -c 'import xarray, h5netcdf, pandas' 2>/dev/null || skip "python3 has no xarray, h5netcdf or pandas"
    run "$PYTHON" analysis/examples/read_result.py "$FILE"
    [ "$status" -eq 0 ]
    [[ "$output" = *"24 jobs, 24 done, 0 failed"* ]]
    [[ "$output" = *"-5.5"* ]]
}

@test "parameter alignment is the cosine with the K=1 twin of the same seed" {
    relin run tests/sweeps/summary.yaml kernels.parameters=final grid.seed=0..1 -o "$BATS_TEST_TMPDIR/final.h5"
    relin summary "$BATS_TEST_TMPDIR/final.h5" --metric parameter_alignment --csv >"$BATS_TEST_TMPDIR/alignment.csv"
    run "$PYTHON" tests/python/alignment.py "$BATS_TEST_TMPDIR/final.h5" "$BATS_TEST_TMPDIR/alignment.csv"
    [ "$status" -eq 0 ]
    [ "$output" = "6 cells agree" ]
    run relin summary "$FILE" --metric parameter_alignment
    [ "$status" -eq 2 ]
    [[ "$output" = *"kernels.parameters: final"* ]]
}

# beside WHAT FILE ROWS [ARGUMENT...]: the CSV of a file, with these arguments, agrees with numpy.
beside() {
    relin summary --csv "${@:4}" "$2" >"$BATS_TEST_TMPDIR/beside.csv"
    run "$PYTHON" tests/python/beside.py "$1" "$2" "$BATS_TEST_TMPDIR/beside.csv"
    [ "$output" = "$3 rows agree" ]
}

@test "schedules are compared with K=1 and counted by the updates that happened" {
    needs_gsl
    relin run tests/sweeps/beside.yaml -o "$BATS_TEST_TMPDIR/beside.h5"
    beside schedules "$BATS_TEST_TMPDIR/beside.h5" 5
    run relin summary "$BATS_TEST_TMPDIR/beside.h5"
    [ "$status" -eq 0 ]
    [[ "$output" = *"wide: never updating"*" Against SGD: with "*"at=1..12 "*"with 2 feature updates, first=2/5 "* ]]
    [[ "$output" = *"mean (least-most) over the jobs"* ]]
    # at a step: a schedule's refreshes before it
    run relin summary "$BATS_TEST_TMPDIR/beside.h5" --at step=8 --csv --where schedule=first=2/5
    [[ "${lines[1]}" = wide,first=2/5,*,test_accuracy,linear,4,4,0,0,0,1,* ]]   # of two, at 5 and 10
    beside step=8 "$BATS_TEST_TMPDIR/beside.h5" 5 --at step=8
    beside last=kernel_regression_accuracy "$BATS_TEST_TMPDIR/beside.h5" 5 --metric kernel_regression_accuracy
    beside last=kernel_distance "$BATS_TEST_TMPDIR/beside.h5" 5 --metric kernels/kernel_distance
}

@test "Gauss-Newton stands beside the linearised run of the same K, seed and time" {
    needs_gsl
    relin run tests/sweeps/trainers.yaml -o "$BATS_TEST_TMPDIR/trainers.h5"
    beside trainers "$BATS_TEST_TMPDIR/trainers.h5" 4
    beside trainers "$BATS_TEST_TMPDIR/trainers.h5" 4 --by trainer,refresh_period
    run relin summary "$BATS_TEST_TMPDIR/trainers.h5" --table --sentence
    [[ "$output" = *"vs lin."* ]]
    [[ "$output" = *"wide: Gauss-Newton beside the linearised run of the same K: K=2 "*"; K=5 "* ]]
    run relin summary "$BATS_TEST_TMPDIR/trainers.h5" --table --where trainer=linearised
    [[ "$output" = *"training_steps 20"*"training_steps 40"* ]]
}

@test "a metric is read from its curve at a step" {
    beside step=7 "$FILE" 6 --at step=7
    run relin summary "$FILE" --at step=7 --table
    [[ "${lines[0]}" = "wide: test_accuracy of f_lin at step <= 7, percent"* ]]
    [[ "$output" = *"at step 7: read at the last evaluation not after it, step "* ]]
    run relin summary "$FILE" --at step=7 --metric kernel_path_length
    [ "$status" -eq 2 ]
    [[ "$output" = *"--at step=7: expected a metric that has a curve (such as "*"), got kernel_path_length"* ]]
    run relin summary "$FILE" --at 7
    [ "$status" -eq 2 ]
    [[ "$output" = *"--at: expected step=N, train_loss=X, feature_updates=N or best=validation_loss, got '7'"* ]]
}

@test "metrics of kernels go by their names, and wrong names are told the near ones" {
    beside last=kernel_distance "$FILE" 6 --metric kernel_distance
    run relin summary "$FILE" --metric kernel_path_length_linearised --csv --where architecture=wide
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 4 ]
    [[ "${lines[1]}" = "wide,1,kernel_path_length_linearised,,4,4,"* ]]
    run relin summary "$FILE" --metric kernl_path_length
    [ "$status" -eq 2 ]
    [[ "$output" = *"--metric kernl_path_length: no such variable in the file; near are kernel_path_length, "* ]]
    run relin summary "$FILE" --metric eigenvalues
    [ "$status" -eq 2 ]
    [[ "$output" = *"expected a variable with one number a job or a snapshot, got "* ]]
}
