# A run that is asked to stop, or whose time is up, ends within seconds, and goes on from there to the same bits.

load farm

endless=(training.steps=100000000 training.evaluations=4 kernels.snapshots=0 kernels.path_points=0 grid.refresh_period=1)
longer=(training.steps=1600000 training.evaluations=8 grid.seed=0 grid.refresh_period=10)

checkpoint_of() { [ -n "$(find "$1.checkpoints" -type f ! -name '*.new' 2>/dev/null)" ]; }
verdict() { local code=0; "$RELIN" status --exit-code "$1" >/dev/null || code=$?; echo $code; }
# fake_squeue COMMANDS: what stands in for Slurm's
fake_squeue() {
    mkdir -p bin
    printf '#!/bin/bash\necho "$@" >>%q/asked\n%s\n' "$PWD" "$1" >bin/squeue
    chmod +x bin/squeue
    export PATH="$PWD/bin:$PATH" SLURM_JOB_ID=4711
}

@test "--walltime ends a run in time, with its jobs in checkpoints and verdict 75" {
    start=$SECONDS
    status=0
    mpirun -q -n 2 "$RELIN" run --walltime 14s "$SWEEPS/farm.yaml" "${endless[@]}" -o f.h5 2>log || status=$?
    [ "$status" -eq 75 ] && [ "$(verdict f.h5)" -eq 75 ]
    [ $((SECONDS - start)) -ge 3 ] && [ $((SECONDS - start)) -le $((14 * slowness)) ]
    grep -q 'before the end of the walltime: stopping; the same command goes on from here' log
    checkpoint_of f.h5
    no_names_left
}

@test "a walltime that stopping may take, or none at all, is refused" {
    for time in 10s 0 -5m soon ''; do
        run "$RELIN" run --walltime "$time" "$SWEEPS/farm.yaml" -o f.h5
        [ "$status" -eq 2 ]
        [[ "$output" == *"--walltime: expected a time above 10 s, which stopping may take, such as 30m, 4h or 04:00:00, got $time"* ]]
    done
}

@test "Slurm is asked once when its job ends" {
    fake_squeue "date -d 'now + 14 seconds' +%Y-%m-%dT%H:%M:%S"
    status=0
    SLURM_TIME_FORMAT=relative mpirun -q -n 2 "$RELIN" run "$SWEEPS/farm.yaml" "${endless[@]}" -o f.h5 2>log || status=$?
    [ "$status" -eq 75 ]
    grep -q 'before the end of the walltime: stopping' log
    [ "$(cat asked)" = "-h -j 4711 -o %e" ]
    [ -z "$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$PWD" -path '*squeue*' 2>/dev/null)" ]
}

@test "Slurm's own variable is believed, and a walltime that was given; then nobody is asked" {
    fake_squeue "echo 2001-01-01T00:00:00"
    status=0
    SLURM_JOB_END_TIME=$(($(date +%s) + 5)) "$RELIN" run "$SWEEPS/farm.yaml" "${endless[@]}" -o f.h5 2>log || status=$?
    [ "$status" -eq 75 ]
    grep -q 'before the end of the walltime: stopping' log
    SLURM_JOB_END_TIME=1 "$RELIN" run --walltime 1h "$SWEEPS/farm.yaml" grid.seed=0 grid.refresh_period=1 -o g.h5
    [ ! -e asked ]
}

@test "a Slurm that says nothing, nonsense, or is not there is told and does not matter" {
    small=(grid.seed=0 grid.refresh_period=1)
    fake_squeue "echo N/A"
    run "$RELIN" run "$SWEEPS/farm.yaml" "${endless[@]}" limits.job_wall=1s limits.attempts=1 grid.seed=0 -o f.h5
    [ "$status" -eq 3 ]
    [[ "$output" == *"when job 4711 ends is not known: squeue -h -j 4711 -o %e said 'N/A"*"give --walltime, or send USR1 in time"* ]]
    fake_squeue "exec sleep 1000"
    run "$RELIN" run "$SWEEPS/farm.yaml" "${endless[@]}" limits.job_wall=11s limits.attempts=1 grid.seed=0 -o g.h5
    [ "$status" -eq 3 ]
    [[ "$output" == *"said only '' within 10 s"* ]]
    ! pgrep -f "^sleep 1000$"
    fake_squeue "exec sleep 2000"
    "$RELIN" run "$SWEEPS/farm.yaml" "${small[@]}" -o h.h5
    ! pgrep -f "^sleep 2000$"
    rm bin/squeue
    "$RELIN" run "$SWEEPS/farm.yaml" "${small[@]}" -o i.h5
}

@test "what is in an evaluation or an eigenproblem ends with the state before it, and goes on to the same bits" {
    # A second of steps, then a snapshot of some seconds. A fast machine would end it in the time it is given: the child is held.
    slow=(training.steps=40000 training.evaluations=2 grid.seed=0 grid.refresh_period=10 data.train=800 data.test=800 data.pool=1700
        training.batch=20 kernels.probe=800 kernels.snapshots=2 kernels.path_points=0 limits.checkpoint=0.2s)
    "$RELIN" run "$SWEEPS/farm.yaml" "${slow[@]}" -o whole.h5
    "$RELIN" run "$SWEEPS/farm.yaml" "${slow[@]}" -o f.h5 &
    pid=$!
    wait_for 60 checkpoint_of f.h5
    file=$(echo f.h5.checkpoints/*)
    quiet() { [ $(($(date +%s%N) - $(date +%s%N -r "$file"))) -gt 700000000 ]; }   # no step for that long
    wait_for 60 quiet
    child=$(named '^relin-job')
    pending() { (( 0x$(awk '/^ShdPnd/ { print $2 }' "/proc/$child/status") & 1 << ($(kill -l "$1") - 1) )); }
    kill -STOP "$child"
    rm "$file"
    start=$SECONDS
    kill -USR1 $pid
    wait_for 5 pending USR1
    kill -CONT "$child"
    wait_for 5 not pending USR1
    kill -STOP "$child"
    wait_for 5 pending ALRM
    kill -CONT "$child"
    status=0; wait $pid || status=$?
    [ "$status" -eq 75 ]
    [ $((SECONDS - start)) -le $((8 * slowness)) ]
    [ -e "$file" ]
    run "$RELIN" run "$SWEEPS/farm.yaml" "${slow[@]}" -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" != *ignored* ]]
    same whole.h5 f.h5
    "$PYTHON" -c 'import h5py; a = h5py.File("f.h5")["attempts"][:]; assert (a == 1).all(), a'
}

@test "TERM to mpirun, which kills two seconds later, leaves checkpoints and a whole file" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${longer[@]}" -o whole.h5
    mpirun -q -n 2 "$RELIN" run "$SWEEPS/farm.yaml" "${longer[@]}" limits.checkpoint=0.2s -o f.h5 2>log &
    pid=$!
    wait_for 60 checkpoint_of f.h5
    rm f.h5.checkpoints/*
    kill -TERM $pid
    wait $pid || true
    wait_for 5 nothing_runs
    [ "$(verdict f.h5)" -eq 75 ]
    checkpoint_of f.h5
    mpi 2 "$RELIN" run "$SWEEPS/farm.yaml" "${longer[@]}" -o f.h5
    same whole.h5 f.h5
}

# drained_again_and_again SWEEP: a drain whenever a checkpoint was written, some six times, until all is done
drained_again_and_again() {
    mpi 2 "$RELIN" run "$SWEEPS/$1.yaml" -o whole.h5
    interval=$("$PYTHON" -c 'import h5py; print(max(0.1, h5py.File("whole.h5")["cpu_seconds"][:].sum() / 7))')   # a busy machine only adds rounds
    for round in {1..200}; do
        touch stamp
        mpirun -q -n 2 "$RELIN" run "$SWEEPS/$1.yaml" limits.checkpoint="${interval}s" -o f.h5 2>>log &
        pid=$!
        while [ -z "$(find f.h5.checkpoints -type f ! -name '*.new' -newer stamp 2>/dev/null)" ] &&
            kill -0 $pid 2>/dev/null; do sleep 0.02; done
        kill -USR1 $pid 2>/dev/null || true
        status=0; wait $pid || status=$?
        [ "$status" -ne 0 ] || break
        [ "$status" -eq 75 ] && [ "$(verdict f.h5)" -eq 75 ]
    done
    echo "$1: $round rounds"
    [ "$status" -eq 0 ] && [ "$round" -gt 2 ]
    ! grep ignored log
    same whole.h5 f.h5
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5"); a = f["attempts"][:]; assert (a == 1).all(), a; print(sorted(set(f["engine"].asstr()[:])))'
    [ "$(echo f.h5*)" = f.h5 ]
}

@test "jobs of every trainer and engine, drained again and again, end with the bits of jobs never stopped" {
    drained_again_and_again engines
}

@test "so do convolutional networks with augmentation" {
    drained_again_and_again images
}

# a shell's background processes ignore INT
@test "a first INT drains, a second one ends at once" {
    env --default-signal=INT "$RELIN" run "$SWEEPS/farm.yaml" "${endless[@]}" -o f.h5 &
    pid=$!
    wait_for 60 job_runs
    kill -INT $pid
    status=0; wait $pid || status=$?
    [ "$status" -eq 75 ] && [ "$(verdict f.h5)" -eq 75 ]
    checkpoint_of f.h5
    env --default-signal=INT "$RELIN" run "$SWEEPS/farm.yaml" "${endless[@]}" -o f.h5 &
    pid=$!
    wait_for 60 job_runs
    kill -STOP "$(named '^relin-job' | head -n 1)"   # it answers to nothing: the first INT waits for it
    kill -INT $pid
    sleep 0.5
    job_runs
    kill -INT $pid
    status=0; wait $pid || status=$?
    [ "$status" -eq 75 ] && [ "$(verdict f.h5)" -eq 75 ]
    wait_for 3 nothing_runs
}
