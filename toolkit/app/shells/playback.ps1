# Completion for PowerShell:  playback completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName playback, invoke, inv -ScriptBlock {
    param($word, $command, $position)
    $line = $command.ToString()
    $line = if ($position -gt $line.Length) { $line + ' ' } else { $line.Substring(0, $position) }
    $before = $env:PLAYBACK_COMPLETE
    $env:PLAYBACK_COMPLETE = $line
    try {
        & $command.CommandElements[0].Value --complete '--' 2>$null | ForEach-Object {
            $name, $about = $_ -split "`t", 2
            if (-not $about) { $about = $name }
            $text = if ($name -match '\s') { "'$name'" } else { $name }
            [System.Management.Automation.CompletionResult]::new($text, $name, 'ParameterValue', $about)
        }
    }
    finally { $env:PLAYBACK_COMPLETE = $before }
}
