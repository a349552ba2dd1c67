#!/bin/bash
# A Slurm cluster of several nodes on this one machine, for tests: munged, slurmctld, and a slurmd per node
# in namespaces of its own (host name, processes, /dev/shm), so that ranks of different nodes share nothing
# that they would not share in a cluster. Root only; talks on the loopback only.
#
#   cluster.sh start DIR [NODES [CPUS [MEMORY_MB]]]    then:  export SLURM_CONF=DIR/slurm.conf
#   cluster.sh kill-node DIR NODE        power off: slurmd and everything that runs there
#   cluster.sh start-node DIR NODE
#   cluster.sh stop DIR                  ends every process of the cluster; DIR stays
#   cluster.sh why-not                   prints why it cannot start here, or nothing
#
# Every process is remembered by pid and start time, in DIR/run, and ended by them.
set -u

fail() { echo "cluster.sh: $*" >&2; exit 1; }

why_not() {
    local program
    [ "$(id -u)" = 0 ] || { echo "not root"; return; }
    for program in munged mungekey slurmctld slurmd sbatch unshare ss ip; do
        PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || { echo "$program is not installed"; return; }
    done
    unshare --uts --mount --pid --fork --mount-proc sh -c 'hostname probe && mount -t tmpfs x /dev/shm' 2>/dev/null ||
        echo "namespaces are not permitted here"
}

# --- processes ------------------------------------------------------------------------------------

started() { # PID: when, in ticks since boot
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return
    stat=${stat##*) }
    # the state comes first; a zombie is no process any more
    [ "${stat%% *}" = Z ] || awk '{ print $20 }' <<<"$stat"
}

# spawn NAME COMMAND...: in the background, without our descriptors, else who reads our output waits for it
spawn() {
    local name=$1
    shift
    (cd / && exec setsid "$@" </dev/null >>"$dir/log/$name.out" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-) &
    echo "$! $(started $!)" >"$dir/run/$name"
}

# alive NAME: prints its pid while it is the process that we started
alive() {
    local pid when
    read -r pid when 2>/dev/null <"$dir/run/$1" || return
    [ -n "$when" ] && [ "$(started "$pid")" = "$when" ] && echo "$pid"
}

# wait_for SECONDS COMMAND...
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}
is_gone() { [ -z "$(alive "$1")" ]; }

# end NAME [PID]: TERM to PID (NAME's own by default), KILL when that does not help
end() {
    local pid
    pid=$(alive "$1") || return 0
    kill -TERM "${2:-$pid}" 2>/dev/null
    wait_for 10 is_gone "$1" || kill -KILL "${2:-$pid}" "$pid" 2>/dev/null
    wait_for 5 is_gone "$1"
    rm -f "$dir/run/$1"
}

# --- configuration --------------------------------------------------------------------------------

free_ports() { # COUNT: the first of so many that nobody listens on
    local base port busy
    for _ in {1..50}; do
        base=$((20000 + RANDOM % 1000 * 10))
        busy=$(ss -Hltn | awk '{ sub(/.*:/, "", $4); print $4 }')
        for ((port = base; port < base + $1; port++)); do
            ! grep -qx "$port" <<<"$busy" || continue 2
        done
        echo $base
        return
    done
    fail "no free ports"
}

node_names() { seq -f 'n%g' "$nodes"; }

# To itself every node is 127.0.0.1, where its daemons listen; the others must be another address, or mpirun
# takes them for this very host.
write_hosts() { # NAME
    local other
    {
        echo "127.0.0.1 localhost $1"
        for other in $(node_names); do [ "$other" = "$1" ] || echo "127.0.1.${other#n} $other"; done
    } >"$dir/hosts.$1"
}

write_configuration() {
    local port node
    port=$(free_ports $((nodes + 1)))
    for node in controller $(node_names); do write_hosts "$node"; done
    : >"$dir/plugstack.conf"
    cat >"$dir/slurm.conf" <<CONF
ClusterName=relin
SlurmctldHost=controller(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# a requeued job starts when its old credential has expired: 5 s instead of two minutes
AuthInfo=socket=$dir/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
TmpFS=$dir/tmp/%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
PlugStackConfig=$dir/plugstack.conf
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
# nodes of more processors than this machine has
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=2,sched_interval=5
ReturnToService=2
# memory is looked after by polling, since cgroups need a systemd
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=UsePss,OverMemoryKill
AccountingStorageType=accounting_storage/none
SlurmdTimeout=10
MessageTimeout=10
BatchStartTimeout=10
KillWait=5
UnkillableStepTimeout=120
MinJobAge=3600
JobRequeue=1
CONF
    for node in $(node_names); do
        echo "NodeName=$node NodeHostname=$node NodeAddr=127.0.0.1 Port=$((port + ${node#n})) CPUs=$cpus Boards=1" \
            "SocketsPerBoard=1 CoresPerSocket=$cpus ThreadsPerCore=1 RealMemory=$memory State=UNKNOWN"
    done >>"$dir/slurm.conf"
    echo "PartitionName=main Nodes=ALL Default=YES MaxTime=60 DefaultTime=10 State=UP" >>"$dir/slurm.conf"
    # only for daemons: with it a client would bind to what its host name means
    printf 'include %s\nCommunicationParameters=NoCtldInAddrAny,NoInAddrAny\n' "$dir/slurm.conf" >"$dir/daemon.conf"
    echo "nodes=$nodes cpus=$cpus memory=$memory" >"$dir/settings"
}

# --- daemons --------------------------------------------------------------------------------------

start_munge() {
    mungekey --create --keyfile="$dir/munge/key" || fail "mungekey"
    spawn munged munged -F --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" \
        --pid-file="$dir/munge/pid" --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
    wait_for 10 munge -S "$dir/munge/socket" -n || fail "munged does not answer: $(cat "$dir/log/munged.out")"
}

start_controller() {
    # shellcheck disable=SC2016 # for the shell inside
    spawn slurmctld unshare --uts --mount --propagation slave sh -c \
        'hostname controller && mount --bind "$1/hosts.controller" /etc/hosts && exec slurmctld -D -f "$1/daemon.conf"' \
        sh "$dir"
}

# The first process of a node: what dies with it is the whole node.
# shellcheck disable=SC2016 # for the shell inside
node_program='
    hostname "$2" && mount -t tmpfs -o mode=1777 shm /dev/shm && mount --bind "$1/hosts.$2" /etc/hosts || exit 1
    trap "exit 0" TERM
    slurmd -D -f "$1/daemon.conf" -N "$2" & daemon=$!
    while kill -0 $daemon 2>/dev/null; do wait $daemon; done
    while :; do sleep 3600 & wait $!; done'

start_node() { # NODE
    mkdir -p "$dir/spool/$1" "$dir/tmp/$1"
    spawn "node-$1" unshare --uts --mount --pid --fork --kill-child=KILL --mount-proc --propagation slave \
        bash -c "$node_program" "node-$1" "$dir" "$1"
}

first_process() { # NODE: unshare itself ignores TERM; its only child is the node's first process
    local pid
    pid=$(alive "node-$1") && tr -d ' ' <"/proc/$pid/task/$pid/children"
}

kill_node() { # NODE
    local pid
    pid=$(first_process "$1")
    [ -n "$pid" ] || fail "$1 is not running"
    kill -KILL "$pid"
    wait_for 10 is_gone "node-$1" || fail "$1 does not end"
    rm -f "$dir/run/node-$1"
}

end_node() { # NODE
    local pid
    pid=$(first_process "$1")
    [ -z "$pid" ] || end "node-$1" "$pid"
}

is_up() { [ "$(sinfo -h -N -o %T | grep -cE '^(idle|mixed|allocated)$')" = "$nodes" ]; }
no_jobs() { [ -z "$(squeue -h -t R,CG,S)" ]; }

stop() {
    local node
    if [ -n "$(alive slurmctld)" ]; then
        timeout 10 scancel --me >/dev/null 2>&1
        wait_for 10 no_jobs
    fi
    for node in $(node_names); do end_node "$node"; done
    end slurmctld
    end munged
}

verb=${1:-} dir=${2:-}
export PATH=$PATH:/usr/sbin
[ "$verb" != why-not ] || { why_not; exit 0; }
[ -n "$dir" ] || { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
mkdir -p "$dir" || fail "$dir cannot be made"
dir=$(realpath "$dir")
export SLURM_CONF=$dir/slurm.conf
if [ "$verb" = start ]; then
    nodes=${3:-3} cpus=${4:-2} memory=${5:-2000}
    [ ${#dir} -le 60 ] || fail "$dir: too long for the names of sockets"
    [ ! -e "$dir/settings" ] || fail "$dir has a cluster already"
    mkdir -p "$dir"/{munge,state,log,run,spool,tmp}
    chmod 0711 "$dir" "$dir/munge" || fail "$dir cannot be written"
    # Slurm looks names up among the families of address that the machine has beside 127.0.0.1
    ip -4 -o addr 2>/dev/null | grep -qv ' 127\.0\.0\.1/' || ip addr add 127.0.0.2/8 dev lo 2>/dev/null
    write_configuration
else
    # shellcheck source=/dev/null
    . "$dir/settings" || fail "no cluster in $dir"
fi
case $verb in
start)
    trap '[ $? = 0 ] || stop' EXIT
    start_munge
    start_controller
    for node in $(node_names); do start_node "$node"; done
    wait_for 60 is_up || { tail -n 20 "$dir/log/slurmctld.log" >&2; fail "the nodes do not come up"; }
    ;;
kill-node) kill_node "${3:?NODE}" ;;
start-node) start_node "${3:?NODE}" ;;
stop) stop ;;
*) fail "unknown verb $verb" ;;
esac
