#!/bin/bash
# Two "hosts" on this machine, for runs over a real network: each its own name, network, shared memory and process numbers,
# one cable between them, and one folder that both see, as a cluster has.
#
#   hosts.sh why-not            says why there can be none here, or nothing
#   hosts.sh start FOLDER       makes them: relin-a (10.77.0.1) and relin-b (10.77.0.2)
#   hosts.sh on FOLDER HOST COMMAND...   runs a command there, in the current folder
#   hosts.sh stop FOLDER        ends them and all that runs there
#
# FOLDER/agent is what mpirun calls in place of ssh. FOLDER/HOST.pid is the process whose end is the host's power cut.
set -u
PATH=$PATH:/usr/sbin
self=$(realpath "$0")

why_not() {
    local program
    for program in ip nsenter unshare mpirun; do
        command -v $program >/dev/null || { echo "$program is not here (Debian: iproute2, util-linux, openmpi-bin)"; return; }
    done
    unshare --net --uts --pid --mount --ipc --fork true 2>/dev/null || { echo "no right to make namespaces (root)"; return; }
    mpirun --version | grep -q 'Open MPI) 4' || echo "mpirun is not of Open MPI 4, whose agent this is written for"
}

# One host: a process that sleeps in namespaces of its own. relin-b has process numbers of its own too, and ends whole with
# that process; relin-a has those of the machine, since mpirun, which runs there, must be able to call on relin-b.
make_host() {
    local folder=$1 host=$2 numbers=(--pid)
    [ "$host" = relin-b ] || numbers=()
    # shellcheck disable=SC2016 # the inner shell's
    setsid unshare --net --uts --mount --ipc "${numbers[@]}" --fork --kill-child bash -c '
        mount --make-rprivate / && mount -t proc proc /proc && mount -t tmpfs none /dev/shm &&
            mount --bind "$1/hosts" /etc/hosts && hostname "$2" && ip link set lo up && touch "$1/$2.made" && exec sleep infinity' \
        - "$folder" "$host" </dev/null >"$folder/$host.log" 2>&1 &
    local outer=$!
    for _ in $(seq 100); do
        [ -e "$folder/$host.made" ] && pgrep -P $outer >"$folder/$host.pid" && return
        sleep 0.1
    done
    cat "$folder/$host.log"
    return 1
}

# connect HOST END ADDRESS: plugs one end of the cable in: into a bridge, which keeps its address where the other host, and
# with it the cable, is no more.
connect() {
    ip link set "$2" netns "$(cat "$folder/$1.pid")" && (on "$1" ip link add lan type bridge) &&
        (on "$1" ip link set "$2" master lan up) && (on "$1" ip addr add "$3/24" dev lan) && (on "$1" ip link set lan up)
}

start() {
    printf '127.0.0.1 localhost\n10.77.0.1 relin-a\n10.77.0.2 relin-b\n' >"$folder/hosts"
    # shellcheck disable=SC2016 # the agent's
    printf '#!/bin/bash\n# HOST COMMAND...: as ssh does\nhost=$1\nshift\nexec %q on %q "$host" sh -c "$*"\n' "$self" "$folder" >"$folder/agent"
    chmod +x "$folder/agent"
    make_host "$folder" relin-a && make_host "$folder" relin-b || return 1
    ip link add "relin-$$-a" type veth peer name "relin-$$-b" || return 1
    connect relin-a "relin-$$-a" 10.77.0.1 && connect relin-b "relin-$$-b" 10.77.0.2
}

on() {
    local pid host=$1
    shift
    pid=$(cat "$folder/$host.pid") || return 1
    local numbers=()
    [ "$host" = relin-a ] || numbers=(--pid)
    exec nsenter --target "$pid" --net --uts --mount --ipc "${numbers[@]}" --wd="$PWD" -- "$@"
}

stop() {
    local host
    for host in relin-a relin-b; do
        [ ! -s "$folder/$host.pid" ] || kill -KILL "$(cat "$folder/$host.pid")" 2>/dev/null
    done
}

action=${1:?usage: hosts.sh why-not | start FOLDER | on FOLDER HOST COMMAND... | stop FOLDER}
shift
[ "$action" = why-not ] && { why_not; exit 0; }
folder=$(realpath "$1") && shift
case $action in
start | stop) "$action" ;;
on) on "$@" ;;
*) echo "$action: expected why-not, start, on or stop" >&2 && exit 2 ;;
esac
