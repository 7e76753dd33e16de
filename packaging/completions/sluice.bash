# SPDX-License-Identifier: MIT
# Completion for bash. What there is to complete is asked of the programs.

# The words of an option's argument, if these are words: --format text|json.
_sluice_choices() {
    awk -v option="$1" '$1 == option && $2 ~ /\|/ { print $2 }' | tr '|' ' '
}

_sluice_options() {
    sed -n 's/^ *\(-[a-z], \)*\(--[a-z-]*\).*/\2/p'
}

_sluice() {
    local command=${COMP_WORDS[1]} word=${COMP_WORDS[COMP_CWORD]}
    local before=${COMP_WORDS[COMP_CWORD - 1]} help words
    if [ "$COMP_CWORD" -eq 1 ] || [ "$before" = help ]; then
        words=$("$1" --help | sed -n 's/^  sluice \([a-z]*\) .*/\1/p')
    else
        help=$("$1" "$command" --help 2>/dev/null)
        words=$(_sluice_choices "$before" <<<"$help")
        [ -n "$words" ] || words=$(_sluice_options <<<"$help")
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

_sluiced() {
    local word=${COMP_WORDS[COMP_CWORD]}
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    -c | --config)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        ;;
    --log-level)
        mapfile -t COMPREPLY < <(
            compgen -W 'error warning info debug' -- "$word")
        ;;
    *)
        mapfile -t COMPREPLY < <(
            compgen -W "$("$1" --help | _sluice_options)" -- "$word")
        ;;
    esac
}

complete -F _sluice sluice
complete -o filenames -F _sluiced sluiced
