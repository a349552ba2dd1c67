# A manual page (man format) from what `PROGRAM --help` prints, so that the two never differ.
#
#   ARGP_HELP_FMT=rmargin=10000 relin run --help |
#       awk -f page.awk -v page=relin-run -v section=1 -v about='one line' -v version=0.1.0 -v date=2026-11-24
#
# With -v keys=1 it reads the list of `relin plan --keys` too: "section:", then "  key: type",
# then its meaning, deeper.
#
# "Usage:" lines become the synopsis, lines that begin with an option a tagged list, indented
# lines an example as it stands, "Word:" alone on a line a heading, the rest paragraphs.

function escape(text)
{
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    sub(/^[.']/, "\\\\\\&&", text)
    return text
}

# enter(MODE): ends what was open, opens MODE: text, option or example.
function enter(mode)
{
    if (mode == open)
        return
    if (open == "example")
        print ".fi\n.RE"
    if (mode == "example" && open == "text")
        print ".PP"
    if (mode == "example")
        print ".RS 4\n.nf"
    if (mode == "text" && open != "" && open != "heading")
        print ".PP"
    open = mode
}

function heading(name)
{
    enter("")
    print ".SH " toupper(name)
    open = "heading"
}

BEGIN {
    printf ".TH %s %s %s \"relin %s\" \"relin\"\n", toupper(page), section, date, version
    print ".SH NAME\n" escape(page) " \\- " escape(about)
}

/^Usage: |^  or:  / {
    if (!synopsis++)
        heading("synopsis")
    else
        print ".br"
    sub(/^Usage: *|^  or:  */, "")
    print ".B " escape($0)
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
    print ".TP\n.B " escape(at ? substr($0, 1, at - 1) : $0)
    if (at)
        print escape(substr($0, at + RLENGTH))
    next
}

# the title of a group of options
open == "option" && /^ [^ ]/ {
    print ".PP\n" escape(substr($0, 2))
    next
}

open == "option" && /^      +/ {
    sub(/^ +/, "")
    print escape($0)
    next
}

listed && /^[a-z]+( \(.*\))?:$/ {
    print ".SS " substr($0, 1, length($0) - 1)
    open = "heading"
    gap = 0
    next
}

listed && /^(  |name: )/ && !/^      / {
    sub(/^ +/, "")
    print ".TP\n.B " escape($0)
    next
}

listed && /^      / {
    sub(/^ +/, "")
    print escape($0)
    next
}

/^  / {
    if (gap && open == "example")
        print ""
    enter("example")
    gap = 0
    sub(/^  /, "")
    print escape($0)
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
    if (open == "option")
        heading("notes")
    if (gap && open == "text")
        print ".PP"
    enter("text")
    gap = 0
    print escape($0)
}

END { enter("") }
