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

@test "every subcommand has its own manual page, without a warning" {
    cd "$TOP"
    mode=$(basename "$RELIN_BUILD")
    make -s man MODE="$mode"
    commands=$("$RELIN" --help | sed -n 's/^  \([a-z]*\)  *.*/\1/p')
    [ "$(wc -w <<<"$commands")" -ge 3 ]
    for command in $commands; do
        page="$RELIN_BUILD/man/relin-$command.1"
        [ -s "$page" ] || { echo "no page for relin $command"; false; }
        grep -q "^\.SH OPTIONS" "$page" || { echo "$page has no options"; false; }
    done
    command -v mandoc || skip "mandoc is missing: pages are there, but unchecked"
    run mandoc -T lint -W warning "$RELIN_BUILD"/man/*
    echo "$output"
    [ "$status" -eq 0 ] && [ -z "$output" ]
}
