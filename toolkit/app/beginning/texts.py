"""The texts that a new control directory begins with."""

from __future__ import annotations

from typing import Final

TASKS: Final = '''\
"""The commands of Playback, for `invoke`; `playback` has the same ones without this file."""

from toolkit.app.program import collection

namespace = collection(__file__)
'''

IGNORED: Final = """\
# private servers, scratch databases, and passwords, which git must never see
/.playback/
# the repository, where it is in this directory
/backups/
__pycache__/
"""

IGNORE_ALL: Final = """\
# made by playback: nothing in here belongs into git
*
"""

HOSTS: Final = """\
# Hosts and groups, in the shape of Ansible's YAML inventory. A host is one PostgreSQL database on one device; its name
# is what --limit and --host name. One more: `playback init --database postgresql://USER@SERVER/DATABASE --host NAME`.
# A password never stands here, but where it is to be found: {env: NAME}, {file: PATH} or {command: [pass, show, x]}.
# Who may use the pages of `playback console` besides you: console.yml beside this file, by `playback console.password`.
all:
  hosts: {}
"""

VARIABLES: Final = """\
# Variables of all hosts; those of hosts.yml's hosts, and of host_vars/HOST.yml, win over them.

# What `playback doctor` alarms about where it is not so: a backup every night, and a proof every week. Only jobs that
# run by schedule stand here, your own too: what is made once (carry, rehearsal, before a migration) is never late.
expect:
  jobs:
    nightly: {newest: 26h, proven: 8d}

# A second repository for the same backups, which the nightly copies to: name it in repositories.yml, and here.
# second: offsite
"""

REPOSITORIES: Final = """\
# Where backups are stored, by name. The first backup makes the directory. Best is another disk than the database's, and
# a second repository on another machine, which `second` in group_vars/all.yml has the nightly copy to:
#
# offsite:
#   type: s3
#   bucket: my-backups
#   prefix: playback
#   endpoint: https://s3.eu-central-1.amazonaws.com
#   region: eu-central-1
#   access_key: {env: OFFSITE_ACCESS_KEY}
#   secret_key: {env: OFFSITE_SECRET_KEY}
"""

HOST_NOTES: Final = {
    "catalog": "whose rows each table holds: catalogs/{catalog}.yml",
    "repository": "where its backups go: repositories.yml",
    "device": "what this device is known by, also when it has been replaced",
    "scratch_on": "proofs are restored into a database on its own server, which the embedded one cannot stand for",
}
"""What the settings of a host are, in a few words."""

REPOSITORY_NOTES: Final = {"path": "relative to this directory, or absolute"}
