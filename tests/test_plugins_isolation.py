"""Broken plugins, all installed together: each is reported right, none stops the work."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.installing import call, fake

if TYPE_CHECKING:
    from pathlib import Path

SPEC = (
    "from glueharness import *\n"
    "from glueharness import hookimpl\n"
    "def task(name):\n"
    "    return TaskSpec(name=name, title='T', description='D.', columns=('text',),\n"
    "                    labels=('a', 'b'), splits=(), metrics=(ACCURACY,))\n"
)


@dataclass(frozen=True)
class Broken:
    """A broken plugin.

    Attributes:
        code: Its module.
        state: What `plugins` must say of it.
        what: What the cause must hold.
        remedy: What the remedy must hold.
        entry: Its entry point, if not the plain one.
    """

    code: str
    state: str
    what: str
    remedy: str = "author"
    entry: str = ""


BROKEN = {
    "missing": Broken(
        "import no_such_library\n", "failed",
        "ModuleNotFoundError: No module named 'no_such_library' [fake_missing.py:1]",
        "pip install no_such_library",
    ),
    "raising": Broken(
        "raise RuntimeError('boom')\n", "failed",
        "cannot be imported: RuntimeError: boom [fake_raising.py:1]", "pip uninstall raising",
    ),
    "leaving": Broken("import sys\nsys.exit(3)\n", "failed", "SystemExit: 3", "pip uninstall"),
    "illegible": Broken(
        "def f(:\n", "failed", "SyntaxError: invalid syntax [fake_illegible.py:1]", "pip uninstall"
    ),
    "pointless": Broken(
        "x = 1\n", "failed", "has no attribute 'plugin'", "pip uninstall",
        entry="pointless = fake_pointless:plugin",
    ),
    "exploding": Broken(
        SPEC + "@hookimpl\ndef glueharness_tasks():\n    return [task('a'), 1 / 0]\n", "impaired",
        "glueharness_tasks raised ZeroDivisionError: division by zero [fake_exploding.py:8]",
    ),
    "wordy": Broken(
        SPEC + "from dataclasses import replace\n@hookimpl\ndef glueharness_tasks():\n"
        "    return [replace(task('wordy'), columns=('my text',))]\n", "impaired",
        "SpecError: task 'wordy': a column cannot be called 'my text'",
    ),
    "commaless": Broken(
        SPEC + "from dataclasses import replace\n@hookimpl\ndef glueharness_tasks():\n"
        "    return [replace(task('bare'), metrics=ACCURACY)]\n", "impaired",
        "SpecError: task 'bare': metrics must be a tuple, not MetricSpec: metrics=(...,) "
        "[fake_commaless.py:9]",
    ),
    "validating": Broken(
        SPEC + "from dataclasses import replace\n@hookimpl\ndef glueharness_tasks():\n"
        "    split = SplitSpec(name='dev', role='validation')\n"
        "    return [replace(task('valid'), splits=(split,))]\n", "impaired",
        "split 'dev' has the role 'validation'; roles are train, dev, test",
    ),
    "silent": Broken(
        SPEC + "@hookimpl\ndef glueharness_models():\n    pass\n", "impaired",
        "glueharness_models returned None, not a list",
    ),
    "lonely": Broken(
        SPEC + "@hookimpl\ndef glueharness_tasks():\n    return task('lonely')\n", "impaired",
        "glueharness_tasks returned a TaskSpec, not a list",
    ),
    "mistaken": Broken(
        SPEC + "@hookimpl\ndef glueharness_tasks():\n    return ['qnli', task('half')]\n",
        "impaired", "glueharness_tasks returned a str in its list, not a TaskSpec",
    ),
    "slow": Broken(
        SPEC + "import time\ntime.sleep(0.6)\n@hookimpl\ndef glueharness_tasks():\n    return []\n",
        "impaired", "loading it took 0.", "inside the factories",
    ),
    "chatty": Broken(
        SPEC + "print('hello from [red]me')\n@hookimpl\ndef glueharness_tasks():\n    return []\n",
        "impaired", "it prints while it is loaded: 'hello from [red]me'", "kept from the terminal",
    ),
    "hollow": Broken("x = 1\n", "failed", "it implements no hook"),
    "misspelt": Broken(
        SPEC + "@hookimpl\ndef glueharness_task():\n    return []\n", "failed",
        "there is no hook 'glueharness_task', did you mean 'glueharness_tasks'?",
    ),
    "unmarked": Broken(
        "def glueharness_tasks():\n    return []\n", "failed",
        "glueharness_tasks lacks the decorator @glueharness.hookimpl",
    ),
    "greedy": Broken(
        SPEC + "@hookimpl\ndef glueharness_tasks(config):\n    return []\n", "failed",
        "it cannot be registered: Plugin 'greedy' for hook 'glueharness_tasks'",
    ),
    "absent": Broken(
        SPEC + "@hookimpl\nasync def glueharness_tasks():\n    return []\n", "failed",
        "glueharness_tasks is `async def`; hooks are plain functions",
    ),
    "shrunken": Broken(
        SPEC + "from dataclasses import replace\n@hookimpl\ndef glueharness_tasks():\n"
        "    split = SplitSpec(name='dev', role='dev', rows=-3)\n"
        "    return [replace(task('minus'), splits=(split,))]\n", "impaired",
        "SpecError: task 'minus': split 'dev' cannot have -3 rows; rows is 1 or more, or None "
        "[fake_shrunken.py:10]",
    ),
    "classy": Broken(
        SPEC + "class Plugin:\n    @hookimpl\n    def glueharness_tasks(self): return []\n",
        "failed", "it is the class Plugin", entry="classy = fake_classy:Plugin",
    ),
    "futuristic": Broken(
        "requires_api = '2.0'\nfrom glueharness import hookimpl, TimeMachine\n", "failed",
        "it is built for API 2.0; this glueharness has API 1.", "pip install --upgrade glueharness",
    ),
    "outdated": Broken(
        SPEC + "requires_api = '0.9'\n", "failed", "it is built for API 0.9",
        "pip install --upgrade outdated",
    ),
    "unsettled": Broken(
        SPEC + "@hookimpl\ndef glueharness_models():\n    return [ModelSpec(name='unsettled',"
        " description='', factory=print, settings=dict)]\n", "impaired",
        "the model 'unsettled' whose settings cannot be read",
    ),
    "grabbing": Broken(
        SPEC + "from dataclasses import dataclass\nfrom glueharness import setting\n"
        "@dataclass(frozen=True)\nclass Own:\n    config: str = setting('', help='x')\n"
        "    json: bool = setting(False, help='x')\n    seed: int = setting(1, help='x')\n"
        "@hookimpl\ndef glueharness_models():\n    return [ModelSpec(name='grabbing',"
        " description='', factory=print, settings=Own)]\n", "impaired",
        "the model 'grabbing' whose settings have names that `glueharness run` has options of its "
        "own for: config, json, seed",
    ),
    "usurper": Broken(
        SPEC + "@hookimpl\ndef glueharness_commands():\n    return [CommandSpec(name='run',"
        " help='', factory=print)]\n", "impaired",
        "the command 'run' is not in use: glueharness has a command of that name",
    ),
    "claimant": Broken(
        SPEC + "@hookimpl\ndef glueharness_tasks():\n    return [task('throne')]\n", "impaired",
        "plugin 'claimant' (claimant 1.0) and plugin 'pretender' (pretender 1.0) both offer a task "
        "called 'throne'", "--no-plugin pretender",
    ),
    "pretender": Broken(
        SPEC + "@hookimpl\ndef glueharness_tasks():\n    return [task('throne')]\n", "impaired",
        "both offer a task called 'throne'", "--no-plugin pretender",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them, and two distributions that call their plugin alike."""
    folder = tmp_path_factory.mktemp("site")
    for name, plugin in BROKEN.items():
        fake(folder, name, plugin.code, entry=plugin.entry)
    for name in ("first", "second"):
        fake(folder, name, "", entry=f"twin = fake_{name}")
    return folder


@pytest.fixture(scope="module")
def reported(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `plugins --json` says of each."""
    done = call("plugins", "--json", sites=(site,), folder=tmp_path_factory.mktemp("work"))
    assert done.returncode == 0, done.stderr
    return {item["name"]: item for item in json.loads(done.stdout)}


@pytest.mark.parametrize("name", BROKEN)
def test_each_is_reported_with_cause_and_remedy(name: str, reported: dict[str, Any]) -> None:
    (problem, *others) = reported[name]["problems"]
    assert not others
    assert BROKEN[name].what in problem["what"]
    assert BROKEN[name].remedy in problem["remedy"]
    assert reported[name]["state"] == BROKEN[name].state


def test_of_two_plugins_of_one_name_neither_is_used(reported: dict[str, Any]) -> None:
    twins = [reported["twin"], reported["twin (second)"]]
    for twin in twins:
        assert twin["state"] == "failed"
        what = twin["problems"][0]["what"]
        assert "plugin 'twin' (first 1.0) and plugin 'twin' (second 1.0)" in what


def test_what_works_of_a_broken_plugin_stays_in_use(reported: dict[str, Any]) -> None:
    assert reported["mistaken"]["offers"] == {"tasks": ["half"]}


def test_the_work_goes_on_beside_all_of_them(site: Path, tmp_path: Path) -> None:
    words = ("run", "qnli", "--model", "majority", "--data", "sample")
    done = call(*words, sites=(site,), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "QNLI" in done.stdout
    assert "hello from" not in done.stdout
    for name in BROKEN:
        assert done.stderr.count(f"warning: plugin {name!r} (") == 1, name


def test_show_tells_where_it_lives_and_what_it_printed(site: Path, tmp_path: Path) -> None:
    done = call("plugins", "show", "chatty", sites=(site,), folder=tmp_path, COLUMNS="200")
    assert str(site / "fake_chatty.py") in done.stdout
    assert "hello from [red]me" in done.stdout
