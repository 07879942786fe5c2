"""The options of `schedule`, as text: those of the run, and when it begins."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.app import command
from toolkit.app.asked_run import AskedRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(AskedRun):
    """What `schedule` is given."""

    playbook: tuple[str, ...] = command.words("the playbook's file, below the working or the control directory")
    at: str = command.text("when, in local time: 02:00, or several times with commas between")
    on: str = command.text("on which days, e.g. mon-fri or sat,sun (default: every day)")
    every: str = command.text("at even distances instead of --at, e.g. 15m or 2h")
    install: bool = command.switch("install it; without this it is only printed")
    remove: bool = command.switch("remove what was installed for the playbook")
    list: bool = command.switch("list what is scheduled: next run, last run and how it ended")
    pause: bool = command.switch("have no run of it begin; its timer stays")
    until: str = command.text("the last day of --pause, as YYYY-MM-DD (default: until --resume)")
    resume: bool = command.switch("let runs of it begin again")
    kind: str = command.text("by what: systemd, cron, launchd or windows (default: what this machine has)")
    name: str = command.text("what it is called, where one playbook has several (default: the playbook's name)")
    overlap: str = command.text("what to do while another run of this playbook goes on: wait or skip", default="skip")
    env_file: str = command.text("a file of variables for the environment of the runs, NAME=value a line")
