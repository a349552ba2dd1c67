#!/bin/bash
# Finds what building, running or testing needs, and gets it.
#
#   .ci/deps.sh run|check|slurm|all
#
# On Debian and its kin missing packages are installed with apt-get (through sudo where
# not root). Elsewhere, or without rights, it says what to load or install. Ends with 0
# when everything required is there: optional parts only take their features with them.
set -u
purpose=${1:-all}

# needed by | how to find it | Debian's package | what is lost without it ("-": required)
table='
run   header:stdio.h            libc6-dev               -
run   program:pkg-config        pkg-config              -
run   pc:ompi-c,ompi,mpich      libopenmpi-dev          -
run   program:mpirun            openmpi-bin             -
run   pc:hdf5-openmpi,hdf5-mpich,hdf5 libhdf5-openmpi-dev -
run   pc:openblas               libopenblas-dev         -
run   pc:yaml-0.1               libyaml-dev             -
run   pc:zlib                   zlib1g-dev              -
run   pc:libcrypto              libssl-dev              -
run   pc:libzip                 libzip-dev              -
run   header:Random123/philox.h librandom123-dev        -
run   pc:gsl                    libgsl-dev              GSL: relin summary gives no intervals, and so no answer
run   program:gnuplot           gnuplot-nox             gnuplot: relin report holds tables only, analysis/figure.sh draws nothing
check pc:check                  check                   Check: unit tests are skipped
check program:bats              bats                    bats: command line tests are skipped
check program:python3           python3                 Python: tests that read the file from outside are skipped
check python:h5py               python3-h5py            h5py: tests that read the file with it are skipped
check python:xarray             python3-xarray          xarray: tests that read the file with it are skipped
check python:h5netcdf           python3-h5netcdf        h5netcdf: tests that read the file with xarray are skipped
check program:chromium          chromium                Chromium: nobody looks at the report of relin report
check program:chromedriver      chromium-driver         chromedriver: nobody looks at the report of relin report
check python:selenium           python3-selenium        selenium: nobody looks at the report of relin report
check program:clang         clang                   clang: make fuzz uses our own driver instead of libFuzzer
check libfuzzer:clang       libclang-rt-dev         libFuzzer: make fuzz uses our own driver instead
check program:mandoc            mandoc                  mandoc: the manual pages are not checked
slurm program:slurmctld         slurmctld               Slurm: make check-slurm says so and tests nothing
slurm program:slurmd            slurmd                  Slurm: make check-slurm says so and tests nothing
slurm program:sbatch            slurm-client            Slurm: make check-slurm says so and tests nothing
slurm program:mungekey          munge                   munge: make check-slurm says so and tests nothing
slurm program:ss                iproute2                ss: make check-slurm says so and tests nothing
all   program:git               git                     git: no make lint, and no commit in the result file
all   program:clang-format      clang-format            clang-format: no make format, and make lint does not check it
all   program:cppcheck          cppcheck                cppcheck: make lint does without it
all   program:gcovr             gcovr                   gcovr: no make coverage
all   program:valgrind          valgrind                valgrind: no make check-valgrind
all   program:shellcheck        shellcheck              shellcheck: make lint does without it
'

# has KIND:NAME[,NAME...]: is one of these here?
has() {
    local kind=${1%%:*} name
    for name in $(tr , ' ' <<<"${1#*:}"); do
        case $kind in
        program) PATH=$PATH:/usr/sbin command -v "$name" ;;
        pc) pkg-config --exists "$name" ;;
        header) printf '#include <%s>\n' "$name" | "${CC:-gcc}" -fsyntax-only -x c - ;;
        libfuzzer) echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && !n; }' |
            "$name" -fsanitize=fuzzer,address -x c - -o /dev/null ;;
        # Debian's modules belong to Debian's Python, which need not be the first in PATH.
        python) python3 -c "import $name" || /usr/bin/python3 -c "import $name" ;;
        esac >/dev/null 2>&1 && return 0
    done
    return 1
}

# find_missing: sets required, optional (lines of the table) and packages.
find_missing() {
    local by find package lost
    required='' optional='' packages=''
    while read -r by find package lost; do
        case $by:$purpose in
        slurm:all) continue ;;   # daemons: only who asks for them
        run:* | check:check | check:slurm | slurm:slurm | *:all) ;;
        *) continue ;;
        esac
        has "$find" && continue
        packages+=" $package"
        if [ "$lost" = - ]; then required+=" $package"; else optional+="  $lost"$'\n'; fi
    done < <(sed '/^$/d' <<<"$table")
}

# With sudo's own question only where somebody can answer it.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ] && [ -t 2 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

can_be_root() {
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || return
    { [ -t 0 ] && [ -t 2 ]; } || sudo -n true 2>/dev/null
}

install_packages() {
    local log
    log=$(mktemp) || return
    echo "installing from Debian's packages:$packages"
    # shellcheck disable=SC2086 # a list of words
    if ! apt_get install $packages >"$log" 2>&1; then
        # No list of packages yet, or one that has aged.
        echo "bringing the list of packages up to date"
        apt_get update >>"$log" 2>&1
        # shellcheck disable=SC2086
        apt_get install $packages >>"$log" 2>&1 || { echo "apt-get failed:" && tail -n 15 "$log"; }
    fi
    rm -f "$log"
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 --no-install-recommends "$@"
}

explain() {
    echo "missing:$packages"
    echo "  on Debian or Ubuntu, an administrator:  apt-get install$packages"
    echo "  on a cluster, perhaps (names vary):     module load gcc openmpi hdf5 openblas gsl libyaml openssl libzip"
    echo "  in a folder of your own: set PKG_CONFIG_PATH, CPATH and LIBRARY_PATH to it"
}

find_missing
[ -z "$packages" ] && exit 0
if command -v apt-get >/dev/null && can_be_root; then
    install_packages
    find_missing
    [ -z "$packages" ] && exit 0
fi
explain
[ -n "$optional" ] && printf 'goes on without:\n%s' "$optional"
if [ -n "$required" ]; then
    echo "cannot build without:$required"
    exit 1
fi
