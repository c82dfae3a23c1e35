"""Workers that see another machine than the driver: other files, other versions. Real processes."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from glueharness.run.work_folder import WorkFolder
from glueharness.specs import Note, Work
from tests.finetune_tools import write_checkpoint
from tests.installing import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ASK = """
import json, sys
from pathlib import Path
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.run.plan import PlanRequest, build_plan
from glueharness.run.work import make_works
from glueharness.settings.fields import Layer

registry = Registry(load_plugins())
layer = Layer(origin="command line", values=json.loads(sys.argv[1]))
(work,) = make_works(build_plan(PlanRequest(names=["rte"], layers=[layer]), registry), registry)
print(json.dumps({"key": work.key, "request": work.request}))
"""


def asked(folder: Path, path: str = "", **values: Any) -> Work:
    """What a driver in a folder asks a worker for."""
    values = {"data": "sample", "offline": True, "runs_dir": "runs", **values}
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(values)],
        cwd=folder, env=environment(path), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    return Work(key=found["key"], title="rte", request=found["request"])


def environment(path: str) -> dict[str, str]:
    """That of a process which finds installed packages in one more place."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (path, str(ROOT))))}


def done_by(work: Work, folder: Path, *before: str, path: str = "") -> Note:
    """How a worker process ends that is started by the words ``before`` its own."""
    runs = folder / "runs" / ".work"
    runs.mkdir(parents=True, exist_ok=True)
    place = WorkFolder.make(work, runs)
    subprocess.run(
        [*before, sys.executable, "-m", "glueharness.run.worker", str(place.path)],
        cwd=folder, env=environment(path), capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    return place.read(work.key)[-1]


def hiding(folder: Path) -> tuple[str, ...]:
    """Words before a command that does not see what is in a folder."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a view of its own needs root and unshare")
    words = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs tmpfs "$0" && exec "$@"', str(folder))
    if subprocess.run([*words, "true"], check=False, capture_output=True).returncode:
        pytest.skip("a folder cannot be hidden here")
    return words


@pytest.mark.parametrize("named", ["hf:models/mine", "hf:./models/mine", "absolute"])
def test_a_model_folder_that_only_the_driver_has(tmp_path: Path, named: str) -> None:
    mine = write_checkpoint(tmp_path / "models" / "mine")
    work = asked(tmp_path, model=f"hf:{mine}" if named == "absolute" else named)
    note = done_by(work, tmp_path, *hiding(tmp_path / "models"))
    assert note.kind == "failed", note
    error = note.value["error"]
    assert error["what"].startswith(f"the worker on {platform.node()} does not have {mine}, which")
    assert error["remedy"] == "Put it where every worker sees it, at the same path."
    assert not list(tmp_path.glob("runs/*/run.json"))


def test_so_does_a_folder_of_data_or_weights(tmp_path: Path) -> None:
    hidden = tmp_path / "drive"
    weights = write_checkpoint(hidden / "weights")
    work = asked(tmp_path, model="bert-tiny", weights=str(weights))
    note = done_by(work, tmp_path, *hiding(hidden))
    assert f"does not have {weights}, which the command names (weights " in str(note.value)
    (hidden / "data").mkdir()
    work = asked(tmp_path, model="majority", data="auto", data_dir="drive/data")
    note = done_by(work, tmp_path, *hiding(hidden))
    assert f"does not have {hidden}/data, which the command names (data_dir " in str(note.value)


def test_a_worker_that_sees_the_same_does_the_run(tmp_path: Path) -> None:
    """So that the tests above fail for what is hidden."""
    (tmp_path / "empty").mkdir()
    note = done_by(asked(tmp_path, model="majority"), tmp_path, *hiding(tmp_path / "empty"))
    assert note.kind == "done", note


def site(folder: Path, name: str, version: str, module: str = "") -> str:
    """A folder in which a distribution is installed, with a plugin if it has a module."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("")
    if module:
        (info / "entry_points.txt").write_text(f"[glueharness]\n{name} = {name}\n")
        (folder / f"{name}.py").write_text(module)
    return str(folder)


def test_a_worker_with_another_glueharness_is_refused_with_both_versions(tmp_path: Path) -> None:
    import importlib.metadata

    here = importlib.metadata.version("glueharness")
    work = asked(tmp_path, model="majority")
    note = done_by(work, tmp_path, path=site(tmp_path / "other", "glueharness", "0.0.9"))
    assert note.kind == "failed", note
    what = note.value["error"]["what"]
    assert f"glueharness is another one at the worker on {platform.node()}: 0.0.9 there" in what
    assert f"{here} where the command was given" in what
    assert not list(tmp_path.glob("runs/*/run.json"))


PLUGIN = """
import glueharness as gh

@gh.hookimpl
def glueharness_run_finished(event): pass
"""


def test_a_worker_with_another_version_of_a_plugin_is_refused_with_both(tmp_path: Path) -> None:
    first = site(tmp_path / "first", "mineplugin", "1.0", PLUGIN)
    second = site(tmp_path / "second", "mineplugin", "2.0", PLUGIN)
    work = asked(tmp_path, path=first, model="majority")
    assert done_by(work, tmp_path, path=first).kind == "done"
    what = done_by(work, tmp_path, path=second).value["error"]["what"]
    assert what.startswith("the plugin 'mineplugin' is another one at the worker on ")
    assert "2.0 there" in what
    assert "1.0 where the command was given" in what
    what = done_by(work, tmp_path).value["error"]["what"]
    assert "not installed there" in what
