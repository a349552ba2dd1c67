# relin submit, with programs in the place of Slurm's that record what they are asked; and its script, run as
# Slurm would. In a real Slurm: tests/slurm/.

load farm
bats_require_minimum_version 1.5.0

# program NAME TEXT: a program in the place of Slurm's
program() { printf '#!/bin/bash\n%s\n' "$2" >"bin/$1" && chmod +x "bin/$1"; }

setup_slurm() {
    mkdir bin
    export PATH="$WORK/bin:$PATH"
    program sbatch 'printf "%s\n" "$@" >>"'"$WORK"'/sbatch.called"; echo $((41 + $(grep -c parsable "'"$WORK"'/sbatch.called")))'
    program sinfo '[[ $* == *main ]] || echo "other 2 10:00"; [[ $* == *other ]] || echo "main* 16+ 1-00:00:00"'
    cp "$SWEEPS/farm.yaml" sweep.yaml
}
submit() { "$RELIN" submit sweep.yaml "$@"; }

@test "the script is written beside the result, submitted, and it is said how to watch it" {
    setup_slurm
    mkdir out
    run -0 submit -o out/f.h5 grid.seed=0..1
    [ "$(tr '\n' ' ' <sbatch.called)" = "--parsable $WORK/out/f.sbatch " ]
    [[ $output == "job 42: 6 jobs of the sweep on 1 task of 1 core, "*" MB a core, at most 5 min 0 s at a time"* ]]
    [[ $output == *"squeue -j 42"*"relin status $WORK/out/f.h5"*"$WORK/out/f-42.log"*"scancel 42"* ]]
    bash -n out/f.sbatch
    [ "$(head -n 1 out/f.sbatch)" = '#!/bin/bash' ]
    for line in --job-name=farm --nodes=1 --ntasks=1 --cpus-per-task=1 --time=0:05:00 --signal=B:USR1@120 --requeue \
        --open-mode=append "--output=$WORK/out/f-%j.log" "--chdir=$WORK"; do
        grep -qxF "#SBATCH $line" out/f.sbatch || { echo "no $line"; cat out/f.sbatch; false; }
    done
    grep -qxF "set -- $WORK/sweep.yaml -o $WORK/out/f.h5 grid.seed=0..1" out/f.sbatch
}

@test "what is given is asked for" {
    setup_slurm
    run -0 submit --tasks 8 --cpus-per-task 2 --nodes 2-4 --mem 3G --time 0-12 --drain 300 --partition main --account a \
        --qos q --constraint 'x&y' --reservation r --job-name 'a b' --dependency afterok:7 --launcher srun \
        --setup 'module load openmpi' --setup 'ulimit -s unlimited' --extra '#SBATCH --mail-type=END'
    for line in '--job-name="a b"' --ntasks=8 --cpus-per-task=2 --nodes=2-4 --mem=3G --time=0-12 --signal=B:USR1@300 \
        --partition=main --account=a --qos=q '--constraint="x&y"' --reservation=r --dependency=afterok:7 \
        --kill-on-invalid-dep=yes --mail-type=END; do
        grep -qxF "#SBATCH $line" farm.sbatch || { echo "no $line"; cat farm.sbatch; false; }
    done
    [ "$(grep -c mem-per-cpu farm.sbatch)" = 0 ]
    grep -qx 'launcher=srun' farm.sbatch
    [ "$(sed -n '/^module load/,/^ulimit/p' farm.sbatch)" = $'module load openmpi\nulimit -s unlimited' ]
}

@test "tasks, time and nodes follow from the plan and the partition" {
    setup_slurm
    run -0 submit --dry-run training.steps=100000000 grid.seed=0..127
    tasks=$(sed -n 's/^#SBATCH --ntasks=//p' <<<"$output")
    [ "$tasks" -ge 16 ] && [ "$tasks" -le 192 ]
    [[ $output == *"#SBATCH --nodes=1-$(((tasks + 15) / 16))"$'\n'*"#SBATCH --time=4:00:00"* ]]
    # the partition's limit is kept
    run -0 submit --dry-run training.steps=100000000 grid.seed=0..127 --partition other
    [[ $output == *"#SBATCH --time=0:10:00"* ]]
    run -2 submit --partition other --time 30
    [[ $output == *"--time: the partition allows at most 10 minutes, got 30"* ]]
    # as sbatch reads times: minutes; minutes:seconds; hours:minutes:seconds; days-hours...
    for time in 11 11:00 0:11:00 0-0:11 0-0:11:00; do
        run -2 submit --partition other --time $time
        [[ $output == *"got 11:"* ]]
    done
    # without Slurm nothing is known of nodes
    program sinfo 'exit 1'
    run -0 submit --dry-run
    [[ $output != *"--nodes"* ]]
}

@test "a dry run prints the script and what would be called, and leaves nothing" {
    setup_slurm
    run -0 submit --dry-run
    [[ $output == '#!/bin/bash'*"would be submitted by: sbatch --parsable $WORK/farm.sbatch" ]]
    [ ! -e sbatch.called ] && [ ! -e farm.sbatch ]
}

@test "an array is joined by a job that comes after all of it" {
    setup_slurm
    run -0 submit --array 3%2
    [[ $output == *"job 42: 12 jobs of the sweep in 3 parts, each on 1 task"*"job 43: joins the parts"* ]]
    [ "$(tr '\n' ' ' <sbatch.called)" = "--parsable $WORK/farm.sbatch --parsable --dependency=afterany:42 $WORK/farm.merge.sbatch " ]
    grep -qxF '#SBATCH --array=1-3%2' farm.sbatch
    grep -qxF "#SBATCH --output=$WORK/farm-%A.%a.log" farm.sbatch
    grep -qx 'parts=3' farm.sbatch
    grep -qxF "set -- -o $WORK/farm.h5 $WORK/farm.1.h5 $WORK/farm.2.h5 $WORK/farm.3.h5" farm.merge.sbatch
    [ "$(submit --array 3 --parsable)" = 45 ]
    run -2 submit --array 13
    [[ $output == *"--array: expected at most as many parts as jobs, 12, got 13"* ]]
}

@test "seeds that are added by a rule: the script passes it on, the jobs are counted, an array is refused" {
    setup_slurm
    run -0 submit -o f.h5 --until 'halfwidth=0.0125,max_seeds=30,metric=test_loss' training.momentum=0.5
    [[ $output == *"job 42: 30 to 90 jobs of the sweep, as --until decides, on 1 task of 1 core"* ]]
    grep -qxF "set -- $WORK/sweep.yaml -o $WORK/f.h5 --until halfwidth=0.0125,max_seeds=30,metric=test_loss training.momentum=0.5" f.sbatch
    # time for all of them, tasks for those that are sure to run
    tasks() { sed -n 's/^#SBATCH --ntasks=//p' <<<"$output"; }
    run -0 submit --dry-run --until halfwidth=0.1,max_seeds=1000,metric=test_loss training.steps=20000000
    few=$(tasks)
    run -0 submit --dry-run training.steps=20000000 grid.seed=0..999
    [ "$few" -lt "$(tasks)" ]
    run -2 submit --until halfwidth=0.5%,max_seeds=40 --array 3
    [[ $output == *"expected --until or --array, got both"* ]]
    run -2 submit --until halfwidth=0.5%
    [[ $output == *"--until: expected halfwidth= and max_seeds="* ]]
    run -2 submit --until halfwidth=0.5%,max_seeds=40,baseline=7
    [[ $output == *"--until: "*"expected a cell with refresh_period=7"* ]]
    [ "$(grep -c parsable sbatch.called)" = 1 ]
}

@test "names with blanks and quotes reach the program" {
    setup_slurm
    mkdir "it's here"
    program mpirun '[ "$1" = --version ] || printf "<%s>\n" "$@" >>"'"$WORK"'/mpirun.called"'
    program scontrol ':'
    run -0 "$RELIN" submit "$WORK/sweep.yaml" -o "it's here/a b.h5" 'name=x y'
    grep -qxF "#SBATCH --output=\"$WORK/it's here/a b-%j.log\"" "it's here/a b.sbatch"
    bash "it's here/a b.sbatch" || true
    grep -qxF "<$WORK/it's here/a b.h5>" mpirun.called
    grep -qxF "<name=x y>" mpirun.called
}

@test "mistakes are found before anything is submitted" {
    setup_slurm
    run -2 submit training.stpes=3
    [[ $output == *"training.stpes"*"did you mean training.steps?"* ]]
    run -2 submit data.train=1000
    [[ $output == *"data.train, data.validation: expected at most 256 rows"*"got 1000 + 16"* ]]
    run -2 submit --time soon
    [[ $output == *"--time: expected minutes, minutes:seconds, hours:minutes:seconds or days-hours, got 'soon'"* ]]
    for time in 0 1:2:3:4 -5 1- 1:; do run -2 submit --time "$time"; done
    run -2 submit --tasks 0
    [[ $output == *"--tasks: expected a whole number from 1 to 1000000, got '0'"* ]]
    run -2 submit --array 1
    run -2 submit --array 4%0
    run -2 submit --drain 600 --time 5
    [[ $output == *"--drain: expected less than the time limit of 300 s, got 600"* ]]
    run -2 submit --launcher prun
    [[ $output == *"--launcher: expected mpirun or srun, got prun"* ]]
    run -2 submit --extra '--mail-type=END'
    [[ $output == *"expected one line beginning with #SBATCH , got '--mail-type=END'"* ]]
    run -2 submit --setup $'a\nb'
    run -2 submit --account $'a\nb'
    run -2 submit -o nowhere/f.h5
    [[ $output == *"--output: the folder nowhere"* ]]
    run -2 submit -o ./
    run -2 "$RELIN" submit
    run -2 submit seed
    [ ! -e sbatch.called ]
}

@test "what sbatch says is passed on, with what to do" {
    setup_slurm
    program sbatch 'echo "sbatch: error: invalid partition specified: x" >&2; exit 1'
    run -2 submit
    [[ $output == *"$WORK/farm.sbatch refused (exit code 1):"*"invalid partition specified: x"*'What to do: `sinfo -s` lists the partitions'* ]]
    program sbatch 'echo "sbatch: error: something of its own" >&2; exit 1'
    run -2 submit
    [[ $output == *"something of its own"*"The script stays there"* ]]
    program sbatch 'echo "no number"'
    run -2 submit
    [[ $output == *"sbatch --parsable: expected a job's number, got 'no number"* ]]
    program sbatch 'echo "sbatch: remark" >&2; echo "17;cluster"'
    run -0 submit --parsable
    [[ $output == *"sbatch: remark"*17 ]]
    # the array is in the queue when the joining job is refused
    program sbatch '[ $# = 2 ] && echo 5 || exit 3'
    run -2 submit --array 2
    [[ $output == *"job 5 is submitted, the one that joins its files is not: $WORK/farm.merge.sbatch refused (exit code 3)"* ]]
}

@test "without Slurm it is said where to go" {
    setup_slurm
    rm bin/sbatch bin/sinfo
    PATH="$WORK/bin:/nowhere" run -2 "$RELIN" submit sweep.yaml
    [[ $output == *"sbatch: not found: run this on a login node"* ]]
}

@test "a file that a run is writing is refused" {
    setup_slurm
    "$RELIN" run sweep.yaml training.steps=100000000 -o f.h5 &
    pid=$!
    wait_for 20 job_runs
    run -75 submit -o f.h5
    [[ $output == *"f.h5: in use by a run on"* ]]
    # whose Slurm job still runs is refused, too, but may be followed
    sed -i 's/slurm_job -/slurm_job 99/' f.h5.lock
    program squeue 'echo RUNNING'
    run -75 submit -o f.h5
    [[ $output == *"f.h5: in use by a run on "*", Slurm job 99"*"--dependency afterany:99" ]]
    run -0 submit -o f.h5 --dependency afterany:99
    # of one that Slurm has ended only the lock is left
    program squeue 'echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1'
    run -0 submit -o f.h5
    kill -USR1 $pid
    wait $pid || true
}

# in_slurm SCRIPT: as Slurm would run it; mpirun is one process
in_slurm() {
    program mpirun 'case $1 in --version) echo "mpirun (Open MPI) 4.1"; exit;; esac
        echo "$@" >>"'"$WORK"'/mpirun.called"; while [ -e "'"$WORK"'/starting" ]; do sleep 0.1; done; shift 3
        [ -e "'"$WORK"'/staying" ] || exec "$@"
        "$@"; exec sleep 1000'
    program scontrol 'echo "$@" >>"'"$WORK"'/scontrol.called"'
    SLURM_JOB_ID=7 exec bash "$1"
}

@test "the script runs the sweep, and ends with its verdict" {
    setup_slurm
    submit -o f.h5 >/dev/null
    run -0 in_slurm f.sbatch
    [[ $output == *"12 of 12 jobs done"* ]]
    [[ $(cat mpirun.called) == "--bind-to none --enable-recovery $RELIN run $WORK/sweep.yaml -o $WORK/f.h5" ]]
    [ ! -e scontrol.called ]
    # what is done is not run again, and not requeued
    run -0 in_slurm f.sbatch
    [ ! -e scontrol.called ]
    # jobs that fail for good are a verdict too
    submit -o g.h5 limits.job_wall=1s limits.attempts=1 training.steps=100000000 grid.seed=0 >/dev/null
    run -3 in_slurm g.sbatch
    [ ! -e scontrol.called ]
}

@test "the script goes on by the rule of --until, and ends with its verdict" {
    setup_slurm
    submit -o f.h5 --until halfwidth=0.0125,max_seeds=30,metric=test_loss >/dev/null
    run -0 in_slurm f.sbatch
    [[ $output == *" of 90 jobs done, 0 failed, "*" skipped"* ]]
    run -0 in_slurm f.sbatch
    [ ! -e scontrol.called ]
}

@test "the script passes USR1 on, and requeues only when something advanced" {
    setup_slurm
    submit -o f.h5 training.steps=100000000 >/dev/null
    in_slurm f.sbatch >log &
    pid=$!
    wait_for 30 job_runs
    kill -USR1 $pid
    wait $pid     # 0: the checkpoints of what ran are an advance
    [ "$(cat scontrol.called)" = "requeue 7" ]
    grep -q "0 jobs finished, 0 of them in this run, others are on their way: requeued" log
    # nothing is kept, nothing advances
    submit -o g.h5 training.steps=100000000 limits.checkpoint=none >/dev/null
    in_slurm g.sbatch >log &
    pid=$!
    wait_for 30 job_runs
    kill -USR1 $pid
    status=0; wait $pid || status=$?
    [ "$status" -eq 75 ]
    [ "$(wc -l <scontrol.called)" = 1 ]
    grep -q "nothing advanced in this run: not requeued" log
}

@test "a USR1 that comes while mpirun starts the ranks waits for them" {
    setup_slurm
    submit -o f.h5 training.steps=100000000 >/dev/null
    touch starting                  # mpirun waits, and USR1 would end it, as it does the real one
    in_slurm f.sbatch >log 2>&1 &
    pid=$!
    wait_for 30 test -s mpirun.called
    kill -USR1 $pid
    rm starting
    status=0; wait $pid || status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 75 ] || { cat log; false; }     # as something advanced or not
    grep -q "0 of 12 jobs done" log
    [ ! -e f.h5.lock ]
}

@test "an mpirun that does not end after its run is ended" {
    setup_slurm
    submit -o f.h5 grid.seed=0 --setup PATIENCE=1 >/dev/null
    touch staying
    run -0 in_slurm f.sbatch
    [[ $output == *"3 of 3 jobs done"* ]]
}

@test "a part of an array runs into a file of its own, and the merge script joins them" {
    setup_slurm
    submit --array 2 >/dev/null
    for k in 1 2; do SLURM_ARRAY_TASK_ID=$k in_slurm farm.sbatch & wait $!; done
    [[ $(tail -n 1 mpirun.called) == *"run --part 2/2 $WORK/sweep.yaml -o $WORK/farm.2.h5" ]]
    run -0 bash farm.merge.sbatch
    [[ $output == *"12 of 12 jobs done, 0 failed, 0 missing, from 2 files"* ]]
    "$RELIN" run sweep.yaml -o whole.h5
    same whole.h5 farm.h5
}

@test "the templates of slurm/ have one body, and say by hand what submit writes" {
    setup_slurm
    body() { sed -n '/^# --- nothing below/,$p' "$1"; }
    [ "$(body "$ROOT/slurm/relin.sbatch" | wc -l)" -gt 30 ]
    [ "$(body "$ROOT/slurm/relin.sbatch")" = "$(body "$ROOT/slurm/small.sbatch")" ]
    submit -o f.h5 --array 2 >/dev/null
    [ "$(body "$ROOT/slurm/relin.sbatch")" = "$(body f.sbatch)" ]
    [ "$(body "$ROOT/slurm/merge.sbatch")" = "$(body f.merge.sbatch)" ]
    # by hand
    cp "$ROOT/slurm/relin.sbatch" .
    RELIN=$RELIN run -0 in_slurm_with relin.sbatch sweep.yaml -o hand.h5 grid.seed=0
    [[ $output == *"3 of 3 jobs done"* ]]
    RELIN=$RELIN run -2 in_slurm_with relin.sbatch sweep.yaml
    [[ $output == *"usage: sbatch relin.sbatch SWEEP.yaml -o FILE.h5"* ]]
}
in_slurm_with() {
    program mpirun '[ "$1" != --version ] || exit; shift 2; exec "$@"'
    bash "$@"
}
