"""Names that lead to pipes, devices, links and endless files: nothing hangs or is replaced."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.errors import ConfigError, RunFolderError
from glueharness.plugin.registry import Registry
from glueharness.run.config import read_toml
from glueharness.system.locks import locked
from glueharness.system.user_files import check_writable, read_within, write_named
from tests.small_task import small_plugins

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX pipes, devices and links")


def fifo(folder: Path) -> Path:
    path = folder / "pipe"
    os.mkfifo(path)
    return path


def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path: Path) -> None:
    path, read = fifo(tmp_path), []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    text = "a row\n" * 50_000  # more than a pipe holds at once
    write_named(path, text)
    reader.join()
    assert read == [text.encode()]
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_its_target_is_written(there: bool, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    target, link = tmp_path / "kept" / "real.csv", tmp_path / "link.csv"
    if there:
        target.write_text("old")
    link.symlink_to("kept/real.csv")
    write_named(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_device_stays_one() -> None:
    write_named(Path(os.devnull), "nothing")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    with pytest.raises(OSError, match="No space"):
        write_named(Path("/dev/full"), "nothing")


def test_the_leaderboard_goes_where_the_output_leads(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "glueharness", "leaderboard", "--format", "csv", "--published",
         "--output", "/dev/stdout"],
        cwd=tmp_path, capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith("task,")
    assert list(tmp_path.iterdir()) == []


def test_files_are_read_within_their_limit(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    link = tmp_path / "link"
    link.symlink_to(file)
    assert read_within(link, 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_within(file, 4)
    with pytest.raises(FileNotFoundError):
        read_within(tmp_path / "none", 4)
    with pytest.raises(OSError, match="no regular file"):
        read_within(Path("/dev/zero"), 4)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one message of a command that fails."""
    with pytest.raises(SystemExit) as end:
        main(words, App(Registry(small_plugins())))
    err = capsys.readouterr().err
    assert end.value.code == 1, err
    assert "internal error" not in err
    assert err.count("error:") == 1
    return err


NO_FILES: dict[str, Callable[[Path], Path]] = {
    "pipe": fifo,
    "endless": lambda _: Path("/dev/zero"),
    "link to a pipe": lambda folder: linked(folder, fifo(folder)),
}


def linked(folder: Path, target: Path) -> Path:
    path = folder / "link"
    path.symlink_to(target)
    return path


@pytest.mark.parametrize("option", ["--config", "--file"])
@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_is_refused_at_once(
    make: Callable[[Path], Path], option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["predict", "parity"] if option == "--file" else ["run", "parity"]
    path = make(tmp_path)
    assert "it is no regular file" in said(capsys, *command, option, str(path))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a." * 20_000 + "a = 1\n", "'a' is a table"),
        ("seed = " + "9" * 5_000 + "\n", "TOML"),
        ("seed = 0x" + "f" * 5_000 + "\n", "too large to show"),
        ("seed = '" + "9" * 5_000 + "'\n", "seed must be a whole number"),
        ("seed = " + "[" * 5_000 + "\n", "TOML"),
        ("seed = " + "{a=" * 5_000 + "\n", "TOML"),
        ("model = '" + "m" * (1 << 20) + "'\n", "more than 1,048,576 bytes"),
    ],
    ids=["dotted", "digits", "hexadecimal", "text", "lists", "tables", "long"],
)
def test_settings_beyond_all_measure_are_refused_in_a_sentence(
    content: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(content, encoding="utf-8")
    assert words in said(capsys, "run", "parity", "--config", str(path))


@pytest.mark.parametrize("option", ["--seed", "--limit-train", "--seeds"])
def test_numbers_of_thousands_of_digits_are_refused_in_a_sentence(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert option in said(capsys, "run", "parity", option, "9" * 5_000)


def test_what_stands_in_the_place_of_the_runs_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("nowhere")
    fifo(tmp_path)
    for name, said in (
        ("file", "file is no folder"),
        ("file/below", "file is no folder"),
        ("pipe", "pipe is no folder"),
        ("link", "link is a link that leads to no folder"),
        ("link/below", "link is a link that leads to no folder"),
    ):
        with pytest.raises(RunFolderError) as caught:
            check_writable(tmp_path / name)
        assert caught.value.what == f"runs cannot be written here: {tmp_path / said}"


def test_a_disk_without_room_for_a_lock_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_arguments: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "open", no_room)
    with (
        pytest.raises(RunFolderError, match="cannot be locked: the disk is full") as caught,
        locked(tmp_path / ".lock", "the run"),
    ):
        raise AssertionError
    assert "Free some space" in caught.value.remedy


def test_settings_may_begin_with_the_mark_of_windows(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xef\xbb\xbfepochs = 3\n")
    assert read_toml(path).values == {"epochs": 3}
    path.write_bytes("epochs = 3\n".encode("utf-16"))
    with pytest.raises(ConfigError, match="the settings are not in UTF-8"):
        read_toml(path)


def test_a_file_whose_size_says_nothing_is_read_to_its_end() -> None:
    path = Path("/proc/self/status")
    if not path.exists():
        pytest.skip("no /proc here")
    assert path.stat().st_size == 0
    assert b"Pid:" in read_within(path, 1_000_000)
    with pytest.raises(OSError, match="more than 10 bytes"):
        read_within(path, 10)


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_a_file_up_to_the_limit_is_read_whole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    assert read_within(path, 10) == b"x" * size
