"""The suites say what is wrong, and what they could not test: green means tested."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import click
import pytest

from glueharness import (
    CommandSpec,
    ConfigError,
    DiagnosticSpec,
    ExecutorSpec,
    Fact,
    FileKindSpec,
    GroupSpec,
    ModelError,
    ModelSpec,
    PresetSpec,
    PublishedSpec,
    TrackerSpec,
    hookimpl,
)
from glueharness.cli import main
from glueharness.plugin.registry import Registry
from glueharness.testing import ModelConformance
from glueharness.testing.checking import check_plugin, run_suite
from glueharness_executors.local import LocalExecutor
from tests.small_task import small_plugins

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REGISTRY = Registry()
TFIDF = REGISTRY.models.get("tfidf")


def results(**given: Any) -> dict[str, str]:
    """Result of each check of the suite of models."""
    return {item.check: item.result for item in run_suite("m", ModelConformance, given)}


@pytest.mark.parametrize("settings", [{"ngram_maks": 1}, {"ngram_max": 10**6}, {"ngram_max": "x"}])
def test_settings_that_a_model_does_not_have_fail_the_suite(settings: dict[str, Any]) -> None:
    found = results(model=TFIDF, settings=settings)
    assert found["scores have the right form"] == "failed"
    assert "skipped" not in set(found.values()) - {found["it learns labels by name"]}


def refusing(_: Any) -> Any:
    raise ModelError("there is nothing that it can do")


def test_a_model_that_is_said_to_learn_is_not_left_out() -> None:
    model = ModelSpec(name="never", description="Refuses everything.", factory=refusing)
    assert results(model=model)["rows keep their order"] == "skipped"
    assert results(model=model, learns=True)["rows keep their order"] == "failed"
    majority = REGISTRY.models.get("majority")
    assert results(model=majority)["every column is seen"] == "skipped"
    assert results(model=majority, learns=True)["every column is seen"] == "failed"
    family = replace(TFIDF, family=True)
    assert results(model=family, learns=True)["rows keep their order"] == "failed"


class Heard:
    """A tracker as it should be."""

    @hookimpl
    def glueharness_run_started(self, event: Any) -> None:
        """Hear it."""


class Misspelt:
    """A tracker that would hear of nothing."""

    @hookimpl
    def glueharness_run_startd(self, event: Any) -> None:
        """Never called."""


class WrongArgument:
    """A tracker whose hook asks for what no event brings."""

    @hookimpl
    def glueharness_run_started(self, occasion: Any) -> None:
        """Never called."""


class Deaf:
    """No hook at all."""


def no_library(*_: object) -> object:
    raise ConfigError("mlflow is not installed", remedy="pip install mlflow")


def tracker(factory: Callable[[], object]) -> TrackerSpec:
    return TrackerSpec(name="t", description="Follows.", factory=factory)


def executor(factory: Callable[..., Any]) -> ExecutorSpec:
    return ExecutorSpec(name="x", description="Does it.", factory=factory)


def command(factory: Callable[[], Any]) -> CommandSpec:
    return CommandSpec(name="c", help="Does it.", factory=factory)


class Refusing:
    """A reader of files that knows none of them."""

    def read(self, path: Path, content: bytes) -> object:
        raise ConfigError(f"these {len(content)} bytes are nothing", where=f"{path}:1")


class Mute(Refusing):
    """Does not say which file it is about."""

    def read(self, path: Path, content: bytes) -> object:  # noqa: ARG002 - as every reader
        raise ConfigError("it is nothing")


class Raising(Refusing):
    """Raises what no user can read."""

    def read(self, path: Path, content: bytes) -> object:  # noqa: ARG002 - as every reader
        return 1 // 0


def file_kind(factory: Callable[[], Any]) -> FileKindSpec:
    return FileKindSpec(name="mine", description="Mine.", factory=factory)


def group(**changes: Any) -> GroupSpec:
    facts: dict[str, Any] = {
        "name": "g", "title": "G", "description": "The mean.", "tasks": ("parity",),
        "score": lambda scores: 1.0 if scores else None,
    }  # fmt: skip
    return GroupSpec(**{**facts, **changes})


def published(**scores: Any) -> PublishedSpec:
    return PublishedSpec(name="p", scores=scores, source="A paper.")


OFFERS: dict[str, tuple[str, Any, str, str]] = {
    "tracker": ("trackers", tracker(Heard), "passed", ""),
    "tracker misspelt": ("trackers", tracker(Misspelt), "failed", "did you mean"),
    "tracker argument": ("trackers", tracker(WrongArgument), "failed", "occasion"),
    "tracker deaf": ("trackers", tracker(Deaf), "failed", "no hook"),
    "tracker None": ("trackers", tracker(lambda: None), "failed", "None"),
    "tracker class": ("trackers", tracker(lambda: Heard), "failed", "class Heard"),
    "tracker library": ("trackers", tracker(no_library), "skipped", "mlflow is not"),
    "tracker raises": ("trackers", tracker(lambda: 1 // 0), "failed", "ZeroDivisionError"),
    "executor": ("executors", executor(LocalExecutor), "passed", ""),
    "executor None": ("executors", executor(lambda _: None), "failed", "NoneType, which is no"),
    "executor library": ("executors", executor(no_library), "skipped", "mlflow is not"),
    "executor raises": ("executors", executor(lambda _: 1 // 0), "failed", "ZeroDivisionError"),
    "command": ("commands", command(lambda: click.Command("c", help="X.")), "passed", ""),
    "command function": ("commands", command(lambda: print), "failed", "builtin_function"),
    "command raises": ("commands", command(lambda: 1 // 0), "failed", "ZeroDivisionError"),
    "diagnostic": (
        "diagnostics", DiagnosticSpec(name="d", factory=lambda _: [Fact(name="a", value="b")]),
        "passed", "",
    ),
    "diagnostic text": (
        "diagnostics", DiagnosticSpec(name="d", factory=lambda _: "fine"), "failed", "str",  # type: ignore[arg-type, return-value]
    ),
    "file kind": ("file_kinds", file_kind(Refusing), "passed", ""),
    "file kind None": ("file_kinds", file_kind(lambda: None), "failed", "NoneType: no read()"),
    "file kind mute": ("file_kinds", file_kind(Mute), "failed", "does not name the file"),
    "file kind raises": ("file_kinds", file_kind(Raising), "failed", "ZeroDivisionError"),
    "group": ("groups", group(), "passed", ""),
    "group task": ("groups", group(tasks=("parity", "party")), "failed", "called party"),
    "group points": ("groups", group(score=lambda _: 100.0), "failed", "score 100"),
    "group empty": ("groups", group(score=lambda _: 1.0), "failed", "though no task"),
    "preset": (
        "presets", PresetSpec(name="p", description="P.", settings={"seed": 1}), "passed", "",
    ),
    "preset name": (
        "presets", PresetSpec(name="p", description="P.", settings={"epoks": 1}), "failed", "epoks",
    ),
    "published": ("published", published(parity={"dev": {"accuracy": 0.5}}), "passed", ""),
    "published points": (
        "published", published(parity={"dev": {"accuracy": 91.2}}), "failed", "fraction",
    ),
    "published metric": ("published", published(parity={"dev": {"f1": 0.5}}), "failed", "f1"),
    "published task": ("published", published(party={"dev": {"f1": 0.5}}), "failed", "party"),
}  # fmt: skip


@pytest.mark.parametrize(("hook", "spec", "result", "said"), OFFERS.values(), ids=OFFERS)
def test_each_part_has_its_check(hook: str, spec: Any, result: str, said: str) -> None:
    plugins = small_plugins()
    offer = hookimpl(lambda: [spec])
    status = plugins.register(
        type("Offer", (), {f"glueharness_{hook}": staticmethod(offer)})(), "o"
    )
    (outcome,) = [
        item for item in check_plugin(status, Registry(plugins)) if "must keep" in item.check
    ]
    assert outcome.result == result, outcome
    assert said in outcome.reason


class Family:
    source: ClassVar[str] = """
from glueharness import ModelSpec, hookimpl

@hookimpl
def glueharness_models():
    return [ModelSpec(name="clan", description="A family.", factory=print, family=True)]
"""


def test_check_tells_what_it_could_not_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "clan.py"
    file.write_text(Family.source, encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["--plugin", str(file), "plugins", "check", "clan"])
    assert end.value.code == 0
    assert "Not tested: model clan; 14 of its 17 checks were skipped." in capsys.readouterr().out
