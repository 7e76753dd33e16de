# SPDX-License-Identifier: MIT
# Completion for bash. The programs themselves list commands and options.

_sluice_options() {
    sed -n 's/^ *\(-[a-zA-Z], \)*\(--[a-z0-9-]*\).*/\2/p'
}

# The kind of an option's value, as the help names it: ADDR, FILE, DIR, N,
# text|json, ...; empty if the option takes no value. "A or B [A]" are words as
# well.
_sluice_kind() {
    awk -v option="$1" '
        { i = $1 ~ /^-[a-zA-Z],$/ ? 2 : 1 }
        $i != option && $1 != option "," { next }
        $(i + 1) == "LEVEL" || $(i + 1) == "FORMAT" {
            sub(".*(LEVEL|FORMAT) *", "")
            sub(/ *\[.*/, "")
            gsub(/, | or /, "|")
            print
            next
        }
        $(i + 1) ~ /^[A-Z]+$/ || $(i + 1) ~ /\|/ { print $(i + 1) }'
}

# Finds the word to complete and the option that it may belong to. Bash divides
# at "=" and ":" as well: --server=unix:PATH is five words.
_sluice_place() {
    local i=$COMP_CWORD
    word=${COMP_WORDS[i]} is_path=
    case $word in
    : | =) word= ;;
    *) i=$((i - 1)) ;;
    esac
    if [ "${COMP_WORDS[i]}" = : ]; then
        [ "${COMP_WORDS[i - 1]}" != unix ] || is_path=1
        i=$((i - 2))
    fi
    [ "${COMP_WORDS[i]}" != = ] || i=$((i - 1))
    option=${COMP_WORDS[i]}
}

_sluice_reply() {
    mapfile -t COMPREPLY < <(compgen "$@" -- "$word")
}

_sluice_files() {
    compopt -o filenames
    _sluice_reply -f
}

# Completes the value of an option of that kind.
_sluice_value() {
    case $1 in
    *\|*) _sluice_reply -W "${1//|/ }" ;;
    FILE) _sluice_files ;;
    DIR)
        compopt -o filenames
        _sluice_reply -d
        ;;
    COMMAND) _sluice_reply -c ;;
    ADDR)
        if [ -n "$is_path" ]; then
            _sluice_files
        elif [ "$option" != --http ]; then
            _sluice_reply -W '127.0.0.1:25000 localhost:25000 unix:'
            [ "${COMPREPLY[*]}" != unix: ] || compopt -o nospace
        fi
        ;;
    *) COMPREPLY=() ;;
    esac
}

# Completes a word where no value is expected.
_sluice_word() {
    case $word in
    /*)
        compopt -o nospace
        _sluice_reply -W '/topic/ /queue/'
        ;;
    *) _sluice_reply -W "$(_sluice_options)" ;;
    esac
}

_sluice() {
    local word option is_path help kind
    _sluice_place
    if [ "$COMP_CWORD" -eq 1 ] || [ "$option" = help ]; then
        help=$("$1" --help)
        _sluice_reply -W "$(sed -n 's/^  sluice \([a-z]*\) .*/\1/p' <<<"$help")
            $(_sluice_options <<<"$help")"
        return
    fi
    help=$("$1" "${COMP_WORDS[1]}" --help 2>/dev/null)
    kind=$(_sluice_kind "$option" <<<"$help")
    if [ -n "$kind" ]; then
        _sluice_value "$kind"
    else
        _sluice_word <<<"$help"
    fi
}

_sluiced() {
    local word option is_path help kind
    _sluice_place
    help=$("$1" --help)
    kind=$(_sluice_kind "$option" <<<"$help")
    if [ -n "$kind" ]; then
        _sluice_value "$kind"
    else
        _sluice_word <<<"$help"
    fi
}

complete -F _sluice sluice
complete -F _sluiced sluiced
