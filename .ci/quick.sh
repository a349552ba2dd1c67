#!/bin/bash
# The first run: sweeps/quick.yaml on all cores of this machine, and what it showed.
#
#   .ci/quick.sh build/release       (make run)
#
# Ctrl-C drains: mpirun would kill its ranks 2 s after an INT, so it gets USR1 instead,
# and a second call goes on where this one stopped. A second Ctrl-C ends at once.
set -u
build=${1:?usage: .ci/quick.sh build/MODE}
cd "$(dirname "$0")/.." || exit 1
. .ci/mpi.sh

sweep=sweeps/quick.yaml
file=quick.h5
# Physical cores that this process may use: two threads of one core gain nothing.
ranks=$(lscpu -p=core,socket 2>/dev/null | grep -v '^#' | sort -u | wc -l)
[ "$ranks" -ge 1 ] && [ "$ranks" -le "$(nproc)" ] || ranks=$(nproc)

# mpirun's stderr is a pipe: tell relin that a terminal is behind it.
[ -t 2 ] && export RELIN_PROGRESS="${RELIN_PROGRESS:-bar}"
# A rank that dies costs its own jobs only (--enable-recovery). The verdict comes from the file, not from mpirun (below),
# which is then silent about codes.
export OMPI_MCA_orte_abort_on_non_zero_status=0
recovery=()
case $(mpirun --version 2>/dev/null) in *'(Open MPI) 4.'*) recovery=(--enable-recovery) ;; esac

echo "running $sweep on $ranks cores: relin run $sweep -o $file"
set -m # a process group of its own: the terminal's Ctrl-C reaches only this script
mpirun "${recovery[@]}" -n "$ranks" "$build/relin" run "$sweep" -o "$file" </dev/null &
pid=$!
stops=0
stop() {
    stops=$((stops + 1))
    if [ $stops -eq 1 ]; then
        echo " stopping within ten seconds; make run goes on from here later" >&2
        kill -USR1 $pid
    else
        echo " ending now" >&2
        kill -TERM $pid
    fi
}
trap stop INT TERM
until wait "$pid"; ! kill -0 "$pid" 2>/dev/null; do :; done
trap - INT TERM

"$build/relin" status --exit-code "$file" >/dev/null
case $? in
0) ;;
75) echo "incomplete: run \`make run\` again to go on" && exit 75 ;;
*) "$build/relin" status "$file"; exit 1 ;;
esac
echo
"$build/relin" summary --table --curve --sentence "$file" || exit 1
next() { printf '  %-78s %s\n' "$@"; }
echo
echo "The file: $PWD/$file (HDF5: Python and h5dump open it; FORMAT.md says what is in it)"
echo "Next:"
next "cp $file more.h5; $build/relin run $sweep grid.seed=0..14 -o more.h5" "more seeds: only the new jobs run"
next "$build/relin summary --csv $file" "the table, for plots of your own"
next "$build/relin export $file -o quick.nc" "all of it for R and others; .csv: a line a job"
next "$build/relin plan sweeps/fashion-mnist.yaml" "what a real sweep would cost"
next "$build/relin --help" "what else there is; TUTORIAL.md: from here to a cluster"
next "make install PREFIX=\$HOME/.local" "relin and its manual, in a folder of yours"
