# A manual page (man format) from what `PROGRAM --help` prints, so that the two never differ.
#
#   ARGP_HELP_FMT=rmargin=10000 relin run --help |
#       awk -f page.awk -v page=relin-run -v section=1 -v about='one line' -v version=0.1.0 -v date=2026-11-24
#
# With -v keys=1 it reads the list of `relin plan --keys` too: "section:", then "  key: type",
# then its meaning, deeper.
#
# "Usage:" lines become the synopsis, lines that begin with an option a tagged list, indented
# lines an example as it stands, the rest paragraphs. "Word:" alone on a line is a heading. Paragraphs
# that begin with "Exit codes:", "Environment:" or "Files:" become sections of these names. All pages have the
# same sections in the same order, whatever the order of the help.

function escape(text)
{
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    sub(/^[.']/, "\\\\\\&&", text)
    return text
}

# emit(LINES): into the section that is being written.
function emit(lines)
{
    body[into] = body[into] lines "\n"
}

# enter(MODE): ends what was open, opens MODE: text, option or example.
function enter(mode)
{
    if (mode == open)
        return
    if (open == "example")
        emit(".fi\n.RE")
    if (mode == "example" && open == "text")
        emit(".PP")
    if (mode == "example")
        emit(".RS 4\n.nf")
    if (mode == "text" && open != "" && open != "heading")
        emit(".PP")
    open = mode
}

function heading(name)
{
    enter("")
    into = toupper(name)
    if (!(into in seen) && !(into in late))
        order[++sections] = into
    else if (into in body)
        emit(".PP")
    seen[into] = 1
    open = "heading"
}

# "0 complete, 2 bad usage, 75 stopped." as a list. A code begins behind a comma, a semicolon or the colon.
function exit_codes(text,    code, at)
{
    sub(/\.$/, "", text)
    text = ", " text
    while (match(text, /(, or|[,;]) (0|2|3|70|75)( |$|,)/)) {
        if (code != "")
            emit(".TP\n.B " code "\n" escape(RSTART > 1 ? substr(text, 1, RSTART - 1) : "success"))
        code = substr(text, RSTART, RLENGTH)
        at = RSTART + RLENGTH - (code ~ /,$/)
        gsub(/[^0-9]/, "", code)
        text = substr(text, at)
    }
    emit(".TP\n.B " code "\n" escape(text))
}

function print_section(name)
{
    if (name in body)
        printf ".SH %s\n%s", name, body[name]
}

BEGIN {
    printf ".TH %s %s %s \"relin %s\" \"relin\"\n", toupper(page), section, date, version
    print ".SH NAME\n" escape(page) " \\- " escape(about)
    n_late = split("EXAMPLES,EXIT STATUS,ENVIRONMENT,FILES,SEE ALSO", at_end, ",")
    for (i = 1; i <= n_late; i++)
        late[at_end[i]] = 1
}

/^Usage: |^  or:  / {
    if (!synopsis++)
        heading("synopsis")
    else
        emit(".br")
    sub(/^Usage: *|^  or:  */, "")
    emit(".B " escape($0))
    next
}

/^Mandatory or optional arguments to long options/ { next }
/^$/ { gap = 1; next }

!described && synopsis {
    described = 1
    heading("description")
}

/^ +-/ {
    if (!options++)
        heading("options")
    enter("option")
    gap = 0
    # two spaces, or the end of the line, part the option from its meaning
    sub(/^ +/, "")
    at = match($0, /   +/)
    emit(".TP\n.B " escape(at ? substr($0, 1, at - 1) : $0))
    if (at)
        emit(escape(substr($0, at + RLENGTH)))
    next
}

# the title of a group of options
open == "option" && /^ [^ ]/ {
    emit(".PP\n" escape(substr($0, 2)))
    next
}

open == "option" && /^      +/ {
    sub(/^ +/, "")
    emit(escape($0))
    next
}

listed && /^[a-z]+( \(.*\))?:$/ {
    emit(".SS " substr($0, 1, length($0) - 1))
    open = "heading"
    gap = 0
    next
}

listed && /^(  |name: )/ && !/^      / {
    sub(/^ +/, "")
    emit(".TP\n.B " escape($0))
    next
}

listed && /^      / {
    sub(/^ +/, "")
    emit(escape($0))
    next
}

/^Exit codes: / {
    heading("exit status")
    sub(/^Exit codes: */, "")
    exit_codes($0)
    gap = 0
    into = "NOTES"   # whatever follows
    open = ""
    next
}

/^(Environment|Files): / {
    heading($1 ~ /^E/ ? "environment" : "files")
    sub(/^[A-Za-z]*: */, "")
    emit(escape(toupper(substr($0, 1, 1)) substr($0, 2)))
    gap = 0
    open = ""
    into = "NOTES"
    next
}

# An example outside of the section for them belongs there.
/^  relin / && into != "EXAMPLES" && described && !keys { heading("examples"); apart = 1 }

/^  / {
    if (gap && open == "example")
        emit("")
    enter("example")
    gap = 0
    sub(/^  /, "")
    emit(escape($0))
    next
}

# After the options, what follows is no longer about them.
/^[A-Z][a-z ]*:$/ {
    listed = keys && $0 == "Keys:"
    heading(substr($0, 1, length($0) - 1))
    gap = 0
    next
}

{
    if (open == "option" || apart || (into == "NOTES" && open == ""))
        heading("notes")
    apart = 0
    if (gap && open == "text")
        emit(".PP")
    enter("text")
    gap = 0
    emit(escape($0))
}

END {
    enter("")
    for (i = 1; i <= sections; i++)
        print_section(order[i])
    if (section == 1 && !("ENVIRONMENT" in body))
        body["ENVIRONMENT"] = "What any command heeds is in\n.BR relin (1).\n"
    if (section == 1 && !("FILES" in body))
        body["FILES"] = "The result file is described in FORMAT.md (installed into share/doc/relin), what lies beside it in\n.BR relin (1).\n"
    body["SEE ALSO"] = ".BR relin (1),\n.BR relin\\-sweep (5)\n"
    for (i = 1; i <= n_late; i++)
        print_section(at_end[i])
}
