# Completion for bash:  source <(playback completion bash)

_playback_complete() {
    local line="${COMP_LINE:0:COMP_POINT}" candidate typed done=""
    typed="${line##*[[:space:]]}"
    # bash begins a new word behind = and :, and replaces only what is behind
    case "$typed" in
        *[=:]*) [[ "$COMP_WORDBREAKS" == *[=:]* ]] && done="${typed%"${typed##*[=:]}"}" ;;
    esac
    COMPREPLY=()
    while IFS= read -r candidate; do
        candidate="${candidate%%$'\t'*}"
        [[ "$candidate" == "$typed"* ]] || continue
        candidate="${candidate#"$done"}"
        COMPREPLY+=("$(printf '%q' "$candidate")")
    done < <(PLAYBACK_COMPLETE="$line" "$1" --complete -- 2>/dev/null)
}

complete -o default -F _playback_complete playback invoke inv
