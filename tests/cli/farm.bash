# Sourced by the tests of the farm: a folder of their own, and ways to look at processes.
# RELIN names the program under test, PYTHON one that has h5py.

setup() {
    ROOT=$(realpath "$BATS_TEST_DIRNAME/../..")
    RELIN=$(realpath "${RELIN:-$ROOT/build/release/relin}")
    PYTHON=${PYTHON:-/usr/bin/python3}
    SWEEPS=$ROOT/tests/sweeps
    WORK=$(mktemp -d)
    cd "$WORK" || return 1
    # shellcheck source=/dev/null
    . "$ROOT/.ci/mpi.sh"
    export RELIN_PROGRESS=none
}

teardown() {
    local pid
    for pid in $(own_processes); do kill -KILL "$pid" 2>/dev/null; done
    cd / && rm -rf "$WORK"
}

# named PATTERN: living processes of the farm that work in this test's folder and whose name matches. Starts no program:
# that takes long enough where processes are expensive for what is waited for to be over.
named() {
    local comm name pid
    for comm in /proc/[0-9]*/comm; do
        { read -r name < "$comm"; } 2>/dev/null || continue
        [[ $name =~ ^relin|^mpirun$|^orted$ ]] && [[ $name =~ $1 ]] || continue
        pid=${comm#/proc/} pid=${pid%/comm}
        [ "/proc/$pid/cwd" -ef "$WORK" ] && echo "$pid"
    done
    return 0
}
own_processes() { named .; }

# Sanitizers and counters make programs several times slower: then what waits has more time, and jobs that are to last have fewer steps.
slowness=1
case ${RELIN_BUILD:-} in */asan | */coverage) slowness=6 ;; esac

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local end=$((SECONDS + slowness * $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || { echo "waited in vain for: $*"; witnesses; return 1; }
        sleep 0.05
    done
}

# What could tell why something did not come.
witnesses() {
    local pid
    for pid in $(own_processes); do ps -o pid,ppid,stat,time,wchan:20,args -p "$pid" | tail -n +2; done
    tail -n 20 log 2>/dev/null || true
}

job_runs() { [ -n "$(named '^relin-job')" ]; }
nothing_runs() { [ -z "$(own_processes)" ]; }
# done_jobs FILE N: at least N rows are done
done_jobs() { [[ $("$RELIN" status --json "$1" 2>/dev/null) =~ \"done\":\ *([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge "$2" ]; }

# Names of the farm in shared memory whose run is over: there must be none after each test.
no_names_left() {
    local guard
    for guard in /dev/shm/relin-*; do   # a guard that can be locked belongs to nobody
        [[ $guard =~ relin-[0-9a-f]{16}\.[0-9]+$ ]] || continue
        flock -n "$guard" true 2>/dev/null && { echo "left: $guard"; return 1; }
    done
    return 0
}

# mpi N COMMAND...: in the foreground; in the background call mpirun itself, whose pid is then $!
mpi() { local n=$1; shift; mpirun -q -n "$n" "$@"; }
same() { "$PYTHON" "$ROOT/tests/python/same.py" "$1" "$2"; }
not() { ! "$@"; }
long=(training.steps=$((150000 / slowness)) training.evaluations=4 kernels.snapshots=0 kernels.path_points=0)   # some seconds

# within BYTES COMMAND: in a control group of so much memory; skips where there can be none. Waits for its processes to have ended.
within() {
    local group=/sys/fs/cgroup/memory/relin-test.$$ status=0
    mkdir "$group" 2>/dev/null && echo "$1" >"$group/memory.limit_in_bytes" || skip "no control group of memory can be made here"
    grep -q '^oom_kill ' /proc/vmstat || skip "this kernel does not count what it killed"
    bash -c "echo \$BASHPID >$group/cgroup.procs && exec $2" || status=$?
    wait_for 10 rmdir "$group"
    return $status
}
