"""The three functions for notebooks: in a notebook, in a script, and where something is wrong."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import (
    CommandSpec,
    ConfigError,
    GlueharnessError,
    PluginError,
    UnknownNameError,
    evaluate,
    hookimpl,
    leaderboard,
    run,
)
from glueharness.api import session
from glueharness.api.commands import function_of
from glueharness.api.completed import Run, Runs
from glueharness.plugin.registry import Registry
from glueharness.record.store import RunStore
from tests.small_task import small_plugins

if TYPE_CHECKING:
    from pathlib import Path

    import click


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing in it, where the plugins have the small task."""
    monkeypatch.chdir(tmp_path)
    registry = Registry(small_plugins())
    monkeypatch.setattr(session, "registry", lambda: registry)
    for module in ("running", "commands", "requests", "submitting"):
        monkeypatch.setattr(f"glueharness.api.{module}.registry", lambda: registry)
    return tmp_path


def outputs(notebook: Any) -> str:
    """All that a notebook shows: streams, texts and HTML."""
    found = []
    for cell in notebook.cells:
        for output in cell.outputs:
            found += [output.get("text", ""), *map(str, output.get("data", {}).values())]
    return "\n".join(found)


def executed(tmp_path: Path, *cells: str) -> Any:
    """A notebook with these cells, executed by a kernel of its own."""
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    v4: Any = importlib.import_module("nbformat.v4")
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    return notebook


def test_three_lines_in_a_notebook(tmp_path: Path) -> None:
    notebook = executed(
        tmp_path,
        "from glueharness import run, evaluate, leaderboard\n"
        'run("qnli", model="majority", data="sample")',
        'evaluate("qnli", data="sample")',
        'leaderboard("qnli")',
    )
    trained, evaluated, ranked = notebook.cells
    lines = outputs(type(notebook)(cells=[trained]))
    # What happened, by rich, and then the result as a table.
    assert "bundled sample" in lines
    assert "qnli · majority · seed 42" in re.sub("<[^>]*>", "", lines)
    assert "ipywidgets" not in outputs(notebook)
    for cell in (trained, evaluated, ranked):
        (result,) = [output for output in cell.outputs if output.output_type == "execute_result"]
        assert "<table>" in result.data["text/html"]
        assert "majority" in result.data["text/html"]
        assert "majority" in result.data["text/plain"]
    kinds = [record.kind for record in RunStore(tmp_path / "runs").all()]
    assert sorted(kinds) == ["evaluation", "training"]


def test_the_names_are_there_however_they_are_asked_for(tmp_path: Path) -> None:
    script = (
        "import sys, glueharness\n"
        "assert not any(n.startswith('glueharness.api') for n in sys.modules)\n"
        "from glueharness import run\n"
        "import glueharness.run.config, glueharness.run.one_run as one\n"
        "from glueharness import run as again, evaluate, leaderboard\n"
        "assert again is run and callable(run) and callable(one.run)\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'numpy', 'rich.progress'} & {*sys.modules}\n"
        "assert not heavy, heavy\n"
        "assert not hasattr(glueharness, 'runn')\n"
        "from glueharness import *\n"
        "try: run('qnil', model='majority')\n"
        "except glueharness.UnknownNameError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "did you mean 'qnli'" in done.stdout


def test_a_run_comes_back_with_its_record_and_scores(here: Path) -> None:
    done = run("parity", model="oracle", error_every=5)
    assert isinstance(done, Runs)
    (first,) = done
    assert isinstance(first, Run)
    assert first.record.settings["error_every"].value == 5
    assert first.record.settings["error_every"].origin == "call of run()"
    assert first.scores == {"dev": {"accuracy": 0.8}}
    assert done.scores == {"parity": {"dev": {"accuracy": 0.8}}}
    assert first.score == 0.8
    assert not first.reused
    assert (first.folder / "run.json").is_file()
    assert first.folder.resolve().parent == here / "runs"
    assert "80.00" in repr(done)
    assert "80.00" in done._repr_html_()
    assert run("parity", model="oracle", error_every=5)[0].reused


def test_several_seeds_and_a_slice(here: Path) -> None:
    done = run("parity", model="oracle", seeds=3, seed=7, runs_dir=here / "elsewhere")
    assert [each.record.seed for each in done] == [7, 8, 9]
    assert len(done[1:]) == 2
    assert [each.record.seed for each in run("parity", model="oracle", seeds=[3, 1])] == [3, 1]
    assert (here / "elsewhere").is_dir()


def test_a_table_shows_foreign_text_as_text(here: Path) -> None:
    (done,) = run("parity", model="oracle")
    done.record.model = "<script>alert(1)</script>\x1b[2J"
    assert "<script>" not in done._repr_html_()
    assert "&lt;script&gt;" in done._repr_html_()
    assert "\x1b" not in done._repr_html_() + repr(done)
    assert here.is_dir()


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (run, ConfigError, "needs a task"),
        (lambda: run("parity", modle="oracle"), ConfigError, "modle"),
        (lambda: run("parity", model="oracle", seeds=0), ConfigError, "number of seeds"),
        (lambda: run("parity", model="oracle", seeds=[1, 1]), ConfigError, "different seeds"),
        (lambda: run("parity", model="oracle", fail="error"), PluginError, "broke"),
        (lambda: run("parity", preset="bret"), UnknownNameError, "bret"),
        (lambda: evaluate("parity", run="latest"), GlueharnessError, "run"),
        (lambda: leaderboard("pariti"), UnknownNameError, "did you mean 'parity'"),
        (lambda: leaderboard(by="seed"), ConfigError, "by"),
        (lambda: leaderboard(publisht=True), ConfigError, "publisht"),
        (lambda: function_of("compare"), PluginError, "cannot be called from Python"),
        (lambda: function_of("no-such"), UnknownNameError, "no-such"),
    ],
)
def test_what_is_wrong_is_an_error_of_ours(
    here: Path, call: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        call()
    assert here.is_dir()


def test_of_several_runs_the_good_ones_are_kept(here: Path) -> None:
    with pytest.raises(GlueharnessError, match="2 of 2 runs failed, first parity with seed 1"):
        run("parity", model="oracle", seeds=[1, 2], fail="error")
    assert here.is_dir()


def test_the_display_is_gone_after_the_call(here: Path) -> None:
    run("parity", model="oracle")
    run("parity", model="oracle", rerun=True)
    assert "progress display" not in session.registry().plugins.statuses
    assert here.is_dir()


def test_the_leaderboard_as_rows(here: Path) -> None:
    assert "No runs" in repr(leaderboard())
    assert "No runs" in leaderboard()._repr_html_()
    run("parity", model="oracle", seeds=2)
    board = leaderboard("parity", by="run", runs_dir=here / "runs")
    assert len(board.rows) == 2
    assert {row["model"] for row in board.rows} == {"oracle"}
    assert board.document()["by"] == "run"
    assert "Parity" in repr(board)


def test_a_plugin_s_function_gets_the_registry(here: Path) -> None:
    class Counting:
        @hookimpl
        def glueharness_commands(self) -> list[CommandSpec]:
            def count(registry: Registry, kind: str) -> int:
                return len(getattr(registry, kind).items)

            def broken(registry: Registry) -> None:
                raise ZeroDivisionError(registry)

            def command() -> click.Command:
                raise NotImplementedError

            return [
                CommandSpec(name="count", help="Counts.", factory=command, function=lambda: count),
                CommandSpec(name="broken", help="No.", factory=command, function=lambda: broken),
            ]

    plugins = small_plugins()
    plugins.register(Counting(), "counting")
    registry = Registry(plugins)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glueharness.api.commands.registry", lambda: registry)
        assert function_of("count")("tasks") == len(registry.tasks.items)
        with pytest.raises(PluginError, match=r"the command 'broken' of .* failed"):
            function_of("broken")()
    assert here.is_dir()


@pytest.mark.parametrize("task", [["cola", "rte"], [], {"task": "cola"}, 3, None])
@pytest.mark.parametrize("function", [run, evaluate])
def test_what_is_no_name_of_a_task_is_refused(function: Any, task: Any) -> None:
    with pytest.raises(ConfigError, match=r"a task is given by its name"):
        function(task, model="majority", data="sample")
