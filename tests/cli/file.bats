# The result file in bad company: links, copies, other runs, full disks, damage.

load farm

need() { "$PYTHON" -c "import $1" 2>/dev/null || skip "$PYTHON lacks $1"; }
age() { touch -d "-$1 seconds" "$2"; }
has_lock() { [ -e "$1.lock" ]; }
# lock FILE HOST PID [SLURM_JOB RESTART]: as a run leaves it
lock() { printf 'host %s\npid %s\nslurm_job %s\nrestart %s\nsince 1\n' "$2" "$3" "${4:--}" "${5:-0}" > "$1.lock"; }

# --- damage ---

@test "damaged rows are named and run again, the others kept, to the same bits" {
    "$RELIN" run "$SWEEPS/farm.yaml" -o whole.h5
    cp whole.h5 f.h5
    "$PYTHON" - <<'PYTHON'
import h5py
with h5py.File("f.h5", "r+") as f:
    f["test_loss"][3] += 1e-9
    f["kernels/cka"][7, 1] = 2
    f["status"][9] = 77
PYTHON
    run "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"job 3 ("*"): its numbers do not fit their checksum; it will run again"* ]]
    [[ "$output" == *"job 7 ("*"): its numbers do not fit their checksum; it will run again"* ]]
    [[ "$output" == *"job 9 ("*"): its status is 77, which says nothing; it will run again"* ]]
    [[ "$output" == *"9 were there already"* ]]
    same whole.h5 f.h5
    "$RELIN" verify f.h5
}

@test "a failed row whose checksum does not fit runs again" {
    "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    "$PYTHON" -c 'import h5py; f = h5py.File("f.h5", "r+"); f["status"][3] = 3; f["error"][3] = b"a fault"'
    run "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    [ "$status" -eq 0 ]
    [[ "$output" == *"job 3 ("*"): its numbers do not fit their checksum; it will run again"*"12 of 12 jobs done"* ]]
}

@test "a file cut off or zeroed anywhere is repaired to the same bits or refused and left, never made worse" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o whole.h5
    size=$(stat -c %s whole.h5)
    repaired=0 refused=0
    for part in 1 3 5 7 9 11 13 15; do
        for kind in cut zero; do
            cp whole.h5 f.h5
            at=$((size * part / 16))
            truncate -s "$at" f.h5
            [ "$kind" = cut ] || truncate -s "$size" f.h5
            before=$(sha256sum < f.h5)
            run timeout $((100 * slowness)) "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
            echo "$kind at $at of $size: $status: $output"
            [[ "$output" != *Signal* ]]
            if [ "$status" -eq 0 ]; then
                repaired=$((repaired + 1))
                same whole.h5 f.h5
            else
                refused=$((refused + 1))
                [ "$status" -eq 70 ]
                [[ "$output" == *"f.h5: "* ]]
                [ "$(sha256sum < f.h5)" = "$before" ]
            fi
            [ ! -e f.h5.lock ] && [ ! -e f.h5.new ]
        done
    done
    echo "$repaired repaired, $refused refused"
    [ "$refused" -ge 8 ]
}

@test "the file of another sweep is not replaced because its rows are damaged" {
    "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    "$PYTHON" -c 'import h5py; h5py.File("f.h5", "r+")["test_loss"][:] = 0'
    before=$(sha256sum < f.h5)
    run "$RELIN" run "$SWEEPS/farm.yaml" training.steps=77 -o f.h5
    echo "$output"
    [ "$status" -eq 2 ]
    [[ "$output" == *"f.h5: expected a file of this sweep, got one of another, with 12 jobs that had ended and were damaged since"* ]]
    [[ "$output" == *"2 more jobs do not fit their checksums"* ]]
    [ "$(sha256sum < f.h5)" = "$before" ]
}

# --- names ---

@test "a symbolic link means the file it points to: one lock, one place, and the link stays" {
    mkdir far
    ln -s far/f.h5 near.h5
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o near.h5
    [ -L near.h5 ] && [ -f far/f.h5 ]
    "$RELIN" run "$SWEEPS/farm.yaml" -o near.h5          # grown: a new file in the place of the old
    [ -L near.h5 ]
    [[ "$("$RELIN" verify far/f.h5)" == *"12 jobs: 12 done"* ]]
    "$RELIN" measure near.h5 --metric curves --set training.evaluations=7
    [ -L near.h5 ]
    lock far/f.h5 elsewhere 1
    for name in near.h5 far/../far/f.h5 "$PWD/far/f.h5"; do
        run "$RELIN" run "$SWEEPS/farm.yaml" -o "$name"
        [ "$status" -eq 75 ]
        [[ "$output" == *"$name"*"in use by a run on elsewhere"* ]] || [[ "$output" == *"far/f.h5: in use by a run on elsewhere"* ]]
        run "$RELIN" measure "$name" --metric cka
        [ "$status" -eq 75 ]
        [[ "$("$RELIN" status "$name")" == *"a run is alive on elsewhere"* ]]
    done
}

@test "a file with a second name is refused, since a run there would not be seen" {
    "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
    ln f.h5 g.h5
    before=$(sha256sum < f.h5)
    run "$RELIN" run "$SWEEPS/farm.yaml" -o g.h5
    [ "$status" -eq 2 ]
    [[ "$output" == *"g.h5: has 2 names (hard links)"*"cp g.h5 copy.h5 && mv copy.h5 g.h5"* ]]
    run "$RELIN" measure g.h5 --metric curves --set training.evaluations=7
    [ "$status" -eq 2 ]
    [ "$(sha256sum < f.h5)" = "$before" ]
    "$RELIN" verify g.h5
    cp g.h5 copy.h5 && mv copy.h5 g.h5
    "$RELIN" run "$SWEEPS/farm.yaml" -o g.h5
}

@test "a copy is a file of its own, with the lock and the checkpoints of the original beside it or not" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o whole.h5 &
    whole=$!
    "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" limits.checkpoint=0.1s -o f.h5 &
    pid=$!
    wait_for 60 done_jobs f.h5 1
    mkdir copies
    cp -r f.h5 f.h5.lock f.h5.checkpoints copies/ 2>/dev/null || true
    cp f.h5 copy.h5
    "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o copy.h5     # while the original is written
    # the copied lock names a process that lives; its heart does not beat
    run "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o copies/f.h5
    [ "$status" -eq 75 ] || [ "$status" -eq 0 ]
    wait $pid
    age 100 copies/f.h5.lock 2>/dev/null || true
    "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o copies/f.h5
    wait $whole
    same whole.h5 f.h5
    same whole.h5 copy.h5
    same whole.h5 copies/f.h5
}

# --- two runs ---

@test "Open MPI keeps files of two single processes apart, and none beside the result where it is killed" {
    mkdir tmp
    for name in f g; do TMPDIR=$WORK/tmp "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o $name.h5 > log.$name 2>&1 & done
    two_run() { [ "$(named '^relin-job' | wc -l)" -ge 2 ]; }
    wait_for 20 two_run
    [ "$(ls tmp | wc -l)" = 2 ]
    kill -KILL $(named '^relin$')
    wait_for 10 nothing_runs
    for name in f.h5* g.h5*; do [[ $name =~ ^[fg].h5(.lock|.checkpoints)?$ ]]; done
    TMPDIR=$WORK/tmp "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o h.h5
    [ "$(ls tmp | wc -l)" = 2 ]
}

@test "of many runs that start at once on one file one runs, under mpirun too, and the others are refused" {
    for name in a b; do
        pids=()
        for i in {1..5}; do
            "$RELIN" run "$SWEEPS/farm.yaml" training.steps=100000000 -o $name.h5 > "$name.$i.log" 2>&1 &
            pids+=($!)
        done
        mpirun -q -n 2 "$RELIN" run "$SWEEPS/farm.yaml" training.steps=100000000 -o $name.h5 > "$name.6.log" 2>&1 &
        pids+=($!)
        wait_for 60 job_runs
        refused_all() { [ "$(grep -l "$name.h5: in use by a run on\|another run is just starting" $name.*.log | wc -l)" -eq 5 ]; }
        wait_for 60 refused_all
        for pid in "${pids[@]}"; do kill -USR1 "$pid" 2>/dev/null || true; done
        codes=
        for pid in "${pids[@]}"; do status=0; wait "$pid" || status=$?; codes+="$status "; done
        echo "$codes"
        [ "$codes" = "75 75 75 75 75 75 " ]
        [ ! -e $name.h5.lock ]
        wait_for 20 nothing_runs
    done
}

@test "a run on another node is refused while its heart beats, and followed when it has stopped" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    lock f.h5 elsewhere 1 77 0
    run "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    [ "$status" -eq 75 ]
    [[ "$output" == *"f.h5: in use by a run on elsewhere (process 1, Slurm job 77), last sign of life"*"Wait for it, or end it"* ]]
    SLURM_JOB_ID=78 SLURM_RESTART_COUNT=1 run "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    [ "$status" -eq 75 ]
    # the same Slurm job, requeued
    SLURM_JOB_ID=77 SLURM_RESTART_COUNT=1 "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    [ ! -e f.h5.lock ]
    lock f.h5 elsewhere 1
    age 61 f.h5.lock
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o f.h5
    [ ! -e f.h5.lock ]
}

@test "a run that was stopped until another took its file over ends without another write" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o whole.h5
    mpirun -q -n 2 "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o f.h5 > first.log 2>&1 &
    first=$!
    wait_for 60 done_jobs f.h5 1
    stopped=$(named '^relin')
    # shellcheck disable=SC2086
    kill -STOP $stopped
    SECONDS=0
    run "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o f.h5
    [ "$status" -eq 75 ]
    age 61 f.h5.lock
    "$RELIN" run "$SWEEPS/farm.yaml" "${long[@]}" -o f.h5
    same whole.h5 f.h5
    cp f.h5 after.h5
    lock f.h5 elsewhere 7          # the next one, which is at work as the first wakes up
    missed_beats() { [ $SECONDS -ge 12 ]; }   # as by the minute that the lock seems to be old
    wait_for 30 missed_beats
    # shellcheck disable=SC2086
    kill -CONT $stopped
    status=0; wait $first || status=$?
    cat first.log
    [ "$status" -eq 75 ]
    grep -q 'f.h5: a run on elsewhere (process 7) has taken it over, since this run had given no sign of life for 60 s' first.log
    cmp after.h5 f.h5
    [ -e f.h5.lock ]               # not its own any more
    wait_for 20 nothing_runs
}

# --- a full disk ---

# small_disk SIZE: mounted at ./disk, gone with the namespace or at the end
small_disk() {
    mkdir -p disk
    mount -t tmpfs -o "size=$1" none disk 2>/dev/null || skip "needs the right to mount a small disk"
}
# fill [PAGES]: all but so many pages of 4 KiB
fill() { dd if=/dev/zero of=disk/ballast bs=4k count=$(($(df --output=avail disk | tail -n 1) / 4 - ${1:-0})) 2>/dev/null; }
large=(kernels.probe=32)   # kernels of 48 KiB a job
no_disk() { umount -l disk 2>/dev/null || true; }

@test "a disk without room for all rows is told before a job runs, with 75" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${large[@]}" -o whole.h5
    small_disk $(($(stat -c %s whole.h5) / 1024 - 100))k
    run "$RELIN" run "$SWEEPS/farm.yaml" "${large[@]}" -o disk/f.h5
    left=$(ls -A disk)
    no_disk
    echo "$output"
    [ "$status" -eq 75 ] && [ -z "$left" ]
    [[ "$output" == *"disk/f.h5.new: no room for all its "*" bytes: No space left on device; make room there, then the same command goes on"* ]]
}

@test "a disk that gets full at the rows ends the run resumably, the file is whole, and it goes on to the same bits" {
    "$RELIN" run "$SWEEPS/farm.yaml" "${large[@]}" -o whole.h5
    # as a file system leaves it that gives blocks only to what is written: kernels not yet measured are holes
    "$PYTHON" - <<'PYTHON'
import h5py, shutil
shutil.copy("whole.h5", "holes.h5")
with h5py.File("holes.h5", "r+") as f:
    f["status"][4:] = 0
    f["kernels/kernel"][4:] = 0
PYTHON
    small_disk 30m
    for ranks in 1 2; do
        cp --sparse=always holes.h5 disk/f.h5
        [ "$(stat -c %b disk/f.h5)" -lt "$(stat -c %b whole.h5)" ]
        fill 12      # for the lock, and not for many kernels
        run mpi $ranks "$RELIN" run "$SWEEPS/farm.yaml" "${large[@]}" limits.checkpoint=none -o disk/f.h5
        echo "$ranks: $status: $output"
        [ "$status" -eq 75 ] || { no_disk; false; }
        # mpirun carries the error and the summary by two pipes: either may come first
        [[ "$output" == *"disk/f.h5: "*"; make room there, then the same command goes on; stopping"* && "$output" == *" left"* ]] ||
            { no_disk; false; }
        run "$RELIN" verify disk/f.h5
        echo "$output"
        [ "$status" -eq 0 ] || { no_disk; false; }
        rm disk/ballast
        mpi $ranks "$RELIN" run "$SWEEPS/farm.yaml" "${large[@]}" -o disk/f.h5 || { no_disk; false; }
        same whole.h5 disk/f.h5 || { no_disk; false; }
        rm disk/*
    done
    no_disk
}

@test "a full disk lets no lock, no grown file and no measurement through, and leaves the file as it was" {
    "$RELIN" run "$SWEEPS/farm.yaml" grid.seed=0 -o small.h5
    small_disk 8m
    cp small.h5 disk/f.h5
    before=$(sha256sum < disk/f.h5)
    fill
    run "$RELIN" run "$SWEEPS/farm.yaml" -o disk/f.h5
    one=$status first=$output
    rm disk/ballast
    fill 3
    run "$RELIN" run "$SWEEPS/farm.yaml" -o disk/f.h5
    two=$status second=$output
    run "$RELIN" measure disk/f.h5 --metric curves --set training.evaluations=7
    three=$status third=$output
    after=$(sha256sum < disk/f.h5) left=$(echo disk/*)
    no_disk
    echo "$one: $first"; echo "$two: $second"; echo "$three: $third"
    [ "$one $two $three" = "75 75 75" ]
    [[ "$first" == *"disk/f.h5.lock: cannot be written: No space left on device; make room there"* ]]
    [[ "$second" == *"disk/f.h5"*"No space left on device"* ]]
    [[ "$third" == *"disk/f.h5"*"No space left on device"* ]]
    [ "$before" = "$after" ] && [ "$left" = "disk/ballast disk/f.h5" ]
}

@test "a disk that does not take the rows at the end is told, and the verdict is not that all is well" {
    cat > shim.c <<'C'
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int fsync(int file)   /* of the result file fails, of others succeeds */
{
    char link[64], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 5 || strcmp(path + size - 5, "/f.h5"))
        return 0;
    errno = atoi(getenv("SHIM_ERRNO"));
    return -1;
}
C
    cc -shared -fPIC -o shim.so shim.c 2>/dev/null || skip "no C compiler named cc"
    nm -D "$RELIN" | grep -q __asan && skip "the sanitizer must come first among libraries"
    for case in 5:70:"Input/output error" 28:75:"No space left on device; make room there" 122:75:"Disk quota exceeded; make room there"; do
        IFS=: read -r number code reason <<< "$case"
        for ranks in 1 2; do
            rm -f f.h5
            run mpi $ranks env LD_PRELOAD="$PWD/shim.so" SHIM_ERRNO="$number" "$RELIN" run "$SWEEPS/farm.yaml" -o f.h5
            echo "$ranks: $status: $output"
            [ "$status" -eq "$code" ]
            [[ "$output" == *"rows of the last half minute may not have come to disk: a later run checks them, and \`relin verify\` names those that have not: $reason"* ]]
        done
    done
}
