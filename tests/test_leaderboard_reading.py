"""Reading the predictions of very many runs with helpers: the same as without them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from glueharness.errors import RunFolderError
from glueharness.record.joined_store import store_of
from glueharness.record.store import RunStore
from glueharness_leaderboard.evidence import reading_together as together
from glueharness_leaderboard.evidence.stored_predictions import read_run
from tests.leaderboard_runs import Making, make_run

if TYPE_CHECKING:
    from glueharness.record.record import RunRecord
    from glueharness_leaderboard.evidence.stored_predictions import Reads

RUNS = 12


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    for number in range(RUNS):
        make_run(tmp_path, Making(model=f"m{number % 3}", number=number, seed=number))
    monkeypatch.setattr(together, "FEWEST_RUNS", RUNS)
    monkeypatch.setattr(together, "_RUNS_AT_ONCE", 2)
    monkeypatch.setattr(together, "core_count", lambda: 3)
    return RunStore(tmp_path)


def same(one: Reads, other: Reads) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[name].row_numbers, other[name].row_numbers)
        and one[name].predictions.words == other[name].predictions.words
        and np.array_equal(one[name].predictions.values, other[name].predictions.values)
        and np.array_equal(one[name].truth.values, other[name].truth.values)
        for name in one
    )


def wait_for_helpers(reader: together.Reader) -> None:
    """Until they have read all: what is read here first is not left to them."""
    for thread in reader._threads:
        thread.join(60)


def test_helpers_read_what_would_be_read_here(store: RunStore) -> None:
    runs = store.all()
    with together.reading_together(store, runs) as reader:
        wait_for_helpers(reader)
        assert {chunk.state for chunk in reader._chunks.values()} == {"read"}
        found = [reader.read(run) for run in runs]
        assert len(reader._processes) == 2
    assert all(same(reads, read_run(run, store)) for reads, run in zip(found, runs, strict=True))
    # Row numbers that are equal are kept once, in whichever process they were read.
    assert len({id(reads["dev"].row_numbers) for reads in found}) == 1
    assert all(process.poll() is not None for process in reader._processes)


def test_a_helper_that_is_killed_is_done_without(store: RunStore) -> None:
    runs = store.all()
    with together.reading_together(store, runs) as reader:
        for process in reader._processes:
            process.kill()
        found = [reader.read(run) for run in runs]
    assert all(same(reads, read_run(run, store)) for reads, run in zip(found, runs, strict=True))


def test_without_an_interpreter_or_processes_all_is_read_here(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs = store.all()
    for executable in ("", str(tmp_path / "none"), shutil.which("false") or ""):
        monkeypatch.setattr("sys.executable", executable)
        with together.reading_together(store, runs) as reader:
            assert all(same(reader.read(run), read_run(run, store)) for run in runs)


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_helper_that_was_stopped_is_not_waited_for(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "_LONGEST_WAIT", 0.1)
    runs = store.all()
    with together.reading_ahead(store, every) as reader:
        for run in runs:
            reader.offer(run, store.place(run))
        for process in reader._processes:
            process.send_signal(signal.SIGSTOP)
        with reader._changed:
            for chunk in reader._free:  # as if each had just taken some
                chunk.state = "away"
        with together.reading_together(store, runs, reader):
            assert all(same(reader.read(run), read_run(run, store)) for run in runs)
    assert all(process.poll() is not None for process in reader._processes)


@pytest.mark.parametrize("printed", ["coverage on", "This is a library", "(cposix\ngetcwd\n)R."])
def test_what_others_print_in_a_helper_is_no_answer(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    site = tmp_path.parent / f"{tmp_path.name}-site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(f"print({printed!r}, flush=True)\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(site))
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    runs = store.all()
    with together.reading_together(store, runs) as reader:
        wait_for_helpers(reader)
        assert all(same(reader.read(run), read_run(run, store)) for run in runs)
    assert not failed


def test_without_threads_all_is_read_here(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    runs = store.all()
    with together.reading_together(store, runs) as reader:
        assert all(same(reader.read(run), read_run(run, store)) for run in runs)
    assert all(process.poll() is not None for process in reader._processes)


@pytest.mark.skipif(os.name != "posix", reason="a script in the place of the interpreter")
@pytest.mark.usefixtures("store")
def test_what_only_a_helper_cannot_read_is_read_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path, and helpers that work elsewhere."""
    script = tmp_path.parent / f"{tmp_path.name}-python"
    script.write_text(f'#!/bin/sh\ncd /\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(script))
    monkeypatch.chdir(tmp_path)
    here = RunStore(Path())
    runs = here.all()
    with together.reading_together(here, runs) as reader:
        wait_for_helpers(reader)
        assert {chunk.state for chunk in reader._chunks.values()} == {"read"}
        assert all(same(reader.read(run), read_run(run, here)) for run in runs)


def test_what_is_wrong_with_a_file_is_told_the_same_by_a_helper(store: RunStore) -> None:
    runs = store.all()
    files = [store.path(run) / "predictions" / "dev.parquet" for run in runs]
    files[0].unlink()
    files[1].write_bytes(b"no Parquet")
    files[2].unlink()
    os.mkfifo(files[2])
    runs[3].seals = {"predictions/dev.parquet": "0" * 64}
    runs[4].data.splits["dev"].rows += 1
    with together.reading_together(store, runs) as reader:
        wait_for_helpers(reader)
        for run in runs[:5]:
            with pytest.raises(RunFolderError) as here:
                read_run(run, store)
            with pytest.raises(RunFolderError) as there:
                reader.read(run)
            assert str(there.value) == str(here.value)
        assert all(same(reader.read(run), read_run(run, store)) for run in runs[5:])


def test_a_few_runs_start_no_process(store: RunStore) -> None:
    with together.reading_together(store, store.all()[:-1]) as reader:
        assert not reader._processes
        assert same(reader.read(store.all()[0]), read_run(store.all()[0], store))


def every(_: RunRecord) -> bool:
    return True


def test_helpers_begin_while_the_records_are_read(store: RunStore) -> None:
    with together.reading_ahead(store, lambda run: run.model != "m1") as reader:
        runs = [run for run in store.all() if run.model != "m1"]
        assert len(reader._processes) == 2  # before anybody said which runs will be read
        with together.reading_together(store, runs, reader):
            wait_for_helpers(reader)
            assert {chunk.state for chunk in reader._chunks.values()} == {"read"}
            assert reader._chunks.keys() == {store.place(run) for run in runs}
            found = [reader.read(run) for run in runs]
            assert reader._bytes_ahead == 0
    assert all(same(reads, read_run(run, store)) for reads, run in zip(found, runs, strict=True))
    assert all(process.poll() is not None for process in reader._processes)
    assert store.listener is None


def test_what_was_offered_and_is_not_needed_is_not_read(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with together.reading_ahead(store, every) as reader:
        monkeypatch.setattr(reader, "_employ", lambda _: None)  # helpers that take nothing
        runs = store.all()[3:5]
        with together.reading_together(store, runs, reader):
            waiting = {folder for chunk in reader._free for folder in chunk.runs}
            assert waiting == {store.place(run) for run in runs}
            assert all(same(reader.read(run), read_run(run, store)) for run in runs)
            assert not any(chunk.runs for chunk in reader._free)


def test_helpers_wait_until_what_they_read_is_wanted(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "_MOST_BYTES_AHEAD", 1)
    monkeypatch.setattr(together, "core_count", lambda: 2)
    with together.reading_ahead(store, every) as reader:
        runs = store.all()
        with together.reading_together(store, runs, reader):
            with reader._changed:
                assert reader._changed.wait_for(lambda: reader._bytes_ahead > 0, 60)
            assert sum(len(chunk.runs) for chunk in reader._free) == RUNS - 2
            assert all(same(reader.read(run), read_run(run, store)) for run in runs)
            assert reader._bytes_ahead == 0


def test_a_region_that_is_left_early_ends_helpers_that_wait(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "_MOST_BYTES_AHEAD", 1)
    with contextlib.suppress(KeyboardInterrupt), together.reading_ahead(store, every) as reader:
        runs = store.all()
        with reader._changed:
            assert reader._changed.wait_for(lambda: reader._bytes_ahead > 0, 60)
        raise KeyboardInterrupt
    assert all(process.poll() is not None for process in reader._processes)
    # What is asked for later is read here.
    assert all(same(reader.read(run), read_run(run, store)) for run in runs)


def test_few_folders_or_no_store_start_no_process(store: RunStore, tmp_path: Path) -> None:
    shutil.rmtree(store.path(store.all()[0]))
    store.refresh()
    for each in (store, RunStore(tmp_path / "none")):
        with together.reading_ahead(each, every) as reader:
            assert each.listener is None
            assert all(same(reader.read(run), read_run(run, each)) for run in each.all())
            assert not reader._processes


def test_a_run_is_known_by_its_folder_where_two_have_one_id(
    tmp_path: Path, store: RunStore
) -> None:
    """The first folder has a copy under the name of another run of the second one."""
    one, other = store.folder, tmp_path.parent / f"{tmp_path.name}-other"
    name = make_run(other, Making(model="other", number=50, seed=50)).id
    shutil.copytree(store.path(store.all()[0]), one / name)
    joined = store_of([one, other])
    with together.reading_ahead(joined, every) as reader:
        runs = joined.all()
        assert joined.place(next(run for run in runs if run.id == name)) == f"{other}/{name}"
        with together.reading_together(joined, runs, reader):
            wait_for_helpers(reader)
            for run in runs:
                assert same(reader.read(run), read_run(run, joined))
