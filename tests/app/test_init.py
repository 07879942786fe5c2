"""`init`: a control directory of one's own, over databases that are not the demo."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.acting import act, context_of
from tests.app.invoking import ROOT, Invoked
from tests.control import execute
from tests.ports import free_port
from tests.product.fifteen import Fifteen, fifteen
from tests.terminal import talk
from toolkit.actions.databases import open_database
from toolkit.app.beginning.playbooks import RECORD, digest, record, record_text
from toolkit.app.commands.init import COMMAND, Options
from toolkit.app.control import Control
from toolkit.app.doctoring.hosts import HostVisit, examine_host
from toolkit.app.performing import perform
from toolkit.config import inventory
from toolkit.config.lint import lint
from toolkit.errors import InputError
from toolkit.model.finding import Level
from toolkit.output.streams import Output
from toolkit.postgres.servers.embedded import EmbeddedServer

PLAYBACK = "import sys; sys.argv[0] = 'playback'; from toolkit.app.program import main; main()"


@pytest.fixture(scope="module")
def shop(pg18: EmbeddedServer) -> Iterator[Fifteen]:
    """The shop of fifteen tables."""
    with fifteen(pg18) as made:
        yield made


@pytest.fixture
def control(tmp_path: Path) -> Path:
    """A directory that is not there yet."""
    return tmp_path / "control"


def init(control: Path, **options: str | bool) -> Invoked:
    """Run `init` for a directory where nobody is at a terminal."""
    out, err = io.StringIO(), io.StringIO()
    mask = os.umask(0o022)
    try:
        given = Options(dir=(str(control),), **options)  # type: ignore[arg-type]
        code = perform(COMMAND, given, Control(directory=control), output=Output(out, err))
    finally:
        os.umask(mask)
    return Invoked(code=code, out=out.getvalue(), err=err.getvalue())


def files(control: Path) -> dict[str, str]:
    """What stands in the files of a directory, those of its private places left out."""
    found = (path for path in control.rglob("*") if path.is_file() and ".playback" not in path.parts)
    return {path.relative_to(control).as_posix(): path.read_text(encoding="utf-8") for path in found}


def test_without_a_terminal_questions_are_listed_and_can_be_answered_later(shop: Fifteen, control: Path) -> None:
    """What is decided is written, the rest is marked and named with rows and choices; run again, `--yes` decides it."""
    begun = init(control, database=shop.with_password, host="till-1")
    assert begun.code == 3, begun
    assert "whose are the rows of audit_log (25 rows)?\n    no foreign key from or to it" in begun.out
    assert "which table's rows are the businesses (tenants)?" in begun.out
    assert "  playback init --host till-1" in begun.out.replace("invoke init", "playback init")
    catalog = files(control)["inventory/catalogs/till-1.yml"]
    assert "# DECIDE audit_log" in catalog
    assert "  orders: {owned_by: [customer_id]}" in catalog

    # what somebody adds meanwhile stays, but for the questions
    (control / "inventory" / "catalogs" / "till-1.yml").write_text(f"# mine\n{catalog}", encoding="utf-8")
    before = files(control)
    assert "are the rows of shops (3 rows) the businesses (tenants)?" in init(control, host="till-1").out
    assert files(control) == before
    ended = init(control, host="till-1", yes=True)
    assert ended.code == 0, ended
    assert "DECIDE: a guess" not in files(control)["inventory/catalogs/till-1.yml"]
    after = files(control)
    changed = after.pop("inventory/catalogs/till-1.yml")
    assert before.pop("inventory/catalogs/till-1.yml").splitlines()[:3] == changed.splitlines()[:3]
    assert before == after
    assert ("DECIDE audit" in changed, "  audit_log: referenced  # as answered" in changed) == (False, True)
    loaded = inventory.load(control / "inventory")
    assert loaded.host("till-1").device_id == "till-1"
    assert act("backup", {"scope": "business"}, context_of(loaded, "till-1")).facts["tables"] == 14


def test_a_password_is_kept_where_only_its_owner_reads_it(shop: Fifteen, control: Path) -> None:
    """It is in one file below .playback, which git ignores by itself; nothing else has or prints it."""
    begun = init(control, database=shop.with_password, yes=True)
    assert begun.code == 0, begun
    assert shop.password not in begun.text + "".join(files(control).values())
    assert "password: {file: .playback/secrets/" in files(control)["inventory/hosts.yml"]
    secret = control / ".playback" / "secrets" / shop.name
    assert secret.read_text(encoding="utf-8") == f"{shop.password}\n"
    if os.name == "posix":
        assert [stat.S_IMODE(each.stat().st_mode) for each in (secret, secret.parent)] == [0o600, 0o700]
    assert (control / ".playback" / ".gitignore").read_text(encoding="utf-8").splitlines()[-1] == "*"
    assert "which shells remember" in begun.out

    execute(shop.superuser, f"ALTER ROLE {shop.name} PASSWORD '{shop.password}-2'")
    try:
        assert init(control, host=shop.name).code == 1
        changed = init(control, database=shop.with_password.replace("@", "-2@", 1))
    finally:
        execute(shop.superuser, f"ALTER ROLE {shop.name} PASSWORD '{shop.password}'")
    assert changed.code == 0, changed
    assert secret.read_text(encoding="utf-8") == f"{shop.password}-2\n"


def test_a_directory_that_was_copied_without_its_passwords(
    shop: Fifteen, control: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address typed again, or its host named, and the password: the file is written again, and nothing else."""
    assert init(control, database=shop.with_password, yes=True).code == 0
    before, secret = files(control), control / ".playback" / "secrets" / shop.name
    for lost in range(3):
        shutil.rmtree(control / ".playback")
        if lost == 0:
            asked = init(control, host=shop.name)
            assert (asked.code, "HINT: the server wants a password: run this on a terminal" in asked.err) == (1, True)
            assert "or set PGPASSWORD" in asked.err
            with pytest.raises(InputError) as unread:
                open_database(control, inventory.load(control / "inventory").host(shop.name).database)
            assert unread.value.hint.startswith(f"`invoke init --host {shop.name}` asks for it")
            again = init(control, database=shop.with_password)
        else:
            monkeypatch.setenv("PGPASSWORD", shop.password)
            again = init(control, host=shop.name) if lost == 1 else init(control, database=shop.uri)
        assert again.code == 0, again
        assert secret.read_text(encoding="utf-8") == f"{shop.password}\n"
        assert files(control) == before


def test_a_password_of_the_environment_is_named(shop: Fifteen, control: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PGPASSWORD let us in, the inventory refers to it, and nothing is kept."""
    monkeypatch.setenv("PGPASSWORD", shop.password)
    assert init(control, database=shop.uri, yes=True).code == 0
    assert "password: {env: PGPASSWORD}" in files(control)["inventory/hosts.yml"]
    assert not (control / ".playback" / "secrets").exists()


def test_what_a_person_wrote_stays(shop: Fifteen, control: Path) -> None:
    """Existing files are kept and named; a host and a repository are added as lines of their own, and nothing else."""
    mine = {
        "tasks.py": "# mine\n",
        ".gitignore": "mine\n",
        "playbooks/nightly.yml": "- hosts: all\n  tasks:\n    - debug: {msg: mine}\n",
        "inventory/hosts.yml": "all:\n  hosts:\n    # a\n    one: {database: 'embedded:one'}  # b\n  vars: {a: 1}\n",
        "inventory/repositories.yml": "backups: {type: local, path: elsewhere}\n# the end\n",
    }
    for name, text in mine.items():
        (control / name).parent.mkdir(parents=True, exist_ok=True)
        (control / name).write_text(text, encoding="utf-8")
    begun = init(control, database=shop.with_password, host="two", backups=str(control / "disk"), yes=True)
    assert begun.code == 0, begun
    after = files(control)
    assert {name: after[name] for name in list(mine)[:3]} == dict(list(mine.items())[:3])
    assert re.search(r"kept, as they were: tasks.py, .gitignore, .*playbooks/nightly.yml", begun.out)
    for name in list(mine)[3:]:
        added = [line for line in after[name].splitlines() if line not in mine[name].splitlines()]
        assert "".join(line for line in after[name].splitlines(True) if line.rstrip() not in added) == mine[name]
    loaded = inventory.load(control / "inventory")
    assert list(loaded.groups["all"]) == ["one", "two"]
    assert loaded.host("two").repository == "backups-two"


def test_a_second_host_of_the_same_application_takes_its_catalog(shop: Fifteen, control: Path) -> None:
    """A catalog that fits all tables is taken without a question; the same database twice is not added twice."""
    assert init(control, database=shop.with_password, host="one", yes=True).code == 0
    before = files(control)
    with_options = f"{shop.with_password}&application_name=second"
    again = init(control, database=with_options)
    assert (again.code, files(control)) == (0, before), again
    hosts = control / "inventory" / "hosts.yml"
    hosts.write_text(before["inventory/hosts.yml"].replace(f"dbname: {shop.name}", "dbname: other"), encoding="utf-8")
    second = init(control, database=with_options, host="two")
    assert second.code == 0, second
    assert "catalog one fits all of its tables" in second.out
    assert inventory.load(control / "inventory").host("two").catalog == "one"
    third = init(control, database=shop.with_password, host="one")
    assert (third.code, "--host one: in inventory/hosts.yml that is another database" in third.err) == (2, True), third


def refusing_tls() -> str:
    """Answer one request for TLS as a server without it does; gives the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with server, server.accept()[0] as client:
            client.recv(8)
            client.sendall(b"N")

    threading.Thread(target=answer, daemon=True).start()
    return str(server.getsockname()[1])


@pytest.mark.parametrize(
    ("database", "code", "message"),
    [
        ("WRONG", 1, "HINT: the password is"),
        ("URI", 1, "HINT: the server wants a password"),
        ("postgresql://nobody@no-such-machine.invalid/shop", 1, "HINT: no machine of that name is known here"),
        ("postgresql://nobody@127.0.0.1:CLOSED/shop", 1, "HINT: nothing listens at that address"),
        (
            "postgresql://nobody@127.0.0.1:PLAIN/shop?sslmode=require",
            1,
            "HINT: the server, or the pooler before it, has",
        ),
        ("NOWHERE", 1, "HINT: the server has none of that name"),
        ("postgresql://a:hush-%zz@x/y", 2, "cannot be read: it is neither a URI nor a libpq conninfo"),
        ("shop", 2, "is neither a URI nor a conninfo nor embedded:NAME"),
    ],
)
def test_a_database_that_cannot_be_reached(
    shop: Fifteen, control: Path, database: str, code: int, message: str
) -> None:
    """One error that says what to do, and nothing is written."""
    closed = str(free_port())
    plain = refusing_tls() if "PLAIN" in database else ""
    wrong = shop.uri.replace("@", ":not-the-one-7@", 1)
    nowhere = re.sub(rf"(?<!/)/{shop.name}(?=[?]|$)", "/nowhere", shop.with_password)
    address = (
        database.replace("NOWHERE", nowhere)
        .replace("WRONG", wrong)
        .replace("URI", shop.uri)
        .replace("CLOSED", closed)
        .replace("PLAIN", plain)
    )
    refused = init(control, database=address)
    assert (refused.code, message in refused.err) == (code, True), refused
    assert "hush" not in refused.text
    assert not control.exists()


def test_words_that_are_wrong(shop: Fifteen, control: Path, tmp_path: Path) -> None:
    """Each is exit 2 with one error, before anything is written."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    flow = tmp_path / "flow"
    (flow / "inventory").mkdir(parents=True)
    (flow / "inventory" / "hosts.yml").write_text("all: {hosts: {a: {database: 'embedded:a'}}}\n", encoding="utf-8")
    for directory, options, message in (
        (control, {"host": "a b"}, "a name has no blanks"),
        (control, {"host": "till"}, "the inventory has no such host\nHINT: name its database: invoke init --host till"),
        (tmp_path / "file", {}, "is no directory"),
        (ROOT, {}, "is the source of Playback itself"),
        (control, {"update": True}, "has no playbooks to compare"),
        (control, {"update": True, "host": "a"}, "--update is about playbooks alone"),
        (flow, {"database": shop.with_password, "yes": True}, "add these lines yourself:\n  shop_"),
    ):
        refused = init(directory, **options)
        assert (refused.code, message in refused.err) == (2, True), refused
    assert not control.exists()
    assert list(files(flow)) == ["inventory/hosts.yml"]


def test_without_a_database_the_directory_is_sound(control: Path) -> None:
    """It has no hosts yet, passes lint, and the next command names a database."""
    begun = init(control)
    assert begun.code == 0, begun
    assert "invoke init --database postgresql://USER@SERVER/DATABASE" in begun.out
    assert lint(control) == []
    assert init(control).code == 0


def test_a_database_of_one_business_is_backed_up_whole(new_database: Callable[[], str], control: Path) -> None:
    """No table is that of tenants: every row of every table is in a backup, which equals the database."""
    database = new_database()
    execute(
        database,
        "CREATE TABLE notes (id int PRIMARY KEY, text text)",
        "CREATE TABLE readings (at timestamptz, value numeric)",
        "CREATE TABLE settings (key text PRIMARY KEY, value text)",
        "INSERT INTO notes SELECT n, 'note' FROM generate_series(1, 20) n",
        "INSERT INTO readings SELECT now(), n FROM generate_series(1, 30) n",
        "INSERT INTO settings VALUES ('colour', 'green')",
    )
    begun = init(control, database=database, host="one")
    assert begun.code == 0, begun
    assert "the database is of one business" in begun.out
    loaded = inventory.load(control / "inventory")
    backed_up = act("backup", {"scope": "business"}, context_of(loaded, "one"))
    assert backed_up.facts["rows"] == 51
    execute(database, "DELETE FROM notes WHERE id > 3", "UPDATE settings SET value = 'red'")
    again = {"from": backed_up.facts["label"], "mode": "mirror"}
    restored = act("restore", again, context_of(loaded, "one"))
    assert (restored.facts["inserts"], restored.facts["updates"]) == (17, 1)


def test_a_table_that_others_merely_point_at_is_no_list_of_businesses(
    new_database: Callable[[], str], control: Path
) -> None:
    """The default is then one business; the guess and the other way stand in the file."""
    database = new_database()
    execute(
        database,
        "CREATE TABLE posts (id int PRIMARY KEY, text text)",
        "CREATE TABLE comments (id int PRIMARY KEY, post int NOT NULL REFERENCES posts)",
        "INSERT INTO posts VALUES (1, 'a'), (2, 'b')",
        "INSERT INTO comments VALUES (1, 1)",
    )
    listed = init(control, database=database, host="one")
    assert (listed.code, "    1  none of them" in listed.out) == (3, True), listed
    catalog = files(control)["inventory/catalogs/one.yml"]
    assert "tenant: {table: comments, key: id}  # DECIDE: a guess, the database is of one business" in catalog
    assert "# or tenant: {table: posts, key: id}" in catalog
    assert "    posts: shared" in catalog


def test_what_the_role_may_not_read_is_said(shop: Fifteen, control: Path) -> None:
    """A table or sequence without SELECT is named with the statement that grants it, and so is a column of ids."""
    execute(shop.superuser, "CREATE TABLE hidden (id serial PRIMARY KEY, scan oid)")
    try:
        begun = init(control, database=shop.with_password, host="one")
    finally:
        execute(shop.superuser, "DROP TABLE hidden")
    what = "no SELECT on table public.hidden, no SELECT on sequence public.hidden_id_seq"
    assert f"role {shop.name} lacks what every backup needs: {what}; GRANT SELECT ON TABLE" in begun.out, begun
    assert f'; GRANT SELECT ON SEQUENCE "public"."hidden_id_seq" TO "{shop.name}"' in begun.out
    assert "column hidden.scan is of type oid" in begun.out
    assert "whose are the rows of hidden (rows unknown: this role may not read it)?" in begun.out


def test_an_empty_database_is_no_application(new_database: Callable[[], str], control: Path) -> None:
    """A database without tables is refused: it is the wrong one, or the application has not made them."""
    refused = init(control, database=new_database())
    assert (refused.code, "has no tables that role" in refused.err, control.exists()) == (2, True, False)


def test_where_the_embedded_server_cannot_hold_the_schema(pg15: EmbeddedServer, control: Path) -> None:
    """Proofs go to the database's own server where its role may make databases; else what is missing is said."""
    statements = (
        'CREATE TABLE shops (id int PRIMARY KEY, name text COLLATE "en-x-icu"); CREATE TABLE orders (id int'
        " PRIMARY KEY, shop_id int NOT NULL REFERENCES shops)"
    )
    with fifteen(pg15, statements) as made:
        missing = init(control, database=made.with_password, host="one", yes=True)
        assert "the embedded server lacks collations of ICU" in missing.out, missing
        assert f"ALTER ROLE {made.name} CREATEDB`; then write `scratch_on: host`" in missing.out
        assert re.search(r"init --host one  # .*\n.*nightly.yml  # .*exit code 4", missing.out), missing
        again = init(control, host="one")
        assert f"ALTER ROLE {made.name} CREATEDB`; then write" in again.out, again
        with_host = inventory.load(control / "inventory")
        visit = HostVisit(inventory=with_host, host=with_host.host("one"), now=datetime.now(UTC), seconds=5)
        (unfit,) = [each for each in examine_host(visit).findings if each.check == "scratch"]
        assert (unfit.level, "lacks collations of ICU" in unfit.message) == (Level.CRITICAL, True), unfit
        execute(made.superuser, f"ALTER ROLE {made.name} CREATEDB")
        before = files(control)["inventory/hosts.yml"]
        mended = init(control, host="one")
        assert "proofs are made on the server of one, `scratch_on: host`" in mended.out, mended
        after = files(control)["inventory/hosts.yml"].splitlines()
        assert [each.split("#")[0].strip() for each in after if each not in before.splitlines()] == ["scratch_on: host"]
        with_host = inventory.load(control / "inventory")
        visit = replace(visit, inventory=with_host, host=with_host.host("one"))
        (fit,) = [each for each in examine_host(visit).findings if each.check == "scratch"]
        assert (fit.level, "can be like it" in fit.message) == (Level.OK, True), fit
        found = init(control.with_name("other"), database=made.with_password, host="one", yes=True)
        assert "proofs are made on the server of one, `scratch_on: host`" in found.out
        assert "      scratch_on: host" in files(control.with_name("other"))["inventory/hosts.yml"]


def test_updates_of_shipped_playbooks(control: Path) -> None:
    """What has changed is shown; only copies that nobody touched are renewed, and only where one agrees."""
    assert init(control).code == 0
    nightly, restore, one, gone = (
        control / "playbooks" / f"{name}.yml" for name in ("nightly", "restore", "one-business", "restore-business")
    )
    assert "nothing was changed" in init(control, update=True).out

    shipped, theirs = nightly.read_text("utf-8"), one.read_text("utf-8")
    # as copied from an earlier version, one of them changed since; one changed while what is shipped is the same
    nightly.write_text(shipped.replace("keep_daily: 14", "keep_daily: 7"), "utf-8")
    one.write_text(f"{theirs}# mine\n", "utf-8")

    digests = record(control)
    digests |= {"playbooks/nightly.yml": digest(nightly.read_text("utf-8")), "playbooks/one-business.yml": "older"}
    del digests["playbooks/disaster-recovery.yml"]
    (control / RECORD).write_text(record_text(digests), "utf-8")
    (control / "playbooks" / "disaster-recovery.yml").unlink()
    restore.write_text("mine\n", "utf-8")
    gone.unlink()

    before = files(control)
    looked = init(control, update=True)
    for line in (
        "playbooks/nightly.yml: changed since it was copied; yours is as it was",
        "    -        keep_daily: 7\n    +        keep_daily: 14",
        "playbooks/one-business.yml: yours, and changed since it was copied",
        "playbooks/restore.yml: yours, and what is shipped has not changed",
        "playbooks/restore-business.yml: removed by you, and stays so",
        "playbooks/disaster-recovery.yml: new",
        "nothing was changed; `invoke init --update --yes`",
    ):
        assert line in looked.out, looked.out
    assert files(control) == before

    assert init(control, update=True, yes=True).code == 0
    assert (nightly.read_text("utf-8"), gone.exists()) == (shipped, False)
    assert [restore.read_text("utf-8"), one.read_text("utf-8")] == ["mine\n", f"{theirs}# mine\n"]
    assert (control / "playbooks" / "disaster-recovery.yml").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such terminal")
def test_the_dialogue_on_a_terminal(shop: Fifteen, tmp_path: Path) -> None:
    """A password is asked for until it is right, and never shown; a wrong answer is asked again; Ctrl-D writes nothing.

    A schema may be left out, a table be put elsewhere.
    """
    words = [sys.executable, "-c", PLAYBACK, "init", "mine", "--database", shop.uri]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    prompt = "Enter for 1]:"
    opening = [("of " + shop.name + " (it is not shown):", "not-it"), ("(it is not shown):", shop.password)]
    code, screen = talk(words, [*opening, (prompt, "\x04")], cwd=tmp_path, env=env)
    assert (code, "the questions were left; nothing was written" in screen) == (2, True), screen
    assert list(tmp_path.iterdir()) == []

    execute(shop.superuser, f"SET ROLE {shop.name}; CREATE SCHEMA logs; CREATE TABLE logs.lines (id int PRIMARY KEY)")
    try:
        answers = [*opening, *((prompt, typed) for typed in ("", "nine", "2", "", "2", "5"))]
        code, screen = talk(words, answers, cwd=tmp_path, env=env)
    finally:
        execute(shop.superuser, "DROP SCHEMA logs CASCADE")
    assert code == 0, screen
    assert shop.password not in screen
    assert "not-it" not in screen
    assert "schema logs (1 table: lines; 0 rows)" in screen
    assert "nine is none of the answers: type a number from 1 to 2" in screen
    nightly, theirs = tmp_path / "mine" / "playbooks" / "nightly.yml", "# of an earlier version\n"
    shipped = nightly.read_text("utf-8")
    nightly.write_text(theirs, "utf-8")
    digests = record(tmp_path / "mine") | {"playbooks/nightly.yml": digest(theirs)}
    (tmp_path / "mine" / RECORD).write_text(record_text(digests), "utf-8")
    updating = [sys.executable, "-c", PLAYBACK, "init", "mine", "--update"]
    assert talk(updating, [("take the shipped playbooks/nightly.yml? [y/N]:", "y")], cwd=tmp_path, env=env)[0] == 0
    assert nightly.read_text("utf-8") == shipped

    catalog = files(tmp_path / "mine")[f"inventory/catalogs/{shop.name}.yml"]
    assert 'other_schemas: {logs: "left out when this file was made"}' in catalog
    assert "  audit_log: shared  # as answered" in catalog
    assert catalog.endswith("transient:\n  other:\n    user_sessions: {}  # as answered: never backed up\n")
