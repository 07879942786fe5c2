# Completion for fish:  playback completion fish | source

function __playback_complete
    set -l program (commandline -op)[1]
    env PLAYBACK_COMPLETE=(commandline -cp | string collect) $program --complete -- 2>/dev/null
end

for program in playback invoke inv
    complete -c $program -e
    complete -c $program -a '(__playback_complete)' --keep-order
end
