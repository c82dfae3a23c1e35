"""``glueharness doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli.app import App, environment_layer, json_option
from glueharness.cli.output import print_facts, print_json, stdout
from glueharness.errors import GlueharnessError, NotInFolder, SourceUnavailable
from glueharness.plugin.status import describe as describe_error
from glueharness.run.environment import describe_environment
from glueharness.specs import DataOptions, Fact

if TYPE_CHECKING:
    from glueharness.plugin.registry import Registry
    from glueharness.specs import TaskSpec


@click.command(name="doctor")
@click.argument("task", default="qnli")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Data folder [env: GLUE_DATA_DIR]."
)
@click.option("--offline", is_flag=True, help="Do not use the network.")
@json_option
@click.pass_context
def command(
    ctx: click.Context, task: str, data_dir: Path | None, *, offline: bool, as_json: bool
) -> None:
    """Show what this machine has, and where the data of TASK and the weights would come from."""
    registry = App.of(ctx).registry
    folder = data_dir or environment_layer().values.get("data_dir")
    options = DataOptions(folder=Path(folder) if folder else None, offline=offline)
    report: dict[str, list[Fact]] = {"this machine": _machine(registry)}
    for spec in registry.diagnostics:
        try:
            report[spec.name] = list(spec.factory(offline))
        except Exception as error:  # noqa: BLE001 - a stranger's code: say so and go on
            report[spec.name] = [Fact(name="failed", value=describe_error(error))]
    report["plugins"] = _plugins(registry)
    report[f"data of {task}"] = _sources(registry, registry.task(task), options)
    if as_json:
        print_json({title: [_plain(fact) for fact in facts] for title, facts in report.items()})
        return
    for title, facts in report.items():
        print_facts(title, _lines(facts))
        stdout().print()


def _machine(registry: Registry) -> list[Fact]:
    found = describe_environment(registry.plugins)
    memory = found["memory_bytes"]
    facts = [
        Fact(name="python", value=f"{found['python']} on {found['platform']}"),
        Fact(name="processor", value=f"{found['cpu']}, {found['cores']} cores"),
    ]
    if memory:
        facts.append(Fact(name="memory", value=f"{memory / 2**30:.1f} GiB"))
    versions = ", ".join(f"{name} {version}" for name, version in found["packages"].items())
    return [*facts, Fact(name="packages", value=versions)]


def _plugins(registry: Registry) -> list[Fact]:
    return [
        Fact(
            name=name,
            value="; ".join([status.state, *(problem.what for problem in status.reports)]),
            remedy=next((problem.remedy for problem in status.reports), ""),
        )
        for name, status in registry.plugins.statuses.items()
    ]


def _sources(registry: Registry, task: TaskSpec, options: DataOptions) -> list[Fact]:
    """Each source in the order of ``--data auto``; where that would stop is marked."""
    facts, decided = [], False
    for source in registry.sources_for(task):
        spec = source.spec
        try:
            origin = source.open(task, options).origin
        except GlueharnessError as error:
            if isinstance(error, SourceUnavailable) and not isinstance(error, NotInFolder):
                facts.append(Fact(name=spec.name, value=f"not here: {error.what}"))
                continue
            mark = "" if decided else "  <- where --data auto ends with an error"
            value = f"error: {error.what}{mark}"
            facts.append(Fact(name=spec.name, value=value, remedy=error.remedy))
            decided = True
        else:
            mark = "" if decided else "  <- what --data auto takes"
            facts.append(Fact(name=spec.name, value=f"{origin.location} {origin.revision}{mark}"))
            decided = True
    return facts


def _lines(facts: list[Fact]) -> dict[str, str]:
    """Names and values with remedies; one that several facts share is printed after the last."""
    shared: dict[str, list[str]] = {}
    for fact in facts:
        shared.setdefault(fact.remedy.replace(fact.name, "NAME"), []).append(fact.name)
    lines = {}
    for fact in facts:
        form = fact.remedy.replace(fact.name, "NAME")
        names = shared[form]
        remedy = fact.remedy if len(names) == 1 else form if fact.name == names[-1] else ""
        lines[fact.name] = f"{fact.value}\n{remedy}" if remedy else fact.value
    return lines


def _plain(fact: Fact) -> dict[str, Any]:
    return {"name": fact.name, "value": fact.value, "remedy": fact.remedy}
