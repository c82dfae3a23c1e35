"""Runs that are copied to and from real servers: Debian's sshd and an S3 store on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.executor_tools import wait_until
from tests.sync_servers import S3_KEYS, SshServer, s3_server, without_s3, without_ssh
from tests.test_runs_sync import check_whole, ids, make_store, start, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
with_ssh = pytest.mark.skipif(bool(without_ssh()), reason=without_ssh() or "-")
with_s3 = pytest.mark.skipif(bool(without_s3()), reason=without_s3() or "-")
LARGE = 60_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    made = SshServer(tmp_path_factory.mktemp("ssh"))
    yield made
    made.drop()


@pytest.fixture
def ssh(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> SshServer:
    monkeypatch.setenv("HOME", str(server.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return server


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with s3_server() as address:
        for name, value in {**S3_KEYS, "AWS_ENDPOINT_URL": address}.items():
            monkeypatch.setenv(name, value)
        yield "s3://team/runs"


def sync(*words: object, code: int = 0) -> tuple[str, str]:
    """What the command prints."""
    done = start(*words)
    out, err = done.communicate(timeout=120)
    assert done.returncode == code, out + err
    assert "Traceback" not in err
    return out, err


@with_ssh
def test_to_a_server_and_back(ssh: SshServer, tmp_path: Path) -> None:
    made = make_store(tmp_path / "runs")
    there = tmp_path / "far" / "away"
    assert "3 copied" in sync(tmp_path / "runs", ssh.url(there))[0]
    assert check_whole(there) == made
    before = state_of(there)
    assert sync(tmp_path / "runs", ssh.url(there))[0] == "0 copied, 3 there already\n"
    assert state_of(there) == before
    assert sorted(path.name for path in there.iterdir()) == sorted(made)
    assert "3 copied" in sync(ssh.url(there), tmp_path / "back")[0]
    assert check_whole(tmp_path / "back") == made
    for name in made:
        content = (tmp_path / "runs" / name / "run.json").read_bytes()
        assert (tmp_path / "back" / name / "run.json").read_bytes() == content
        said = json.loads((tmp_path / "back" / name / "annotations.json").read_text())
        assert said["imported"].endswith(f" from {ssh.url(there)}")


@with_ssh
def test_a_host_that_is_not_known_is_refused(ssh: SshServer, tmp_path: Path) -> None:
    make_store(tmp_path / "runs")
    known = ssh.known.read_text()
    ssh.known.write_text("")
    try:
        _, err = sync(tmp_path / "runs", ssh.url(tmp_path / "there"), code=1)
    finally:
        ssh.known.write_text(known)
    assert "Host key is not trusted" in err
    assert "Log in with ssh once" in err
    assert not (tmp_path / "there").exists()


@with_ssh
def test_links_on_the_server_are_refused(ssh: SshServer, tmp_path: Path) -> None:
    first, second, third = make_store(tmp_path / "runs")
    runs = tmp_path / "runs"
    (tmp_path / "secret").write_text("mine")
    (runs / first / "model" / "weights").unlink()
    (runs / first / "model" / "weights").symlink_to(tmp_path / "secret")
    shutil.move(runs / second, tmp_path / second)
    (runs / second).symlink_to(tmp_path / second)
    (runs / "odd\x1b[31m").mkdir()
    _, err = sync(ssh.url(runs), tmp_path / "back", code=1)
    assert f"{first}: model/weights is no file but a link" in err
    assert f"{second}: it is no folder but a link" in err
    assert "odd\\x1b[31m" in err
    assert "\x1b" not in err
    assert ids(tmp_path / "back") == [third]


@with_ssh
@pytest.mark.parametrize("name", ["a b", "50%20", "a#b", "a?b=c", "ä;&'", "[1]*", "~me"])
def test_folders_are_called_what_their_urls_say(ssh: SshServer, tmp_path: Path, name: str) -> None:
    made = make_store(tmp_path / "runs")
    sync(tmp_path / "runs", ssh.url(tmp_path / "far" / name))
    assert [path.name for path in (tmp_path / "far").iterdir()] == [name]
    sync(ssh.url(tmp_path / "far" / name), tmp_path / "back")
    assert check_whole(tmp_path / "back") == made


@with_ssh
def test_a_record_that_is_no_file_is_not_waited_for(ssh: SshServer, tmp_path: Path) -> None:
    first, second, third = make_store(tmp_path / "runs")
    runs = tmp_path / "runs"
    for name in (first, second):
        (runs / name / "run.json").unlink()
    os.mkfifo(runs / first / "run.json")
    (runs / second / "run.json").symlink_to("/dev/zero")
    (runs / "no-run").mkdir()
    _, err = sync(ssh.url(runs), tmp_path / "back", code=1)
    for name in (first, second):
        assert f"not copied: {name}: its run.json is no file but a link, or a device" in err
    assert ids(tmp_path / "back") == [third]


@with_ssh
@pytest.mark.parametrize("sends", [True, False], ids=["to the server", "from the server"])
def test_a_killed_sync_goes_on(ssh: SshServer, tmp_path: Path, *, sends: bool) -> None:
    made = make_store(tmp_path / "runs", LARGE)
    there = tmp_path / "there"
    words = (tmp_path / "runs", ssh.url(there)) if sends else (ssh.url(tmp_path / "runs"), there)
    killed = start(*words)
    wait_until(lambda: list(there.glob("*/run.json")))
    wait_until(lambda: list(there.glob(".sync*/**/weights")) or killed.poll() is not None)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    whole = check_whole(there)
    assert 1 <= len(whole) < 3
    before = {name: state_of(there / name) for name in whole}
    out, _ = sync(*words)
    assert f"{3 - len(whole)} copied" in out
    assert f"{len(whole)} there already" in out
    assert {name: state_of(there / name) for name in whole} == before
    assert check_whole(there) == made
    (left,) = there.glob(".sync*")
    os.utime(left, (time.time() - 90_000,) * 2)
    shutil.rmtree(there / made[0])
    assert "1 copied" in sync(*words)[0]
    assert sorted(path.name for path in there.iterdir()) == sorted(made)


@with_ssh
@pytest.mark.parametrize("sends", [True, False], ids=["to the server", "from the server"])
def test_a_lost_connection_is_one_sentence_and_the_command_goes_on(
    ssh: SshServer, tmp_path: Path, *, sends: bool
) -> None:
    made = make_store(tmp_path / "runs", LARGE)
    there = tmp_path / "there"
    words = (tmp_path / "runs", ssh.url(there)) if sends else (ssh.url(tmp_path / "runs"), there)
    cut = start(*words)
    wait_until(lambda: list(there.glob("*/run.json")))
    ssh.drop()
    try:
        out, err = cut.communicate(timeout=60)
        assert cut.returncode == 1, out + err
        assert "Traceback" not in err
        assert ssh.url(tmp_path) in err
        assert "the same command goes on" in err
        assert "1 copied" in out or "2 copied" in out
        assert 1 <= len(check_whole(there)) < 3
    finally:
        ssh.start()
    sync(*words)
    assert check_whole(there) == made


@with_ssh
def test_two_at_once_to_one_server(ssh: SshServer, tmp_path: Path) -> None:
    made = make_store(tmp_path / "runs", LARGE // 3)
    there = tmp_path / "there"
    both = [start(tmp_path / "runs", ssh.url(there), "--json") for _ in range(2)]
    told = [each.communicate(timeout=120) for each in both]
    assert [each.returncode for each in both] == [0, 0], told
    found = [json.loads(out) for out, _ in told]
    assert sum(len(each["copied"]) for each in found) == 3
    assert check_whole(there) == made
    assert sorted(path.name for path in there.iterdir()) == sorted(made)


@with_ssh
def test_a_full_disk_of_the_server(ssh: SshServer, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    make_store(tmp_path / "runs", size=3_000_000)
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        out, err = sync(tmp_path / "runs", ssh.url(small), code=1)
        assert "1 copied" in out
        assert "cannot be written" in err
        assert "its disk may be full" in err
        assert "the same command goes on" in err
        assert len(check_whole(small)) == 1
        assert not list(small.glob(".sync*"))
        subprocess.run(["mount", "-o", "remount,size=50m", str(small)], check=True)
        assert "2 copied" in sync(tmp_path / "runs", ssh.url(small))[0]
        assert len(check_whole(small)) == 3
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


@with_ssh
def test_what_cannot_be_written_is_said(ssh: SshServer, tmp_path: Path) -> None:
    make_store(tmp_path / "runs")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link", "file/below"):
        _, err = sync(tmp_path / "runs", ssh.url(tmp_path / name), code=1)
        assert f"{ssh.url(tmp_path / name)}: no folder can be made there" in err
        assert "has a file in its way" in err


@with_s3
def test_to_a_bucket_and_back(bucket: str, tmp_path: Path) -> None:
    made = make_store(tmp_path / "runs")
    assert "3 copied" in sync(tmp_path / "runs", bucket)[0]
    assert sync(tmp_path / "runs", bucket)[0] == "0 copied, 3 there already\n"
    assert "3 copied" in sync(bucket, "s3://team/mirror")[0]
    assert "3 copied" in sync("s3://team/mirror", tmp_path / "back")[0]
    assert check_whole(tmp_path / "back") == made
    _, err = sync(tmp_path / "runs", "s3://no-such-bucket/runs", code=1)
    assert "cannot be written: The specified bucket does not exist" in err
    assert "there is no such folder of runs" in sync("s3://team/no", tmp_path / "x", code=1)[1]


@with_s3
def test_a_sync_to_a_bucket_that_is_killed_shows_no_half_run(bucket: str, tmp_path: Path) -> None:
    import s3fs

    made = make_store(tmp_path / "runs", LARGE)
    files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    killed = start(tmp_path / "runs", bucket)
    wait_until(lambda: files.glob("team/runs/*/run.json"))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    whole = len(files.glob("team/runs/*/run.json"))
    assert 1 <= whole < 3
    assert f"{whole} copied" in sync(bucket, tmp_path / "seen")[0]
    assert len(check_whole(tmp_path / "seen")) == whole
    out, _ = sync(tmp_path / "runs", bucket)
    assert f"{3 - whole} copied" in out
    assert f"{whole} there already" in out
    sync(bucket, tmp_path / "seen")
    assert check_whole(tmp_path / "seen") == made


@with_s3
def test_two_at_once_to_one_bucket(bucket: str, tmp_path: Path) -> None:
    made = make_store(tmp_path / "runs", LARGE // 3)
    both = [start(tmp_path / "runs", bucket) for _ in range(2)]
    told = [each.communicate(timeout=120) for each in both]
    assert [each.returncode for each in both] == [0, 0], told
    sync(bucket, tmp_path / "seen")
    assert check_whole(tmp_path / "seen") == made


@with_s3
def test_hostile_keys_of_a_bucket_touch_nothing(bucket: str, tmp_path: Path) -> None:
    import boto3

    first, second, third = make_store(tmp_path / "runs")
    sync(tmp_path / "runs", bucket)
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    record = (tmp_path / "runs" / first / "run.json").read_bytes()
    for key in (
        "runs/../run.json", "runs/a\x1b[31m/run.json", "runs/C:/run.json", "runs//etc/run.json",
        f"runs/{first}/model/../../../victim", f"runs/{second}/model/a\\..\\b",
    ):  # fmt: skip
        client.put_object(Bucket="team", Key=key, Body=record)
    deep = tmp_path / "deep" / "deep"
    out, err = sync(bucket, deep / "other", code=1)
    assert "\x1b" not in out + err
    assert third in ids(deep / "other")
    assert {*ids(deep / "other")} <= {first, second, third}
    assert [path.name for path in deep.iterdir()] == ["other"]
    assert [path.name for path in deep.parent.iterdir()] == ["deep"]
    assert not list(tmp_path.rglob("victim"))
