"""Many processes write runs while another lists them: with SQLite and with PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glueharness.record.store import RunStore
from glueharness.record.summary import IndexedRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX users and sockets")

PREPARED = """
import dataclasses, sys, time
from datetime import UTC, datetime
from pathlib import Path
from glueharness.record import index
from glueharness.record.record import DataRecord, RunRecord, SplitRecord
from glueharness.record.run_file import write_record
from glueharness.record.store import RunStore
index._FEWEST = 0
index._SECONDS_UNTIL_SETTLED = 0.05
folder = Path(sys.argv[1])
"""
WRITER = (
    PREPARED
    + """
writer, count = int(sys.argv[2]), int(sys.argv[3])
split = SplitRecord(role="dev", rows=1, available=1, expected=1, fingerprint="f")
for number in range(count):
    now = datetime.now(UTC)
    run = RunStore(folder).create("qnli", "tfidf", now)
    record = RunRecord(
        id=run.name, identity=f"{writer:08x}{number:08x}", task="qnli", model="tfidf",
        seed=writer * count + number, started=now.isoformat(), primary_metric="accuracy",
        data=DataRecord(source="made", location="here", splits={"dev": split}),
    )
    write_record(run, record)
    done = dataclasses.replace(
        record, status="completed", metrics={"dev": {"accuracy": 0.5}}, primary=0.5
    )
    write_record(run, done)
    if number % 10 == writer:
        RunStore(folder).all()
"""
)
LISTER = (
    PREPARED
    + """
seen = set()
(folder / ".ready").touch()
while True:
    over = (folder / ".over").exists()
    store = RunStore(folder)
    records = store.all()
    assert not store.problems, store.problems
    assert not store.copies and not store.notice, (store.copies, store.notice)
    ids = [record.id for record in records]
    assert len(ids) == len({*ids}), "doubled"
    assert seen <= {*ids}, "lost"
    seen = {*ids}
    if over:
        break
assert len(seen) == int(sys.argv[2]), len(seen)
assert {record.status for record in records} == {"completed"}
"""
)


def write_and_list(folder: Path, address: str, tmp_path: Path, writers: int, each: int) -> None:
    """Let processes write runs while one lists them, and look at the store afterwards."""
    folder.mkdir()
    environment = {
        **os.environ,
        "GLUEHARNESS_STORE": address,
        "GLUEHARNESS_CACHE": str(tmp_path / "cache"),
        "GLUEHARNESS_CONFIG_DIR": str(tmp_path / "config"),
    }

    def start(code: str, *words: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code, str(folder), *map(str, words)],
            env=environment, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    lister = start(LISTER, writers * each)
    while not (folder / ".ready").exists() and lister.poll() is None:
        time.sleep(0.02)
    running = [start(WRITER, number, each) for number in range(writers)]
    for process in running:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    (folder / ".over").touch()
    _, errors = lister.communicate(timeout=120)
    assert lister.returncode == 0, errors


def check(folder: Path, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store as the index has it is the store as it is."""
    plain = RunStore(folder)
    expected = {record.id: plain.digest(record) for record in plain.all()}
    assert not any(isinstance(record, IndexedRecord) for record in plain.all())
    seeds = sorted(record.seed for record in plain.all())
    assert seeds == list(range(len(seeds)))
    monkeypatch.setenv("GLUEHARNESS_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("GLUEHARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GLUEHARNESS_STORE", address)
    monkeypatch.setattr("glueharness.record.index._SECONDS_UNTIL_SETTLED", 0.0)
    for _ in range(2):
        store = RunStore(folder)
        assert {record.id: store.digest(record) for record in store.all()} == expected
        assert not store.notice
    assert all(isinstance(record, IndexedRecord) for record in store.all())


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The URL of a server of our own, behind a socket in a folder of its own."""
    pytest.importorskip("psycopg")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    initdb = str(found[-1] / "initdb") if found else shutil.which("initdb")
    if initdb is None or not Path(initdb).exists():
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="glueharness-postgresql-"))
    as_user: dict[str, object] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        try:
            entry = pwd.getpwnam("postgres")
        except KeyError:
            entry = pwd.getpwnam("nobody")
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        as_user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    data = folder / "data"
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(
        [initdb, "-D", str(data), "-A", "trust", "-U", "runs", "--no-sync", "--locale=C"],
        check=True, **quiet, **as_user,
    )  # type: ignore[call-overload]  # fmt: skip
    server = subprocess.Popen(
        [
            str(Path(initdb).with_name("postgres")), "-D", str(data), "-k", str(folder),
            "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=40",
        ],
        **quiet, **as_user,
    )  # type: ignore[call-overload]  # fmt: skip
    try:
        url = f"postgresql://runs@/postgres?host={folder}"
        _wait_for(server, url)
        yield url
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(server: subprocess.Popen[bytes], url: str) -> None:
    import psycopg

    for _ in range(600):
        assert server.poll() is None, "the server ended"
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
            return
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


def test_a_few_processes_write_while_one_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_and_list(tmp_path / "runs", "", tmp_path, 2, 10)
    check(tmp_path / "runs", f"sqlite:///{tmp_path / 'named.sqlite'}", tmp_path, monkeypatch)


@pytest.mark.slow
def test_eight_processes_write_while_one_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_and_list(tmp_path / "runs", "", tmp_path, 8, 100)
    check(tmp_path / "runs", f"sqlite:///{tmp_path / 'named.sqlite'}", tmp_path, monkeypatch)


def test_the_index_is_the_same_in_postgresql(
    tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_and_list(tmp_path / "runs", postgresql, tmp_path, 2, 10)
    check(tmp_path / "runs", postgresql, tmp_path, monkeypatch)


@pytest.mark.slow
def test_eight_processes_write_while_one_lists_with_postgresql(
    tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_and_list(tmp_path / "runs", postgresql, tmp_path, 8, 100)
    check(tmp_path / "runs", postgresql, tmp_path, monkeypatch)
