# Every number of relin summary against numpy and scipy, which read the result file themselves.

setup_file() {
    export FILE="$BATS_FILE_TMPDIR/statistics.h5" COLUMNS=100 LC_ALL=C.UTF-8
    relin run tests/sweeps/statistics.yaml -o "$FILE"
}

setup() {
    "$PYTHON" -c 'import h5py, scipy' 2>/dev/null || skip "python3 has no h5py or scipy"
    ! relin summary "$FILE" | grep -q "built without GSL" || skip "built without GSL"
}

# agrees EXPECTED ARGUMENT...: the summary with these arguments, recomputed.
agrees() {
    relin summary --format json "${@:2}" >"$BATS_TEST_TMPDIR/s.json"
    run "$PYTHON" tests/python/statistics.py "$BATS_TEST_TMPDIR/s.json"
    echo "$output"
    [ "$output" = "$1" ]
}

@test "every statistic of the final values is scipy's, by both read-outs" {
    agrees "8 cells, 6 comparisons, 2 answers agree" "$FILE"
    agrees "8 cells, 6 comparisons, 2 answers agree" "$FILE" --readout network --metric test_loss --margin 0.02
}

@test "at equal steps, training loss and feature updates" {
    agrees "8 cells, 6 comparisons, 2 answers agree" "$FILE" --at step=9
    agrees "8 cells, 6 comparisons, 2 answers agree" "$FILE" --at train_loss=0.4
    agrees "8 cells, 4 comparisons, 2 answers agree" "$FILE" --at feature_updates=4
    run relin summary "$FILE" --at feature_updates=4 --table
    [[ "$output" = *"42 jobs never came there"* ]]   # K=inf has none
}

@test "at the best validation loss, and not where there is no validation set" {
    agrees "8 cells, 6 comparisons, 2 answers agree" "$FILE" --at best=validation_loss
    agrees "8 cells, 6 comparisons, 2 answers agree" "$FILE" --at best=validation_accuracy --metric test_loss --margin 0.02
    relin run tests/sweeps/statistics.yaml data.validation=0 grid.seed=0..1 -o "$BATS_TEST_TMPDIR/none.h5"
    run relin summary "$BATS_TEST_TMPDIR/none.h5" --at best=validation_loss
    [ "$status" -eq 2 ]
    [[ "$output" = *"--at best=validation_loss: expected a validation set, got a sweep without one"* ]]
    run relin summary "$FILE" --at best=test_loss
    [ "$status" -eq 2 ]
    [[ "$output" = *"--at best: expected validation_loss or validation_accuracy, got 'test_loss': nothing is chosen by"* ]]
    run relin summary "$FILE" --at train_loss=low
    [ "$status" -eq 2 ]
    [[ "$output" = *"--at train_loss: expected a number >= 0, got 'low'"* ]]
}

@test "failed, diverged and pending jobs, and results that fall with K" {
    cp "$FILE" "$BATS_TEST_TMPDIR/filled.h5"
    "$PYTHON" tests/python/fill_results.py "$BATS_TEST_TMPDIR/filled.h5" 1 0.05
    agrees "8 cells, 6 comparisons, 2 answers agree" "$BATS_TEST_TMPDIR/filled.h5"
    agrees "8 cells, 6 comparisons, 2 answers agree" "$BATS_TEST_TMPDIR/filled.h5" --at step=9
    agrees "4 cells, 3 comparisons, 1 answers agree" "$BATS_TEST_TMPDIR/filled.h5" --by refresh_period
    agrees "3 cells, 2 comparisons, 1 answers agree" "$BATS_TEST_TMPDIR/filled.h5" --where architecture=wide \
        --where refresh_period=2,5,inf --baseline 2 --margin 0.03
}

@test "a job in two files counts once, and other results there are a conflict that is told" {
    cp "$FILE" "$BATS_TEST_TMPDIR/other.h5"
    "$PYTHON" -c 'import h5py, sys; f = h5py.File(sys.argv[1], "r+"); f["test_accuracy"][0] = 0.123' "$BATS_TEST_TMPDIR/other.h5"
    agrees "8 cells, 6 comparisons, 2 answers agree" "$FILE" "$BATS_TEST_TMPDIR/other.h5"
    agrees "8 cells, 6 comparisons, 2 answers agree" "$BATS_TEST_TMPDIR/other.h5" "$FILE"
    run relin summary "$FILE" "$BATS_TEST_TMPDIR/other.h5" --format markdown
    [[ "$output" = *"168 jobs are in several files and count once."* ]]
    [[ "$output" = *"CONFLICT: 1 of these have other results there; those of the file named first count ("*"0.123 in "*"/other.h5)."* ]]
    run relin summary "$FILE" "$FILE" --table
    [[ "$output" != *CONFLICT* ]]
}

@test "Markdown has every column and one row a cell; formats that are not known are refused" {
    run relin summary "$FILE" --format markdown
    [ "$status" -eq 0 ]
    [ "$(grep -c '^| [0-9i]' <<<"$output")" -eq 8 ]
    [[ "$output" = *"### wide: test_accuracy of f_lin, percent"* && "$output" = *"| BCa interval | sd | se | median |"* ]]
    run relin summary "$FILE" --format yaml
    [ "$status" -eq 2 ]
    [[ "$output" = *"--format: expected table, csv, json or markdown, got 'yaml'"* ]]
}

@test "across architectures: probability of improvement and interquartile means" {
    agrees "8 cells, 6 comparisons, 2 answers, 3 rows across agree" "$FILE" --across architecture --metric test_loss --margin 0.02
    run relin summary "$FILE" --across architecture --csv
    [ "${#lines[@]}" -eq 4 ]
    [[ "${lines[0]}" = "refresh_period,metric,readout,tasks,runs,baseline_runs,improvement,improvement_low,"* ]]
    [[ "${lines[3]}" = "inf,test_accuracy,linear,2,42,42,"* ]]
    run relin summary "$FILE" --across architecture --table
    [[ "$output" = *"across architecture: test_accuracy of f_lin, percent, 95 % intervals"*"P(better than SGD)"* ]]
    run relin summary "$FILE" --across seed
    [ "$status" -eq 2 ]
    [[ "$output" = *"--across: expected axes that tables differ in (architecture), got 'seed'"* ]]
}

@test "the learning rate is tuned per K on validation by seeds that the answer does not use" {
    relin run tests/sweeps/statistics.yaml 'grid.architecture=[wide]' 'grid.refresh_period=[1, 5, inf]' grid.seed=0..7 \
        'grid.training.lr=[0.0002, 0.001, 0.004, 0.02]' -o "$BATS_TEST_TMPDIR/rates.h5"
    agrees "3 cells, 2 comparisons, 1 answers agree" "$BATS_TEST_TMPDIR/rates.h5" --tune training.lr
    agrees "3 cells, 2 comparisons, 1 answers agree" "$BATS_TEST_TMPDIR/rates.h5" --tune training.lr --tune-seeds 1,3,6 \
        --at best=validation_loss
    agrees "12 cells, 7 comparisons, 4 answers agree" "$BATS_TEST_TMPDIR/rates.h5"
    run relin summary "$BATS_TEST_TMPDIR/rates.h5" --tune training.lr --format markdown
    [[ "$output" = *"tuned: each cell has the values with the least mean validation loss"*"seeds 0, 1, 2, 3, which"* ]]
    run relin summary "$BATS_TEST_TMPDIR/rates.h5" --tune training.lr --csv
    [[ "${lines[0]}" = "architecture,refresh_period,training_lr,metric,readout,"* ]]
    run relin summary "$FILE" --tune training.lr
    [ "$status" -eq 2 ]
    [[ "$output" = *"--tune: expected axes (of architecture, refresh_period, seed) but refresh_period and seed, got 'training.lr'"* ]]
    run relin summary "$BATS_TEST_TMPDIR/rates.h5" --tune training.lr --tune-seeds 0,99
    [ "$status" -eq 2 ]
    [[ "$output" = *"--tune-seeds: expected seeds of the file, got '99'"* ]]
    run relin summary "$BATS_TEST_TMPDIR/rates.h5" --where seed=2 --tune training.lr --tune-seeds 0,1,2,3,4,5,6,7
    [ "$status" -eq 2 ]
    [[ "$output" = *"expected seeds that choose and others for the answer, got 8 of 8 that choose"* ]]
}

@test "any column of the file groups and filters" {
    run relin summary "$FILE" --by engine,refresh_period --csv
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" = "engine,refresh_period,metric,"* && "${lines[1]}" = "standard,1,test_accuracy,linear,42,42,"* ]]
    agrees "8 cells, 6 comparisons, 2 answers agree" "$FILE" --where outcome=completed
    run relin summary "$FILE" --where host=nowhere
    [ "$status" -eq 2 ]
    [[ "$output" = *"--where host: expected one of "*", got 'nowhere'"* ]]
    run relin summary "$FILE" --by curve_test_loss
    [ "$status" -eq 2 ]
    [[ "$output" = *"--by: expected axes (architecture, refresh_period, seed), got 'curve_test_loss'"* ]]
}

@test "schedules and Gauss-Newton runs, each judged by itself, and what is measured of kernels" {
    relin run tests/sweeps/beside.yaml -o "$BATS_TEST_TMPDIR/beside.h5"
    agrees "5 cells, 4 comparisons, 1 answers agree" "$BATS_TEST_TMPDIR/beside.h5"
    agrees "5 cells, 4 comparisons, 1 answers agree" "$BATS_TEST_TMPDIR/beside.h5" --metric test_loss --margin 0.02
    relin run tests/sweeps/trainers.yaml -o "$BATS_TEST_TMPDIR/trainers.h5"
    agrees "4 cells, 2 comparisons, 0 answers agree" "$BATS_TEST_TMPDIR/trainers.h5"
    relin run tests/sweeps/report.yaml -o "$BATS_TEST_TMPDIR/kernels.h5"   # with path lengths
    agrees "6 cells, 4 comparisons, 2 answers agree" "$BATS_TEST_TMPDIR/kernels.h5"
}

@test "where seeds were added by a rule: intervals of common seeds, no p" {
    relin run --until halfwidth=0.0125,max_seeds=30,metric=test_loss tests/sweeps/farm.yaml -o "$BATS_TEST_TMPDIR/until.h5"
    agrees "3 cells, 2 comparisons, 1 answers agree" "$BATS_TEST_TMPDIR/until.h5" --metric test_loss --margin 0.02
}

@test "what the report says along training, of kernels, refreshes and cost is numpy's too" {
    relin run tests/sweeps/report.yaml -o "$BATS_TEST_TMPDIR/report.h5"
    "$PYTHON" tests/python/set_scores.py "$BATS_TEST_TMPDIR/report.h5" holes
    relin report "$BATS_TEST_TMPDIR/report.h5" --tables "$BATS_TEST_TMPDIR/tables"
    run "$PYTHON" tests/python/report_tables.py "$BATS_TEST_TMPDIR/report.h5" "$BATS_TEST_TMPDIR/tables"
    echo "$output"
    [[ "$status" -eq 0 && "$output" = "rows agree: "*" of curves, "*" of kernels, "*" of refreshes, "*" of spectra, "*" of cost" ]]
}
