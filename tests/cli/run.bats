# relin run: one process, errors, progress, crashes, limits, signals.

load farm

@test "one process runs a sweep without mpirun and says what to type next" {
    run "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"12 of 12 jobs done, 0 failed"*"Next: relin summary f.h5"* ]]
    run "$RELIN" status --exit-code f.h5
    [ "$status" -eq 0 ]
    wait_for 5 nothing_runs
    no_names_left
    [ ! -e f.h5.lock ]
}

@test "the result file is named after the sweep unless -o says otherwise" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0
    [ -f farm.h5 ]
}

@test "a record says who ran the job, where and how long" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    "$PYTHON" - <<'PYTHON'
import h5py, os, time
f = h5py.File("f.h5")
assert (f["worker"][:] == 0).all() and (f["attempts"][:] == 1).all() and (f["status"][:] == 2).all()
assert (abs(f["start_time"][:] - time.time()) < 60).all()
assert (f["wall_seconds"][:] > 0).all() and (f["cpu_seconds"][:] > 0).all() and (f["predicted_seconds"][:] > 0).all()
assert f["host"][0].decode().rstrip("\0") == os.uname().nodename and f["cpu_model"][0]
PYTHON
}

@test "a missing sweep file ends every rank with 2 and is told once" {
    run mpi 2 "$RELIN" run nowhere.yaml
    [ "$status" -eq 2 ]
    [ "$(grep -c nowhere.yaml <<< "$output")" -eq 1 ]
    [[ "$output" != *MPI_ABORT* ]]
}

@test "data that cannot serve is an error before anything is trained" {
    run mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" data.train=100000 -o f.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"data.train"*"expected at most 256"* ]]
    [ ! -e f.h5 ] && [ ! -e f.h5.lock ]
    no_names_left
}

@test "a wrong option and a word that is no override are refused with what is expected" {
    run mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" --order=shortest
    [ "$status" -eq 2 ]
    [ "$(grep -c 'expected longest, file or random, got shortest' <<< "$output")" -eq 1 ]
    run "$RELIN" run "$SWEEPS/farm.yaml" nonsense
    [ "$status" -eq 2 ]
    [[ "$output" == *"nonsense: expected KEY=VALUE"* ]]
    run "$RELIN" run "$SWEEPS/farm.yaml" --no-train-on-master
    [ "$status" -eq 2 ]
    [[ "$output" == *"expected at least 2 ranks"* ]]
    run "$RELIN" summry
    [ "$status" -eq 2 ]
    [[ "$output" == *"unknown command 'summry'"*"did you mean summary?"* ]]
}

@test "a full disk is an error with its reason for one rank and for two, and leaves nothing" {
    mkdir disk
    for ranks in 1 2; do
        run unshare -rm bash -c "mount -t tmpfs -o size=100k none disk || exit 99
            . '$ROOT/.ci/mpi.sh'
            mpirun -q -n $ranks '$RELIN' run '$SWEEPS/farm.yaml' -o disk/f.h5; code=\$?
            ls -A disk; exit \$code"
        [ "$status" -ne 99 ] && [[ "$output" != unshare:* ]] || skip "no file system can be mounted here"
        echo "$output"
        [ "$status" -eq 75 ]
        [[ "$output" == *"f.h5.new: cannot be completed (HDF5: No space left on device); make room there, then the same command goes on"* ]]
        [[ "$output" != *Signal* ]]
        [ "${lines[-1]}" != f.h5.new ] && [ "${lines[-1]}" != f.h5.lock ]
        no_names_left
    done
}

@test "an empty name for the result file is refused" {
    run "$RELIN" run "$SWEEPS/farm.yaml" -o ''
    [ "$status" -eq 2 ]
    [[ "$output" == *"--output: expected the name of a file"* ]]
}

@test "a crashed attempt is told and the job runs again" {
    # the address sanitizer would turn the signal into an exit code of its own
    ASAN_OPTIONS="${ASAN_OPTIONS:-}:handle_segv=0" "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" grid.seed=0 \
        grid.refresh_period=1 training.steps=900000 -o f.h5 2> log &
    pid=$!
    wait_for 20 job_runs
    kill -SEGV "$(named '^relin-job' | head -n 1)"
    wait $pid
    grep -q 'attempt failed.*signal 11' log
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5"); assert f["attempts"][0] == 2 and f["status"][0] == 2'
}

first_job_runs() { [ -n "$(named '^relin-job-0')" ]; }
@test "a job that crashes at every attempt fails for good, with its reason, and the others go on" {
    ASAN_OPTIONS="${ASAN_OPTIONS:-}:handle_abort=0" "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" grid.seed=0..1 \
        grid.refresh_period=1 training.steps=500000 limits.attempts=1 --order=file -o f.h5 2> log &
    pid=$!
    wait_for 20 first_job_runs
    kill -ABRT "$(named '^relin-job-0' | head -n 1)"
    status=0; wait $pid || status=$?
    [ "$status" -eq 3 ]
    run "$RELIN" status f.h5
    [[ "$output" == *"1 failed"*"crashed, 1 attempt: killed by signal 6"* ]]
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5"); assert list(f["status"][:]) == [3, 2], f["status"][:]'
    # failed for good stays so, until more attempts are allowed
    run "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" grid.seed=0..1 grid.refresh_period=1 training.steps=500000 limits.attempts=1 -o f.h5
    [ "$status" -eq 3 ]
    run "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" grid.seed=0..1 grid.refresh_period=1 training.steps=500000 limits.attempts=2 -o f.h5
    [ "$status" -eq 0 ]
}

@test "a job beyond its time limit is stopped and fails with that reason" {
    run "$RELIN" run "$SWEEPS/farm.yaml" training.steps=100000000 grid.seed=0 grid.refresh_period=1 \
        limits.job_wall=1s limits.attempts=1 -o f.h5
    [ "$status" -eq 3 ]
    [[ "$output" == *"stopped at its time limit, limits.job_wall = 1"* ]]
}

@test "USR1 stops running jobs within two seconds, exit code 75, and leaves nothing" {
    mpirun -q -n 2 "$RELIN" run "$SWEEPS/farm.yaml" training.steps=100000000 -o f.h5 &
    pid=$!
    wait_for 20 job_runs
    kill -USR1 $pid
    wait_for 2 not job_runs
    status=0; wait $pid || status=$?
    [ "$status" -eq 75 ]
    wait_for 5 nothing_runs
    no_names_left
    [ ! -e f.h5.lock ]
    # to be stopped is no attempt
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5"); assert not f["attempts"][:].any() and not f["status"][:].any()'
    run "$RELIN" status --exit-code f.h5
    [ "$status" -eq 75 ]
}

@test "no process outlives its killed rank" {
    "$RELIN" run "$SWEEPS/farm.yaml" training.steps=100000000 -o f.h5 &
    wait_for 20 job_runs
    kill -KILL "$(named '^relin$')"
    wait_for 5 nothing_runs
    no_names_left
}

@test "a child has one thread, no descriptors but the standard ones, and goes first when memory is short" {
    "$RELIN" run "$SWEEPS/farm.yaml" training.steps=100000000 grid.seed=0 grid.refresh_period=1 -o f.h5 &
    wait_for 20 job_runs
    child=$(named '^relin-job')
    [ "$(ls "/proc/$child/task" | wc -l)" -eq 1 ]
    [ "$(ls "/proc/$child/fd" | sort -n | tail -n 1)" -le 2 ]
    [ "$(cat "/proc/$child/oom_score_adj")" -eq 1000 ] || skip "oom_score_adj cannot be raised here"
}

@test "an idle master sleeps: a few per cent of a core at most" {
    mpirun -q -n 2 "$RELIN" run "$SWEEPS/farm.yaml" training.steps=100000000 --no-train-on-master -o f.h5 &
    wait_for 20 job_runs
    master=$(grep -lz '^PMIX_RANK=0$' /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | while read -r p; do
        [[ " $(named '^relin$' | tr '\n' ' ')" == *" $p "* ]] && echo "$p"; done | head -n 1)
    [ -n "$master" ]
    ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
    before=$(ticks "$master")
    sleep 3   # what is measured is this time
    after=$(ticks "$master")
    [ $((after - before)) -le 12 ]   # of 300: 4 %
}

@test "progress comes as lines, as a bar, or not at all" {
    run "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 --progress=lines -o a.h5
    [[ "$output" == *"3 of 3 jobs done, 0 failed, 0 running"* ]]
    run "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 --progress=bar -o b.h5
    [[ "$output" == *"[##############################] 3 of 3"* ]]
    # pinned kernels that are lesser than the processor's are warned of
    env -u OPENBLAS_CORETYPE "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 --progress=none -o c.h5 2> log
    [ ! -s log ]
}
