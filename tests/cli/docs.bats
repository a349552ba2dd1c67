# What the documents say works: the README's blocks are run as they stand, the manual
# pages are whole.

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." && export TOP="$PWD"
}

# block INFO: the README's fenced blocks with this info string.
block() {
    awk -v fence='```'"$1" '$0 == fence { on = 1; next } /^```$/ { on = 0 } on' "$TOP/README.md"
}

@test "the README's make targets exist" {
    targets=$(block 'sh make' | grep -o '^make [a-z]*' | cut -d' ' -f2)
    [ "$(wc -w <<<"$targets")" -ge 3 ]
    for target in $targets; do
        grep -q "^$target:.*##" "$TOP/Makefile" || { echo "no make $target"; false; }
    done
}

@test "the README's sweep runs by the README's commands" {
    cd "$BATS_FILE_TMPDIR"
    block 'yaml sweep' >tour.yaml
    block 'sh run' >commands
    [ -s tour.yaml ] && [ -s commands ]
    bash -eux commands
}

@test "the README's Python reads the file those commands wrote" {
    ${PYTHON:-/usr/bin/python3} -c 'import xarray, h5netcdf' || skip "xarray or h5netcdf is missing"
    cd "$BATS_FILE_TMPDIR"
    [ -f tour.h5 ]
    block 'python run' >read.py
    ${PYTHON:-/usr/bin/python3} -W error::FutureWarning read.py
}

@test "every file that a document links is there" {
    cd "$TOP"
    for document in *.md; do
        for link in $(grep -oP '\]\(\K(?!https?:)[^)#]+' "$document"); do
            [ -e "$link" ] || { echo "$document: $link"; false; }
        done
    done
}

@test "every subcommand has its own manual page, whole and without a warning" {
    cd "$TOP"
    mode=$(basename "$RELIN_BUILD")
    make -s man MODE="$mode"
    commands=$("$RELIN" --help | sed -n 's/^  \([a-z]*\)  *.*/\1/p')
    [ "$(wc -w <<<"$commands")" -ge 3 ]
    for command in $commands; do
        page="$RELIN_BUILD/man/relin-$command.1"
        [ -s "$page" ] || { echo "no page for relin $command"; false; }
        grep -qF "relin\\-$command (1)" "$RELIN_BUILD/man/relin.1" || { echo "relin(1) does not name relin-$command(1)"; false; }
        for section in SYNOPSIS DESCRIPTION OPTIONS EXAMPLES "EXIT STATUS" ENVIRONMENT FILES "SEE ALSO"; do
            [ "$(grep -c "^\.SH $section$" "$page")" -eq 1 ] || { echo "$page: expected one section $section"; false; }
        done
    done
    command -v mandoc || skip "mandoc is missing: pages are there, but unchecked"
    run mandoc -T lint -W warning "$RELIN_BUILD"/man/*
    echo "$output"
    [ "$status" -eq 0 ] && [ -z "$output" ]
}

@test "every option of a subcommand's help is in its page, every code it ends with in its list" {
    for command in $("$RELIN" --help | sed -n 's/^  \([a-z]*\)  *.*/\1/p'); do
        page="$RELIN_BUILD/man/relin-$command.1"
        [ -s "$page" ] || skip "the pages were not made"
        options=$("$RELIN" "$command" --help | grep -oE '^ +(-[a-zA-Z?], )?--[a-z-]+' | grep -o -- '--.*')
        for option in $options; do
            grep -qF -- "${option//-/\\-}" "$page" || { echo "$page has no $option"; false; }
        done
        grep -qx '\.B 0' "$page" || { echo "$page: expected the code 0 in its exit status"; false; }
    done
}

# --- the tutorial: its commands as they stand, on jobs of a few steps, Slurm's programs replaced by ones that record ---

# blocks INFO: the tutorial's fenced blocks with this info string
blocks() {
    awk -v fence='```'"$1" '$0 == fence { on = 1; next } /^```$/ { on = 0 } on' "$TOP/TUTORIAL.md"
}

# Numbers, verdicts and spaces are not what is compared.
masked() {
    sed -E 's/[+-]?[0-9][0-9,.]*/N/g; s/ (yes|no|\?)$/ V/; s/ +/ /g; s/ $//; s/N (s|min|ms|h)( N s)?/N T/g'
}

tutorial_folder() {
    cd "$BATS_FILE_TMPDIR" && mkdir -p tutorial/bin && cd tutorial || return 1
    # as the reader's, but quick: what is run is run with few steps and examples
    cat > bin/relin <<'SH'
#!/bin/bash
small=(training.steps=110 data.train=40 data.validation=20 data.test=40)
case $1 in run) exec "$RELIN" "$@" "${small[@]}" ;; *) exec "$RELIN" "$@" ;; esac
SH
    # shellcheck disable=SC2016
    printf '#!/bin/bash\nprintf "%%s\\n" "$@" >> submitted; echo 4711\n' > bin/sbatch
    printf '#!/bin/bash\necho "main* 16+ 1-00:00:00"\n' > bin/sinfo
    chmod +x bin/*
    blocks 'yaml mine.yaml' > mine.yaml
    [ -s mine.yaml ]
}

@test "the tutorial's commands run, in their order" {
    tutorial_folder
    blocks 'sh run' > commands
    [ "$(grep -c '^relin\|^mpirun' commands)" -ge 12 ]
    PATH="$PWD/bin:$PATH" OMPI_MCA_rmaps_base_oversubscribe=1 bash -eu commands > printed
    [ "$(cat submitted)" = "--parsable
$PWD/cluster.sbatch" ]
    "$RELIN" status mine.h5 | grep -q '^mine: 80 of 80 jobs done'
}

@test "what the tutorial prints has the words of what its commands print" {
    tutorial_folder
    [ -s printed ] || skip "the tutorial's commands did not run"
    blocks output | grep -v 'failed for good:\|^what to do:\|wall' | masked > wanted
    [ "$(wc -l < wanted)" -ge 25 ]
    masked < printed > found
    while read -r line; do
        grep -qxF -- "$line" found || grep -qxF -- " $line" found || { echo "nothing prints: $line"; cat printed; false; }
    done < wanted
}

@test "a failure looks as the tutorial shows it" {
    tutorial_folder
    run "$RELIN" run mine.yaml -o wall.h5 limits.job_wall=1s limits.attempts=1 training.steps=3000000 grid.seed=0..0 \
        'grid.architecture=[deep]' 'grid.refresh_period=[1]' --progress=none
    [ "$status" -eq 3 ]
    "$RELIN" status wall.h5 | masked > found
    blocks output | grep 'failed for good:\|^what to do:\|wall' | masked > wanted
    [ "$(wc -l < wanted)" -eq 4 ]
    while read -r line; do
        grep -qxF -- "$line" found || grep -qxF -- " $line" found || { echo "nothing prints: $line"; cat found; false; }
    done < wanted
}

@test "the tutorial's Python reads the file those commands wrote" {
    ${PYTHON:-/usr/bin/python3} -c 'import xarray, h5netcdf' || skip "xarray or h5netcdf is missing"
    tutorial_folder
    [ -f mine.h5 ]
    blocks 'python run' > read.py
    [ -s read.py ]
    ${PYTHON:-/usr/bin/python3} -W error::FutureWarning read.py | grep -q '^shallow'
}

@test "every command and option the documents name in passing exists" {
    cd "$TOP"
    for document in TUTORIAL.md README.md FORMAT.md analysis/examples/README.md; do
        grep -o '`[^`]*relin [a-z][^`]*`' "$document" | tr -d '`' | grep -o 'relin [a-z].*' | while read -r _ command rest; do
            help=$("$RELIN" "$command" --help 2>/dev/null) || { echo "$document: no command relin $command"; exit 1; }
            for option in $(grep -o -- '--[a-z-]*' <<<"$rest"); do
                grep -q -- "$option" <<<"$help" || { echo "$document: relin $command has no $option"; exit 1; }
            done
        done
    done
}
