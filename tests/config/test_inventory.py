"""The inventory: hosts, groups, variables and their precedence, patterns, repositories."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.actions.context import Inventory
from toolkit.config import inventory, patterns
from toolkit.config.inventory import LoadedInventory
from toolkit.config.masking import mask
from toolkit.errors import InputError, UnsetError
from toolkit.model.host import LocalRepository, S3Repository
from toolkit.model.secret import Secret

Load = Callable[..., LoadedInventory]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes the files of an inventory (name without ending → text) and loads it."""

    def write_and_load(**files: str) -> LoadedInventory:
        for name, text in files.items():
            path = tmp_path / "inventory" / f"{name.replace('__', '/')}.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return inventory.load(tmp_path / "inventory")

    return write_and_load


HOSTS = """
all:
  vars: {database: "embedded:all", level: hosts-all}
  hosts: {lonely: }
  children:
    outer:
      vars: {level: hosts-outer}
      children:
        inner:
          vars: {level: hosts-inner}
          hosts:
            till-1: {level: hosts-host}
            till-2:
    another:
      hosts: {till-2: , till-3: }
"""


def test_protocol(load: Load, tmp_path: Path) -> None:
    """A loaded inventory is what actions ask for; its directory is the control directory."""
    found: Inventory = load(hosts=HOSTS)
    assert found.directory == tmp_path
    assert inventory.load(tmp_path / "inventory", control=tmp_path / "x").directory == tmp_path / "x"


def test_groups(load: Load) -> None:
    """A group has the hosts of the groups below it; `all` has all, in the file's order, `ungrouped` the others."""
    assert load(hosts=HOSTS).groups == {
        "all": ("lonely", "till-1", "till-2", "till-3"),
        "ungrouped": ("lonely",),
        "outer": ("till-1", "till-2"),
        "inner": ("till-1", "till-2"),
        "another": ("till-2", "till-3"),
    }


def test_precedence(load: Load) -> None:
    """Later wins: hosts.yml's all, outer, inner group; group_vars the same; hosts.yml's host; host_vars."""
    files = {"hosts": HOSTS}
    order = [
        ("till-3", None, "hosts-all"),
        ("till-1", None, "hosts-host"),
        ("till-2", None, "hosts-inner"),
        ("till-2", "group_vars__all", "group_vars-all"),
        ("till-2", "group_vars__outer", "group_vars-outer"),
        ("till-2", "group_vars__inner", "group_vars-inner"),
        ("till-1", None, "hosts-host"),
        ("till-1", "host_vars__till-1", "host_vars"),
        ("till-2", "host_vars__till-2", "host_vars"),
    ]
    for host, file, level in order:
        if file:
            files[file] = f"level: {level}"
        assert load(**files).host(host).variables["level"] == level


def test_groups_of_the_same_depth_go_by_name(load: Load) -> None:
    """Of two groups as deep, the one later in the alphabet wins, wherever it stands in the file."""
    group = "%s: {vars: {v: %s}, hosts: {h: {database: 'embedded:x'}}}"
    text = f"all: {{children: {{{group}, {group}}}}}"
    assert load(hosts=text % ("b", "b", "a", "a")).host("h").variables["v"] == "b"
    assert load(hosts=text % ("a", "a", "b", "b")).host("h").variables["v"] == "b"


def test_directories_of_variables(load: Load, tmp_path: Path) -> None:
    """group_vars/NAME may be a directory, whose files are read by name; hidden and other files are passed over."""
    load(hosts=HOSTS, group_vars__all__a="v: a\nw: a", group_vars__all__b="v: b")
    (tmp_path / "inventory" / "group_vars" / ".hidden.yml").write_text("- x", encoding="utf-8")
    (tmp_path / "inventory" / "group_vars" / "notes.txt").write_text("- x", encoding="utf-8")
    variables = load(hosts=HOSTS).host("lonely").variables
    assert (variables["v"], variables["w"]) == ("b", "a")


def test_typed_variables(load: Load) -> None:
    """Database, catalog, repository and device are rendered with the host's other variables; `variables` are not."""
    host = load(
        hosts="""
all:
  hosts:
    till-1:
      database: "host={{ server }} dbname=shop"
      server: "{{ inventory_hostname }}.example.org"
      catalog: "{{ application }}"
      repository: local
      device: {id: "{{ inventory_hostname }}", name: Till}
""",
        group_vars__all="application: shop",
    ).host("till-1")
    assert (host.database, host.catalog, host.repository) == ("host=till-1.example.org dbname=shop", "shop", "local")
    assert (host.device_id, host.device_name) == ("till-1", "Till")
    assert host.variables["server"] == "{{ inventory_hostname }}.example.org"


def test_database_from_parts(load: Load) -> None:
    """A database given by its parts is a conninfo, quoted by libpq's rules."""
    host = load(hosts="all: {hosts: {a: {database: {host: h, port: 5432, dbname: it's}}}}").host("a")
    assert host.database == r"host=h port=5432 dbname='it\'s'"


def test_database_with_a_secret(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that holds a secret is a Secret, read when it is used; the password alone is masked too."""
    monkeypatch.delenv("PW_OF_TEST", raising=False)
    found = load(
        hosts="""
all:
  hosts:
    parts: {database: {host: h, user: u, password: {env: PW_OF_TEST}}}
    whole: {database: {env: URL_OF_TEST}}
    text: {database: "postgresql://u:{{ pw }}@h/d"}
  vars: {pw: {env: OTHER_OF_TEST}}
"""
    )
    monkeypatch.setenv("OTHER_OF_TEST", "other-pw")
    monkeypatch.setenv("URL_OF_TEST", "postgresql://u:url-pw@h/d")
    hosts = {host.name: host for host in found.select("all")}
    databases = {name: host.database for name, host in hosts.items()}
    assert all(isinstance(database, Secret) for database in databases.values())
    assert "pw@" not in repr(hosts)
    parts, whole, text = (databases[name] for name in ("parts", "whole", "text"))
    assert isinstance(parts, Secret)
    with pytest.raises(InputError) as error:
        parts.reveal()
    assert str(error.value).startswith("inventory/hosts.yml:4: all.hosts.parts.database.password: the environment")
    monkeypatch.setenv("PW_OF_TEST", "parts pw")
    assert parts.reveal() == "host=h user=u password='parts pw'"
    assert isinstance(whole, Secret)
    assert whole.reveal() == "postgresql://u:url-pw@h/d"
    assert isinstance(text, Secret)
    assert text.reveal() == "postgresql://u:other-pw@h/d"
    assert mask("parts pw, url-pw, other-pw") == "***, ***, ***"


def test_secret_that_is_no_database(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret in a database's place that is no database is a problem that does not show it."""
    monkeypatch.setenv("URL_OF_TEST", "hunter2 of databases")
    database = load(hosts="all: {hosts: {a: {database: {env: URL_OF_TEST}}}}").host("a").database
    assert isinstance(database, Secret)
    with pytest.raises(InputError, match=r"^inventory/hosts.yml:1: all.hosts.a.database: neither") as error:
        database.reveal()
    assert "hunter2" not in str(error.value)


def test_repositories(load: Load, tmp_path: Path) -> None:
    """Repositories are typed, with paths below the control directory and keys that are secrets."""
    found = load(
        hosts=HOSTS,
        repositories="""
local: {type: local, path: .playback/repository}
away: {type: s3, bucket: b, ca_bundle: ca.pem, access_key: {env: A}, secret_key: {env: B}}
""",
    )
    assert found.repository("local") == LocalRepository(name="local", path=tmp_path / ".playback" / "repository")
    away = found.repository("away")
    assert isinstance(away, S3Repository)
    assert (away.bucket, away.addressing_style, away.ca_bundle) == ("b", "auto", str(tmp_path / "ca.pem"))
    assert "access_key=***, secret_key=***" in repr(away)


OFFSITE = """
local: {type: local, path: .playback/repository}
offsite:
  type: s3
  bucket: {env: T_BUCKET}
  endpoint: {env: T_ENDPOINT}
  access_key: {env: T_KEY}
  secret_key: {env: T_SECRET}
"""


def test_repositories_from_the_environment(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs between machines comes from variables when it is asked for; all that are not set are named."""
    found = load(hosts=HOSTS, repositories=OFFSITE)
    assert found.repository("local").name == "local"
    assert set(found.repositories) == {"local", "offsite"}
    monkeypatch.setenv("T_ENDPOINT", "https://s3.example.org")
    with pytest.raises(UnsetError) as error:
        found.repository("offsite")
    unset = "the environment variable {} is not set; it holds the {} of offsite".format
    assert [str(problem) for problem in error.value.problems] == [
        f"inventory/repositories.yml:5: offsite.bucket: {unset('T_BUCKET', 'bucket')}",
        f"inventory/repositories.yml:7: offsite.access_key: {unset('T_KEY', 'access_key')}",
        f"inventory/repositories.yml:8: offsite.secret_key: {unset('T_SECRET', 'secret_key')}",
    ]
    monkeypatch.setenv("T_BUCKET", "shop-backups")
    away = found.repository("offsite")
    assert isinstance(away, S3Repository)
    assert (away.bucket, away.endpoint, away.region) == ("shop-backups", "https://s3.example.org", "")


@pytest.mark.parametrize(
    ("ask", "problem"),
    [
        (lambda i: i.host("till-9"), "inventory/hosts.yml: unknown host till-9; did you mean till-3?"),
        (lambda i: i.host("x"), "inventory/hosts.yml: unknown host x; known: lonely, till-1, till-2, till-3"),
        (
            lambda i: i.repository("x"),
            "inventory/repositories.yml: unknown repository x; there is none; "
            "write it into repositories.yml of the inventory (`init` leaves an example)",
        ),
        (lambda i: i.catalog("../hosts"), "inventory/catalogs: unknown catalog ../hosts; there is none"),
        (
            lambda i: i.select("oter"),
            "inventory/hosts.yml: unknown host or group oter; did you mean outer? "
            "known: lonely, till-1, till-2, till-3, all, ungrouped, outer, inner, another",
        ),
    ],
)
def test_unknown_names(ask: Callable[[LoadedInventory], object], problem: str, load: Load) -> None:
    """An unknown name is a problem that names the file, the nearest name and the known ones."""
    with pytest.raises(InputError) as error:
        ask(load(hosts=HOSTS))
    assert str(error.value) == problem


def test_variables_of_unknown_hosts_and_groups(load: Load) -> None:
    """Variables of a host or group that does not exist are a problem: they were meant for another one."""
    with pytest.raises(InputError) as error:
        load(hosts=HOSTS, group_vars__outr="a: b", host_vars__till="a: b", repositories="x: {type: local}")
    assert str(error.value).splitlines() == [
        "inventory/group_vars/outr.yml: unknown group outr; did you mean outer?",
        "inventory/host_vars/till.yml: unknown host till; did you mean till-3?",
        "inventory/repositories.yml:1: x: the key path is missing",
    ]


def test_no_inventory(tmp_path: Path) -> None:
    """A directory without hosts.yml is one clear problem."""
    with pytest.raises(InputError, match=r"^inventory/hosts\.yml: no such file$"):
        inventory.load(tmp_path / "inventory")


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("all", "lonely till-1 till-2 till-3"),
        ("*", "lonely till-1 till-2 till-3"),
        ("till-2", "till-2"),
        ("outer", "till-1 till-2"),
        ("till-3:till-1", "till-1 till-3"),
        ("till-3, till-1", "till-1 till-3"),
        ("outer:&another", "till-2"),
        ("outer:!another", "till-1"),
        ("!another:outer", "till-1"),
        ("!till-1", "lonely till-2 till-3"),
        ("&outer", "till-1 till-2"),
        ("till-*:!*-2", "till-1 till-3"),
        ("an*", "till-2 till-3"),
        ("till-[13]", "till-1 till-3"),
        ("ungrouped", "lonely"),
        ("lonely:&outer", ""),
    ],
)
def test_patterns(pattern: str, hosts: str, load: Load) -> None:
    """Host patterns pick out what they pick out in Ansible, in the inventory's order."""
    assert [host.name for host in load(hosts=HOSTS).select(pattern)] == hosts.split()


@pytest.mark.parametrize("pattern", ["", " , ", "nosuch", "all:!nosuch", "all:&nosuch", "web*", "!", "all:&"])
def test_patterns_that_name_nothing(pattern: str, load: Load) -> None:
    """A part of a pattern that names nothing is a problem, in an exclusion too, where it would leave a host in."""
    with pytest.raises(InputError, match="known"):
        load(hosts=HOSTS).select(pattern)


NAMES = st.sampled_from(["a1", "a2", "b1", "b2", "c"])
GROUPS = st.dictionaries(st.sampled_from(["as", "bs", "mixed"]), st.lists(NAMES, unique=True), max_size=3)
TERMS = st.lists(
    st.tuples(st.sampled_from(["", "&", "!"]), st.sampled_from(["a1", "b2", "c", "a*", "?1", "all", "as", "bs", "*s"])),
    min_size=1,
    max_size=5,
)


@given(groups=GROUPS, terms=TERMS)
def test_patterns_are_sets(groups: Mapping[str, list[str]], terms: list[tuple[str, str]]) -> None:
    """A pattern is the union of its plain parts (all without one), cut with every `&` part, without every `!` part."""
    hosts = ["a1", "a2", "b1", "b2", "c"]
    known = {"all": hosts, **groups}

    def named(name: str) -> set[str]:
        found = {host for host in hosts if fnmatch.fnmatchcase(host, name)}
        return found.union(*(members for group, members in known.items() if fnmatch.fnmatchcase(group, name)))

    expected = set(hosts)
    if any(sign == "" for sign, _ in terms):
        expected = set().union(*(named(name) for sign, name in terms if sign == ""))
    for sign, name in terms:
        if sign == "&":
            expected &= named(name)
        if sign == "!":
            expected -= named(name)
    text = ":".join(f"{sign}{name}" for sign, name in terms)
    assert patterns.select(text, known) == [host for host in hosts if host in expected]
