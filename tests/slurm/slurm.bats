# relin submit in a real Slurm: several nodes on this machine (tests/slurm/cluster.sh). Each test's file must be, bit
# for bit, that of a run that nobody disturbed. Run by `make check-slurm`.
#
# Limits are looked at every half minute, so the sweep that meets its time limit is submitted first, on nodes of its
# own (n4, n5), and looked at last.

bats_require_minimum_version 1.5.0

setup_file() {
    ROOT=$(realpath "$BATS_TEST_DIRNAME/../..")
    export ROOT CLUSTER=$ROOT/tests/slurm/cluster.sh SWEEP=$ROOT/tests/sweeps/farm.yaml
    reason=$("$CLUSTER" why-not)
    [ -z "$reason" ] || skip "$reason"
    RELIN=$(realpath "${RELIN:-$ROOT/build/release/relin}")
    # short: names of sockets; everybody on the nodes may look into it, munged wants that
    DIR=$(mktemp -d /tmp/rslurm.XXXXXX) && chmod 0711 "$DIR"
    export RELIN DIR PYTHON=${PYTHON:-/usr/bin/python3} SLURM_CONF=$DIR/c/slurm.conf RELIN_PROGRESS=none
    # shellcheck source=/dev/null
    . "$ROOT/.ci/mpi.sh"
    export OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_mpi_yield_when_idle=1
    "$CLUSTER" start "$DIR/c" 5 2 2000 || return 1
    cd "$DIR" || return 1
    "$RELIN" run "$SWEEP" "${short[@]}" -o whole.h5 >/dev/null
    # one job is so long that the limit, which is noticed after 30 s at the latest, comes before its end
    steps=$(py whole.h5 'print(int(35 * 150000 / f["cpu_seconds"][:].mean()))')
    slow=("grid={architecture: small, refresh_period: [10], seed: 0, training.steps: [100000, 200000, 300000, $steps]}"
        "${common[@]}")
    "$RELIN" submit "$SWEEP" "${slow[@]}" -o limit.h5 --tasks 2 --nodes 2 --time 1 --drain 30 --job-name limit --parsable \
        --extra '#SBATCH --nodelist=n4,n5' >limit.id
    "$RELIN" run "$SWEEP" "${slow[@]}" -o undisturbed.h5 >/dev/null 2>&1 3>&- &
    echo $! >undisturbed.pid
}

teardown_file() {
    [ -n "${DIR:-}" ] || return 0
    kill "$(cat "$DIR/undisturbed.pid")" 2>/dev/null
    "$CLUSTER" stop "$DIR/c"
    cd / && rm -rf "$DIR"
}

common=(training.evaluations=4 kernels.snapshots=0 kernels.path_points=0)
short=(training.steps=150000 "${common[@]}")                       # half a second a job
elsewhere=(--extra '#SBATCH --exclude=n4,n5')

setup() {
    cd "$DIR" || return 1
    N=$BATS_TEST_NUMBER
}

# field JOB NAME: of `scontrol show job`
field() { scontrol -o show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1; }
is() { [[ $(field "$1" "$2") =~ ^($3)$ ]]; }
# finished JOB: for good; a requeued one is PENDING, or on its way there (COMPLETING)
finished() { is "$1" JobState 'COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY'; }
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "waited in vain for: $*"; squeue -l; sinfo -N; tail -n 30 ./*.log; return 1; }
        sleep 0.1
    done
}
done_jobs() { [ "$("$RELIN" status --json "$1" 2>/dev/null | sed 's/.*"done": \([0-9]*\).*/\1/')" -ge "$2" ] 2>/dev/null; }
same() { "$PYTHON" "$ROOT/tests/python/same.py" "$1" "$2"; }
py() { "$PYTHON" -c "import h5py, sys; f = h5py.File(sys.argv[1]); $2" "$1"; }
submit() { "$RELIN" submit "$SWEEP" --parsable "$@"; }
# ends_well JOB: with exit code 0
ends_well() {
    wait_for 300 finished "$1"
    [ "$(field "$1" JobState) $(field "$1" ExitCode)" = "COMPLETED 0:0" ] || { scontrol show job "$1"; cat ./*-"$1".log; return 1; }
}

@test "a sweep runs over three nodes by mpirun" {
    job=$(submit "${short[@]}" -o f$N.h5 --tasks 3 --nodes 3 "${elsewhere[@]}")
    ends_well "$job"
    same whole.h5 f$N.h5
    py f$N.h5 'h = set(f["host"].asstr()[:]); assert h == {"n1", "n2", "n3"}, h'
    grep -q "job $job on n\[1-3\], restart 0" f$N-"$job".log
}

@test "a sweep runs over three nodes by srun" {
    job=$(submit "${short[@]}" -o f$N.h5 --tasks 3 --nodes 3 --launcher srun "${elsewhere[@]}")
    ends_well "$job"
    same whole.h5 f$N.h5
    py f$N.h5 'h = set(f["host"].asstr()[:]); assert h == {"n1", "n2", "n3"}, h'
}

@test "what was cancelled goes on by the same command" {
    job=$(submit "${short[@]}" -o f$N.h5 --tasks 2 --nodes 2 "${elsewhere[@]}")
    wait_for 60 done_jobs f$N.h5 3
    scancel "$job"
    wait_for 30 finished "$job"
    is "$job" JobState CANCELLED
    wait_for 30 is_free f$N.h5
    job=$(submit "${short[@]}" -o f$N.h5 --tasks 2 --nodes 2 "${elsewhere[@]}")
    ends_well "$job"
    same whole.h5 f$N.h5
}
is_free() { "$RELIN" status --json "$1" | grep -q '"alive": false'; }

@test "an array takes a part each, and its last job joins the parts" {
    last=$(submit "${short[@]}" -o f$N.h5 --array 3 --tasks 1 "${elsewhere[@]}")
    ends_well "$last"
    same whole.h5 f$N.h5
    for k in 1 2 3; do py f$N.$k.h5 'assert (f["status"][:] == 2).all() and len(f["status"]) == 4, f["status"][:]'; done
}

@test "without progress a job is not requeued" {
    job=$(submit "${short[@]}" training.steps=100000000 limits.checkpoint=none -o f$N.h5 --tasks 1 "${elsewhere[@]}")
    wait_for 60 runs f$N.h5
    scancel -b -s USR1 "$job"
    wait_for 40 finished "$job"
    [ "$(field "$job" JobState) $(field "$job" ExitCode) $(field "$job" Restarts)" = "FAILED 75:0 0" ]
    grep -q "nothing advanced in this run: not requeued" f$N-"$job".log
}
runs() { "$RELIN" status --json "$1" 2>/dev/null | grep -q '"running": [1-9]'; }

@test "an allocation of more memory than a node has is refused, and says what to do" {
    run -2 submit "${short[@]}" -o f$N.h5 --mem 4G
    [[ $output == *"f$N.sbatch refused (exit code 1):"*emory*"What to do: "*"--mem"* ]]
    [ ! -e f$N.h5 ]
}

@test "what was killed for its memory goes on in a larger allocation" {
    job=$(submit "${short[@]}" -o f$N.h5 --mem 20 --tasks 1 "${elsewhere[@]}")
    wait_for 60 finished "$job"
    not is "$job" JobState COMPLETED
    job=$(submit "${short[@]}" -o f$N.h5 --tasks 2 "${elsewhere[@]}")
    ends_well "$job"
    same whole.h5 f$N.h5
}
not() { ! "$@"; }

@test "after the loss of a node the job comes back with another and completes" {
    job=$(submit "${short[@]}" training.steps=600000 -o f$N.h5 --tasks 3 --nodes 3 "${elsewhere[@]}")
    wait_for 60 done_jobs f$N.h5 2
    "$CLUSTER" kill-node "$DIR/c" n3
    wait_for 60 is "$job" JobState PENDING
    "$CLUSTER" start-node "$DIR/c" n3
    ends_well "$job"
    [ "$(field "$job" Restarts)" -ge 1 ]
    whole_long
    same long.h5 f$N.h5
}

@test "after the loss of a rank on another node the sweep completes, and the allocation ends" {
    job=$(submit "${short[@]}" training.steps=600000 limits.patience=20s -o f$N.h5 --tasks 3 --nodes 3 --setup PATIENCE=5 "${elsewhere[@]}")
    wait_for 60 done_jobs f$N.h5 2
    lost=$(rank_on n3 f$N.h5)
    kill -KILL "$lost"
    ends_well "$job"
    [ "$(field "$job" Restarts)" = 0 ]
    whole_long
    same long.h5 f$N.h5
}
# rank_on NODE FILE: its process
rank_on() {
    local pid
    for pid in $(pgrep -f "relin run .*-o .*$2"); do
        [ "$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^SLURMD_NODENAME=//p')" != "$1" ] || { echo "$pid"; return; }
    done
}
whole_long() { [ -e long.h5 ] || "$RELIN" run "$SWEEP" "${short[@]}" training.steps=600000 -o long.h5 >/dev/null; }

@test "a sweep that meets its time limit drains, is requeued, and completes, with no hand on it" {
    job=$(cat limit.id)
    ends_well "$job"
    [ "$(field "$job" Restarts)" -ge 1 ]
    grep -q "in this run, others are on their way: requeued" limit-"$job".log
    wait_for 300 done_jobs undisturbed.h5 4
    same undisturbed.h5 limit.h5
    # what the drain stopped went on from its checkpoint, and it is no attempt of its own
    py limit.h5 'assert (f["attempts"][:] == 1).all(), f["attempts"][:]'
    [ "$(echo limit.h5*)" = limit.h5 ]
}
