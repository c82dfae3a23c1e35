"""Runs the suites without pytest, for ``glueharness plugins check``."""

from __future__ import annotations

import unittest
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from glueharness.errors import GlueharnessError, UnknownNameError
from glueharness.plugin.status import describe
from glueharness.testing import parts
from glueharness.testing.engines import check_engine
from glueharness.testing.expect import expect
from glueharness.testing.installed import heavy_imports
from glueharness.testing.models import ModelConformance
from glueharness.testing.sources import SourceConformance
from glueharness.testing.tasks import TaskConformance
from glueharness.testing.writers import WriterConformance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from glueharness.plugin.registry import Registry
    from glueharness.plugin.shelf import Shelf
    from glueharness.plugin.status import PluginStatus

Result = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one check found.

    Attributes:
        subject: What was checked, for instance ``"task urgency"``.
        check: The check in words.
        result: How it went.
        reason: Why it failed or was skipped; empty if it passed.
    """

    subject: str
    check: str
    result: Result
    reason: str = ""


def plugins_of(name: str, registry: Registry) -> list[PluginStatus]:
    """The plugins of a distribution, or the plugin of that name.

    Raises:
        UnknownNameError: There is none.
    """
    statuses = registry.plugins.statuses
    # Names of distributions are compared as the packaging rules compare them.
    plain = name.lower().replace("_", "-")
    found = [
        status
        for key, status in statuses.items()
        if key == name or status.distribution.lower().replace("_", "-") == plain
    ]
    if not found:
        known = {*statuses, *(status.distribution for status in statuses.values())}
        raise UnknownNameError.among("plugin or distribution", name, known)
    return found


def check_plugin(status: PluginStatus, registry: Registry) -> Iterator[Outcome]:
    """Check everything about a plugin: that it loads, and all that it offers."""
    subject = f"plugin {status.name}"
    reports = "; ".join(problem.what for problem in status.reports)
    yield Outcome(
        subject=subject, check="it loads without a complaint",
        result="failed" if reports or status.disabled else "passed",
        reason=reports or (f"switched off by {status.disabled}" if status.disabled else ""),
    )  # fmt: skip
    if not status.in_use:
        return
    result, reason = _run(partial(_expect_light, status))
    yield Outcome(
        subject=subject, check="it imports nothing heavy to describe itself",
        result=result, reason=reason,
    )  # fmt: skip
    offered = registry.offers(status)
    suites: tuple[tuple[str, Shelf[Any], type[Any]], ...] = (
        ("task", registry.tasks, TaskConformance),
        ("model", registry.models, ModelConformance),
        ("writer", registry.writers, WriterConformance),
    )
    for kind, shelf, suite in suites:
        for name in offered.get(f"{shelf.kind}s", ()):
            given = {kind: shelf.get(name), "registry": registry}
            yield from run_suite(f"{kind} {name}", suite, given)
    for name in offered.get("data sources", ()):
        yield from _check_source(name, registry)
    yield from _check_parts(offered, registry)


def _expect_light(status: PluginStatus) -> None:
    heavy = ", ".join(heavy_imports(status))
    expect(not heavy, f"it imports {heavy}")


def _check_parts(offered: Mapping[str, Sequence[str]], registry: Registry) -> Iterator[Outcome]:
    """The parts that have one check each."""
    checks: tuple[tuple[Shelf[Any], Callable[[Any], None]], ...] = (
        (registry.trackers, parts.check_tracker),
        (registry.executors, parts.check_executor),
        (registry.commands, parts.check_command),
        (registry.diagnostics, parts.check_diagnostic),
        (registry.file_kinds, parts.check_file_kind),
        (registry.engines, check_engine),
        (registry.groups, partial(parts.check_group, registry=registry)),
        (registry.presets, partial(parts.check_preset, registry=registry)),
        (registry.published, partial(parts.check_published, registry=registry)),
    )
    for shelf, check in checks:
        for name in offered.get(f"{shelf.kind}s", ()):
            result, reason = _run(partial(check, shelf.get(name)))
            yield Outcome(
                subject=f"{shelf.kind} {name}", check=f"it keeps what a {shelf.kind} must keep",
                result=result, reason=reason,
            )  # fmt: skip


def _check_source(name: str, registry: Registry) -> Iterator[Outcome]:
    """A source is checked with the first task that it has data for."""
    from glueharness.specs import DataOptions

    spec = registry.sources.get(name)
    for task in registry.tasks:
        try:
            spec.factory().open(task, DataOptions(offline=True))
        except GlueharnessError:
            continue
        given = {"source": spec, "task": task, "registry": registry}
        yield from run_suite(f"source {name}", SourceConformance, given)
        return
    yield Outcome(
        subject=f"source {name}", check="it keeps what a source must keep", result="skipped",
        reason="it has data for no installed task here",
    )  # fmt: skip


def run_suite(subject: str, suite: type[Any], given: dict[str, Any]) -> Iterator[Outcome]:
    """Run every ``test_…`` method of a suite, inherited ones too, with the attributes given."""
    made = type(f"Check{suite.__name__}", (suite,), given)
    names = [name for kind in reversed(suite.__mro__) for name in vars(kind)]
    for name in dict.fromkeys(name for name in names if name.startswith("test_")):
        check = name.removeprefix("test_").replace("_", " ")
        result, reason = _run(getattr(made(), name))
        yield Outcome(subject=subject, check=check, result=result, reason=reason)


def _run(test: Any) -> tuple[Result, str]:
    try:
        test()
    except unittest.SkipTest as error:
        return "skipped", str(error)
    except AssertionError as error:
        return "failed", " ".join([str(error), *getattr(error, "__notes__", ())])
    except Exception as error:  # noqa: BLE001 - a stranger's code: that is the finding
        remedy = error.remedy if isinstance(error, GlueharnessError) else ""
        words = [describe(error), remedy, *getattr(error, "__notes__", ())]
        return "failed", " ".join(word for word in words if word)
    return "passed", ""
