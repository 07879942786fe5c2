"""The pages of backups, asked without a browser: lists, what is kept, one backup, and what is not to be seen."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from tests.app.many_backups import EACH, make_many
from tests.console.direct import Direct
from tests.control import Control
from tests.storage.faults import flip_bit
from tests.storage.samples import manifest_of, sample_rows, write_backup
from tests.storage.test_proofs import proof_of
from tests.sweeps import slow_only
from toolkit.actions.prune import PruneArguments
from toolkit.app.console import bounded, downloads, places
from toolkit.app.console.application import application
from toolkit.app.console.beginning import Starter
from toolkit.app.console.pages import backup_deeds
from toolkit.app.console.safety.cookies import Cookies
from toolkit.app.console.safety.entrance import Entrance
from toolkit.app.console.safety.guard import guarded
from toolkit.app.console.safety.origins import LOCAL, Names
from toolkit.app.console.site import Site
from toolkit.app.control import Control as ControlDirectory
from toolkit.app.control import utc_now
from toolkit.app.keeping import in_words
from toolkit.app.runs import record as records
from toolkit.app.runs.record import Origin, Run
from toolkit.planning.retention import decide
from toolkit.storage import remembered
from toolkit.storage.layout import manifest_name
from toolkit.storage.local import LocalStore
from toolkit.storage.proofs import record_proof
from toolkit.storage.references import summaries
from toolkit.storage.repository import Repository

NOW = datetime.now(UTC).replace(microsecond=0)
RUN = re.compile(r"/runs/(\d{8}T\d{6}Z-[0-9a-f]{6})$")
XSS = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A control directory whose repository `local` has 121 backups: of a week, and a newest one with rows, proven."""
    directory = tmp_path_factory.mktemp("place")
    Control(directory).add_host("demo", "embedded:none")
    made = make_many(directory / "repository", 120, until=NOW - EACH)
    manifest, _ = write_backup(made, sample_rows(), job="by-hand", now=NOW)
    record_proof(made, proof_of(manifest, made, NOW))
    return directory


@pytest.fixture
def repository(place: Path) -> Repository:
    """Its repository."""
    return Repository.open(LocalStore(place / "repository"), create=False)


@pytest.fixture
def pages(place: Path) -> Iterator[Pages]:
    """Somebody who asks for its pages."""
    with somebody(place) as client:
        yield Pages(client)


class Pages:
    """Gives pages by their address."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def page(self, path: str) -> str:
        """Give the text of a page that is there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text


def somebody(directory: Path, *, operator: bool = True) -> httpx.Client:
    """Somebody who came in to a console of a control directory, without a process between."""
    starter = Starter(control=ControlDirectory(directory=directory), now=utc_now)
    entrance, site = Entrance(), Site(control=starter.control, starter=starter)
    app = guarded(application(site), entrance=entrance, names=Names(local=LOCAL, port=8642))
    cookie = entrance.sessions.begin(name="bo", operator=operator)
    named = Cookies(port=8642, secure=False).session
    return httpx.Client(transport=Direct(app, "127.0.0.1"), base_url="http://127.0.0.1:8642", cookies={named: cookie})


def newest(repository: Repository) -> str:
    """The label of the backup with rows."""
    return max(repository.labels())


def rows(text: str) -> int:
    """How many backups stand on a page."""
    return text.count('class="made"')


def test_the_list_by_pages(pages: Pages, repository: Repository) -> None:
    """Fifty stand on a page, the address leads on with what was asked for, and a wrong day is said beside all."""
    first = pages.page("/backups")
    assert (rows(first), "121 backups, 1 to 50 of them here" in first) == (50, True)
    assert "/backups?page=2" in first
    last = pages.page("/backups?page=3")
    assert (rows(last), "101 to 121 of them" in last, ">Older<" in last) == (21, True, False)
    asked = pages.page("/backups?host=till-1&page=99&proven=no")
    assert (rows(asked), "30 backups" in asked) == (30, True)
    assert "host=till-1&amp;proven=no" not in asked, "it is one page"
    assert rows(pages.page("/backups?since=2026-99-99")) == 50
    assert "is not a day" in pages.page("/backups?since=2026-99-99")
    assert "None of 121 backups is like that" in pages.page("/backups?business=nobody")
    day = f"{NOW - timedelta(days=2):%Y-%m-%d}"
    assert "24 backups, the newest first" in pages.page(f"/backups?since={day}&until={day}")
    assert len(repository.labels()) == 121


def test_what_is_kept_is_what_a_prune_keeps(pages: Pages, repository: Repository) -> None:
    """Each backup stays or goes as by the rules of the playbook, with every reason in words, and a picture of each."""
    rules = PruneArguments(keep_daily=14, keep_weekly=8, keep_monthly=12, minimum=3)
    decisions = decide(summaries(repository)[0], rules.policy, now=datetime.now(UTC))
    stay = sum(each.keep for each in decisions)
    text = pages.page("/backups/kept?repository=local")
    assert "playbooks/nightly.yml" in text
    assert "one a day, for 14 days that have one" in text
    assert f"{stay} backups" in text
    assert f"{len(decisions) - stay} backups" in text
    assert text.count('<svg class="timeline"') == 3, "of each host; the job by-hand has one backup alone"
    assert "the newest of its day, 1 of 14 days that are kept" in text
    gone = pages.page("/backups/kept?repository=local&what=go&host=till-2")
    assert rows(gone) == sum(not each.keep and each.backup.host == "till-2" for each in decisions)
    assert "no rule keeps it any more" in gone
    assert "Nothing is ever removed" not in text
    assert "till-2, nightly, business data of Café “One”" in gone


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("daily 3/14", "the newest of its day, 3 of 14 days that are kept"),
        ("weekly", "the newest of its week"),
        ("yearly 2/5 (the oldest)", "the newest of its year, 2 of 5 years that are kept (and the oldest there is)"),
        ("last 1/7", "one of the newest 7"),
        ("within 14d", "young: within 14d of the newest"),
        ("monthly within 1y", "the newest of its month: within 1y of the newest"),
        ("newest proven of its group, 2 newer are not", "the newest that a restore has proven"),
        ("one of the newest 3 (minimum)", "one of the newest 3 that always stay"),
        ("newest of its group", "the newest of its kind"),
        ("pinned until 2099-12-31", "pinned until 2099-12-31"),
        ("no rule keeps it", "no rule keeps it any more"),
    ],
)
def test_reasons_in_words(reason: str, words: str) -> None:
    """What retention says of a backup is said for people."""
    assert in_words(reason) == words


def test_one_backup(pages: Pages, repository: Repository) -> None:
    """Its tables have rows by reason, its picture and a file of it are there, and links lead on with it chosen."""
    label = newest(repository)
    text = pages.page(f"/backups/local/{label}")
    orders = text[text.index('id="table-orders"') :]
    assert '<td data-label="Rows" class="number">300</td>' in orders
    assert '<td data-label="Own" class="number">300</td>' in orders
    assert f'href="/restore?repository=local&amp;backup={label}"' in text
    assert f'href="/verify?repository=local&amp;backup={label}"' in text
    assert "table departed is in the catalog file but not in the database" in text
    assert "audit_logs" in text
    assert "equal to the backup" in text
    picture = pages.page(f"/backups/local/{label}/picture?zoom=200")
    assert picture.count("<svg") == 1
    assert f'href="/backups/local/{label}#table-orders"' in picture
    file = pages.client.get(f"/backups/local/{label}/picture.svg")
    assert file.headers["content-type"].startswith("image/svg+xml")
    assert file.headers["content-disposition"] == f'attachment; filename="{label}.svg"'


def test_names_that_are_markup(pages: Pages, repository: Repository) -> None:
    """A business, a device, a tag and a failure that look like a script are text on every page."""
    label = f"{NOW - timedelta(days=300):%Y%m%dT%H%M%SZ}-odd-business"
    manifest = manifest_of(label, [], job="odd", now=NOW - timedelta(days=300))
    metadata = replace(manifest.metadata, tags=(XSS,), source_device_name=XSS, created_by=XSS, host=XSS)
    odd = replace(
        manifest, metadata=metadata, selection=replace(manifest.selection, tenants={XSS: XSS}), warnings=(XSS,)
    )
    sealed = repository.write_manifest(odd)
    record_proof(repository, proof_of(sealed, repository, failure=XSS))
    try:
        for path in (f"/backups/local/{label}", "/backups?job=odd", "/backups/kept?repository=local"):
            text = pages.page(path)
            assert XSS not in text
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert XSS not in pages.page(f"/backups?job={XSS}&business={XSS}")
    finally:
        repository.delete_manifest(label)


def test_what_is_not_there(pages: Pages, repository: Repository) -> None:
    """An unknown backup, place or file is said, nothing outside of repositories is read, and damage is named."""
    label = newest(repository)
    for path in (
        "/backups/local/20200101T000000Z-nightly-business",
        f"/backups/elsewhere/{label}",
        f"/backups/bundle:fetched.playback/{label}",
        "/backups/local/..%2f..%2fplayback.json",
        f"/backups/local/%2e%2e/{label}",
        "/backups/local/x/file",
        f"/backups/local/{repository.labels()[0]}/file",
    ):
        assert pages.client.get(path).status_code in (400, 404), path
    store, name = repository.store, manifest_name(repository.labels()[0])
    whole = store.get(name)
    store.put(name, flip_bit(whole, 4 * len(whole)))
    try:
        assert "is damaged" in pages.page("/backups")
        assert pages.client.get(f"/backups/local/{repository.labels()[0]}").status_code == 403
    finally:
        store.put(name, whole)


def test_a_repository_that_does_not_answer_keeps_no_other_from_it(
    place: Path, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Backups of the others are there in time, the silent one is named, and a pin goes where the backup is known."""
    monkeypatch.setattr(places, "PATIENCE", 0.5)
    monkeypatch.setattr(backup_deeds, "PATIENCE", 0.2)
    file = place / "inventory" / "repositories.yml"
    before = file.read_text(encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        keys = {"access_key": {"env": "HOME"}, "secret_key": {"env": "HOME"}}
        far = {"type": "s3", "bucket": "b", "endpoint": endpoint, "region": "r", **keys}
        file.write_text(json.dumps({**json.loads(before), "far": far}), encoding="utf-8")
        try:
            # on a busy machine the other one may be late as well
            texts = (pages.page("/backups") for _ in range(10))
            text = next(each for each in texts if rows(each))
            label = max(Repository.open(LocalStore(place / "repository"), create=False).labels())
            pin = pages.page(f"/backups/local/{label}/pin")
            verify = pages.page("/verify")
            monkeypatch.setattr(bounded, "PATIENCE", 0.5)
            one = pages.client.get(f"/backups/far/{label}")
        finally:
            file.write_text(before, encoding="utf-8")
    assert ("it does not answer" in text, rows(text)) == (True, 50)
    assert (label in verify, one.status_code, "does not answer" in one.text) == (True, 503, True)
    assert ("if they have one: far" in pin, pin.count("repository: ")) == (True, 1)


def test_a_file_that_is_being_made(place: Path, pages: Pages, repository: Repository) -> None:
    """The page waits for the run that makes it, says where it failed, and takes nothing else for a run."""
    address = f"/backups/local/{newest(repository)}/one-file"
    run = Run(id=records.new_id(NOW), playbook="x.yml", command="run", by="bo", origin=Origin.CONSOLE, started=NOW)
    folder = records.directory_of(place, run.id)
    folder.mkdir(parents=True)
    waiting = pages.page(f"{address}?run={run.id}")
    assert ("is being made" in waiting, 'http-equiv="refresh"' in waiting) == (True, True)
    records.write(folder, records.ended(run, now=NOW, code=1))
    failed = pages.page(f"{address}?run={run.id}")
    assert ("could not be made" in failed, 'http-equiv="refresh"' in failed) == (True, False)
    for other in ("", "../runs", "20200101T000000Z-ffffff"):
        assert "It is made first" in pages.page(f"{address}?run={other}")


def test_few_files_stay(tmp_path: Path) -> None:
    """Files are gone after a day, and only the newest few stay; an odd name of a repository does no harm."""
    labels = [f"2026112{number}T020000Z-nightly-business" for number in range(6)]
    for number, label in enumerate(labels):
        path = tmp_path / downloads.file_of("local" if number % 2 else "../up", label)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        age = timedelta(hours=number * 7)
        os.utime(path, ((NOW - age).timestamp(), (NOW - age).timestamp()))
    assert len(list((tmp_path / ".playback" / "downloads").glob("*/*"))) == 6
    downloads.remove_old(tmp_path, NOW)
    there = [bool(downloads.ready(tmp_path, "local" if n % 2 else "../up", each)) for n, each in enumerate(labels)]
    assert there == [True, True, True, False, False, False]
    downloads.remove_old(tmp_path, NOW + timedelta(hours=12))
    assert downloads.ready(tmp_path, "local", labels[1])
    downloads.remove_old(tmp_path, NOW + timedelta(days=2))
    assert not list((tmp_path / ".playback" / "downloads").glob("*/*"))


def test_a_viewer_takes_nothing_along(place: Path, repository: Repository) -> None:
    """Who may only look sees the backup, and does not get the file with all that is in it, nor the button for it."""
    label = newest(repository)
    path = place / downloads.file_of("local", label)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    try:
        for operator, status in ((True, 200), (False, 403)):
            with somebody(place, operator=operator) as client:
                text = client.get(f"/backups/local/{label}").text
                assert ("Download it" in text, "Restore it" in text) == (operator, True)
                assert client.get(f"/backups/local/{label}/file").status_code == status
    finally:
        path.unlink()


@slow_only
def test_ten_thousand_backups_on_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists, searches and what is kept of ten thousand backups cost less than a second each, once they were read."""
    monkeypatch.setattr(remembered, "_FRESH", timedelta(days=-1))
    Control(tmp_path).add_host("demo", "embedded:none")
    make_many(tmp_path / "repository", 10_000, until=NOW - EACH)
    with somebody(tmp_path) as client:
        for path in ("/backups", "/backups?page=200", "/backups?business=caf%C3%A9&host=till-1", "/backups/kept"):
            client.get(path)
            began = time.process_time()
            assert client.get(path).status_code == 200
            assert time.process_time() - began < 1, path
