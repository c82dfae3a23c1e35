"""What is public is documented, what is a hook is called, and the reference is up to date."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import glueharness
from docs._reference.markdown import summary_of
from docs._reference.names import public_summaries
from glueharness import hookimpl
from glueharness.errors import PluginError
from glueharness.plugin import hookspecs
from glueharness.plugin.api_version import PUBLIC_MODULES
from glueharness.plugin.plugins import HOOKS
from glueharness.plugin.registry import Registry
from glueharness.record.run_file import RUN_FILE
from glueharness.run.config import build_config
from glueharness.run.many_runs import run_plan
from glueharness.run.one_run import run
from glueharness.run.plan import PlanRequest, build_plan
from glueharness.run.sweep import sweeps_of
from glueharness.settings.fields import Layer
from tests.installing import ROOT
from tests.small_task import Oracle, SmallPlugin, small_plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from glueharness import FitContext, Split


@pytest.fixture(scope="module")
def made() -> Mapping[str, str]:
    """What it writes now, in a process of its own: click keeps the help options that it made
    first, and another test may have asked a command for them without its group.
    """  # noqa: D205 - one sentence
    program = (
        "import json, runpy\nprint(json.dumps(dict(runpy.run_path('make_reference.py')['make']())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "docs", capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ["../README.md", "reference.md", "run.schema.json"])
def test_the_reference_is_what_the_code_says(name: str, made: Mapping[str, str]) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == made[name], "run: python docs/make_reference.py"


def test_the_readme_lists_each_file_of_the_core_once() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## File structure\n")[1].split("\nExit codes:")[0]
    listed, folder = [], ""
    for indent, name, meaning in re.findall(r"^( *)- `(.*?)` ?(.*)$", section, re.MULTILINE):
        assert len(meaning) > 10, f"{name} has no docstring"
        folder = folder if indent else name
        listed.append(folder + (name if indent else "__init__.py"))
    core = [path.relative_to(ROOT).as_posix() for path in (ROOT / "glueharness").rglob("*.py")]
    assert sorted(listed) == sorted(core), "run: python docs/make_reference.py"


def test_each_public_name_is_documented(made: Mapping[str, str]) -> None:
    for name, summary in public_summaries().items():
        assert len(summary) > 10, f"{name} has no documentation"
        assert f"| `{name}` | {summary} |" in made["reference.md"]


def test_examples_and_templates_import_only_what_is_public() -> None:
    pattern = re.compile(r"^ *(?:from|import) (glueharness(?:\.[\w.]+)?)\b(?!_)", re.MULTILINE)
    files = [*(ROOT / "examples").rglob("*.py"), *(ROOT / "glueharness/scaffold").rglob("*.jinja")]
    assert len(files) > 20
    for file in files:
        used = set(pattern.findall(file.read_text(encoding="utf-8")))
        assert used <= set(PUBLIC_MODULES), file


def test_every_public_module_is_there() -> None:
    for name in PUBLIC_MODULES:
        assert importlib.import_module(name).__doc__


def test_what_is_public_is_listed_once_and_sorted() -> None:
    names = glueharness.__all__
    assert len(set(names)) == len(names)
    for name in names:
        assert hasattr(glueharness, name), name


def test_each_hook_is_documented_with_its_arguments(made: Mapping[str, str]) -> None:
    for name in HOOKS:
        function = getattr(hookspecs, name)
        arguments = ", ".join(
            f"{argument.name}: {argument.annotation}"
            for argument in inspect.signature(function).parameters.values()
        )
        assert f"### `{name}({arguments}) -> " in made["reference.md"]
        summary = summary_of(function.__doc__)
        assert len(summary) > 20
        assert f"\n\n{summary}\n" in made["reference.md"]


class Talkative(Oracle):
    """A model that reports and warns."""

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Say something of everything."""
        context.warn("mind the step")
        context.adjust("error_every", 7, "recipe for the talkative")
        context.report(glueharness.Progress(phase="train", done=1, total=1))
        super().fit(train, dev, context)


def listener(heard: set[str]) -> SmallPlugin:
    """A plugin that implements every hook there is, and notes which were called."""

    def note(name: str, inner: Callable[..., Any] | None) -> Callable[..., Any]:
        def asked(self: Any) -> list[Any]:
            heard.add(name)
            return list(inner(self)) if inner is not None else []

        def told(self: Any, event: Any) -> None:
            heard.add(name)
            if inner is not None:
                inner(self, event)

        arguments = list(inspect.signature(getattr(hookspecs, name)).parameters)
        assert arguments in ([], ["event"]), f"{name}: teach this test its arguments"
        return hookimpl(told if arguments else asked)

    hooks = {name: note(name, getattr(SmallPlugin, name, None)) for name in HOOKS}

    def models(_self: Any) -> list[glueharness.ModelSpec]:
        heard.add("glueharness_models")
        (oracle,) = SmallPlugin().glueharness_models()
        return [
            glueharness.ModelSpec(
                name="oracle",
                description="Talks.",
                factory=lambda context: Talkative(context.settings),
                settings=oracle.settings,
            )
        ]

    hooks["glueharness_models"] = hookimpl(models)
    made: SmallPlugin = type("Listener", (SmallPlugin,), hooks)()
    return made


def test_each_hook_is_really_called(tmp_path: Path) -> None:
    heard: set[str] = set()
    registry = Registry(small_plugins(listener(heard)))
    for number, fail in enumerate(("", "error")):
        given = {"model": "oracle", "runs_dir": str(tmp_path / str(number)), "fail": fail}
        config = build_config("parity", [Layer(origin="test", values=given)], registry)
        if fail:
            with pytest.raises(PluginError, match="the model broke"):
                run(config, registry)
        else:
            run(config, registry)
    layer = Layer(origin="test", values={"model": "oracle", "runs_dir": str(tmp_path)})
    request = PlanRequest(names=["parity"], layers=[layer], grid={"error_every": (0, 3)})
    sweeps_of(run_plan(build_plan(request, registry), registry, lambda *_: None), registry)
    assert heard == set(HOOKS)
    assert not registry.plugins.statuses["small"].reports


def test_a_record_follows_its_schema(tmp_path: Path, made: Mapping[str, str]) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    registry = Registry(small_plugins())
    given = {"model": "oracle", "runs_dir": str(tmp_path)}
    config = build_config("parity", [Layer(origin="test", values=given)], registry)
    record = run(config, registry).record
    schema = json.loads(made["run.schema.json"])
    values = json.loads((tmp_path / record.id / RUN_FILE).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(values, schema)
    assert set(values) == set(schema["properties"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**values, "metrics": {"dev": 1}}, schema)
