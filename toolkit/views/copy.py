"""Views of copies."""

from __future__ import annotations

from toolkit.model.result import Copied
from toolkit.views.view import View, view
from toolkit.wording import counted, size


@view.register
def _copied(result: Copied) -> View:
    chunks, number = sum(each.chunks for each in result.backups), sum(each.bytes for each in result.backups)
    backups, sent = counted(len(result.backups), "backup"), counted(chunks, "chunk")
    done = f"{backups} copied to {result.to}, {sent} sent"
    would = f"would copy {backups} to {result.to}: {sent}, {size(number)}"
    there = f"{len(result.there)} there already" + (f" ({_records(result)})" if result.proofs else "")
    rest = there + (f", {len(result.failed)} failed" if result.failed else "")
    forecast = [f"{each.label}: {counted(each.chunks, 'chunk')}, {size(each.bytes)}" for each in result.backups]
    failures = [f"{label}: {error.message}; {error.hint}".rstrip("; ") for label, error in result.failed.items()]
    return View(
        message=f"{would if result.check else done}; {rest}",
        details=(*(forecast if result.check else ()), *failures),
        facts={
            "copied": [each.label for each in result.backups],
            "present": list(result.there),
            "refused": {label: error.message for label, error in result.failed.items()},
            "chunks": chunks,
            "bytes": number,
            "proofs": result.proofs,
        },
    )


def _records(result: Copied) -> str:
    return f"{counted(result.proofs, 'record')} of proofs {'lacking' if result.check else 'added'}"
