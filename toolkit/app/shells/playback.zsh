#compdef playback invoke inv
# Completion for zsh:  source <(playback completion zsh)   behind `autoload -Uz compinit && compinit`,
# or as a file _playback in a directory of fpath

_playback() {
    local -a candidates
    local line="${(j: :)words[1,CURRENT-1]} ${PREFIX}" found name about
    while IFS= read -r found; do
        name="${found%%$'\t'*}"
        about=""
        [[ "$found" == *$'\t'* ]] && about="${found#*$'\t'}"
        candidates+=("${name//:/\\:}${about:+:$about}")
    done < <(PLAYBACK_COMPLETE="$line" "${words[1]}" --complete -- 2>/dev/null)
    if (( $#candidates )); then
        _describe -V playback candidates
    else
        _files
    fi
}

if [[ "${funcstack[1]}" == _playback ]]; then
    _playback "$@"
else
    compdef _playback playback invoke inv
fi
