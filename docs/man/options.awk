# SPDX-License-Identifier: MIT
#
# Options as lists in mdoc(7), made from the output of the programs:
#
#   sluiced --manual | awk -f options.awk -v what=options    for sluiced(8)
#   sluiced --manual | awk -f options.awk -v what=keys       for sluice.conf(5)
#   sluiced --manual | awk -f options.awk -v what=rules      keys of a channel
#   sluiced --help | awk -f options.awk -v what=signals
#   sluice CMD --help | awk -f options.awk -v what=command -v name=CMD

# Escapes text for troff; `code` becomes bold, [links](x) become their text.
function plain(text) {
    gsub(/\\/, "\\e", text)
    gsub(/\]\([^)]*\)/, "]", text)
    gsub(/\[memory\]/, "memory", text)
    while (match(text, /`[^`]*`/))
        text = substr(text, 1, RSTART - 1) "\\fB" \
               substr(text, RSTART + 1, RLENGTH - 2) "\\fP" \
               substr(text, RSTART + RLENGTH)
    gsub(/--/, "\\-\\-", text)
    return text
}

# Prints a line of text: one that begins with a dot would be a command.
function put(text) {
    text = plain(text)
    if (text ~ /^[.']/)
        text = "\\&" text
    print text
}

# Breaks text into short lines, with each sentence's end at the end of a line,
# as mdoc wants it.
function say(text,    n, words, i, row) {
    n = split(text, words, " ")
    for (i = 1; i <= n; i++) {
        if (row != "" && length(row) + length(words[i]) > 70) {
            put(row)
            row = ""
        }
        row = row (row == "" ? "" : " ") words[i]
        if (words[i] ~ /[.?!]$/ && words[i] !~ /\.\.$/) {
            put(row)
            row = ""
        }
    }
    if (row != "")
        put(row)
}

# Makes a sentence: a capital, unless it begins with code, and a full stop.
function sentence(text) {
    say(toupper(substr(text, 1, 1)) substr(text, 2) \
        (text ~ /[.?!:]$/ ? "" : "."))
}

function trim(text) {
    gsub(/^[ `]+|[ `]+$/, "", text)
    return text
}

function cells(line) {
    sub(/^\| /, "", line)
    sub(/ \|$/, "", line)
    count = split(line, cell, / ?\| /)
}

function takes(value,    first) {
    first = value
    sub(/ .*/, "", first)
    return first ~ /^[A-Z]+$/ ? first : "VALUE"
}

# The equivalents in the other two places.
function elsewhere(is_key, option, place, variable) {
    if (is_key)
        print "Also\n.Fl " substr(option, 2) "\nand\n.Ev " variable " ."
    else
        print "Also\n.Ev " variable "\nand, in the file,\n.Ql " place " ."
}

function broker_row(is_key,    option, name, place, key, meaning) {
    cells($0)
    option = trim(cell[1])
    name = substr(option, 3)
    place = key = trim(cell[5])
    sub(/^.* /, "", key)
    if (is_key)
        print ".It Ic " key " = Ar " takes(cell[3])
    else
        print ".It Fl -" name " Ar " takes(cell[3])
    meaning = cell[7]
    for (i = 8; i <= count; i++)
        meaning = meaning " | " cell[i]
    sentence(meaning)
    if (index(meaning, cell[3]) == 0)
        say("Takes " cell[3] ".")
    if (trim(cell[2]) != "")
        say("The default is " trim(cell[2]) ".")
    if (trim(cell[4]) == "no")
        say("It cannot change while the broker runs.")
    elsewhere(is_key, option, place, trim(cell[6]))
}

what == "options" && /^\| `--/ { broker_row(0) }

what == "keys" && /^## Section/ {
    if (is_open)
        print ".El"
    is_open = 1
    section = $0
    gsub(/^.*\[|\].*$/, "", section)
    print ".Ss Section " section
    print ".Bl -tag -width Ds"
}
what == "keys" && /^\| `--/ { broker_row(1) }

what == "rules" && /^\| `[a-z]/ {
    cells($0)
    print ".It Ic " trim(cell[1])
    sentence(cell[3])
    if (cell[2] != cell[3])
        say("Takes " cell[2] ".")
}

function signal(text,    names) {
    names = text
    sub(/:.*/, "", names)
    gsub(/ or |, /, " , Dv ", names)
    print ".It Dv " names
    sub(/^[^:]*: */, "", text)
    sentence(text)
}

# A line may describe several signals.
what == "signals" && /^SIG/ {
    gsub(/\. SIG/, ".\nSIG")
    count = split($0, cell, "\n")
    for (i = 1; i <= count; i++)
        signal(cell[i])
}

# --- a command of sluice ---------------------------------------------------

# Prints the lines collected: a paragraph, or an example.
function end_block() {
    if (paragraph != "")
        say(paragraph)
    if (is_example)
        print ".Ed"
    paragraph = ""
    is_example = 0
}

what == "command" && NR == 1 {
    sub(/^usage: sluice [a-z]+ \[OPTION\]\.\.\. */, "")
    print ".Ss " name
    print ".Nm sluice Cm " name
    print ".Op Ar OPTION Ns ..."
    if ($0 != "") {
        gsub(/\[/, "\\(lB")
        gsub(/\]/, "\\(rB")
        print ".Ar " $0
    }
    print ".Pp"
    next
}
what == "command" && /^  (-[a-zA-Z], )?--/ {
    if (!is_list) {
        end_block()
        print ".Bl -tag -width Ds"
        is_list = 1
    }
    letter = $1 ~ /^-[a-zA-Z],$/ ? "Fl " substr($1, 2, 1) " , " : ""
    split(letter == "" ? $0 : substr($0, 7), word, " ")
    argument = word[2] ~ /^[A-Z|a-z]/ ? " Ar " word[2] : ""
    print ".It " letter "Fl -" substr(word[1], 3) argument
    standard = $0
    standard = sub(/.*\(default /, "", standard) ? standard : ""
    sub(/\)$/, "", standard)
    next
}
what == "command" && is_list {
    sub(/^ +/, "")
    sentence($0)
    if (standard != "")
        say("The default is " standard ".")
    next
}
what == "command" && /^$/ {
    if (paragraph != "" || is_example)
        gap = 1
    end_block()
    next
}
what == "command" && /^  / {
    if (!is_example) {
        end_block()
        print ".Bd -literal -offset indent"
    }
    is_example = 1
    gap = 0
    put(substr($0, 3))
    next
}
what == "command" {
    if (gap)
        print ".Pp"
    gap = 0
    paragraph = paragraph (paragraph == "" ? "" : " ") $0
}

END {
    end_block()
    if (is_list || is_open)
        print ".El"
}
