"""The sections of the reference: hooks, specs, helpers, protocols, commands, settings and more."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import typing
from typing import Any

import click

import glueharness
from docs._reference.markdown import (
    attributes_of,
    dataclasses_of,
    fields_table,
    markdown,
    summary_of,
    table,
)
from docs._reference.schema import RECORDS
from glueharness import errors, specs, testing
from glueharness.cli import cli
from glueharness.plugin import events, hookspecs
from glueharness.plugin.plugins import HOOKS
from glueharness.record import record
from glueharness.settings import fields as settings
from glueharness.settings import run_options
from glueharness.settings.fields import settings_of

if typing.TYPE_CHECKING:
    from glueharness.cli.app import App
    from glueharness.plugin.registry import Registry

_WIDTH = 88
_DUNDER = ("__len__", "__getitem__")
_PARTS_OF_SPECS = (
    glueharness.SubmissionFile, glueharness.NoSettings, glueharness.ModelContext, glueharness.Fact,
)  # fmt: skip


def hooks_section() -> str:
    """Every hook with its arguments and when it is called."""
    parts = ["## Hooks", "", markdown(inspect.cleandoc(hookspecs.__doc__ or "")), ""]
    for name in HOOKS:
        function = getattr(hookspecs, name)
        signature = str(inspect.signature(function)).replace("'", "")
        parts += [f"### `{name}{signature}`", "", summary_of(function.__doc__), ""]
    parts += ["## Events", ""]
    for kind in dataclasses_of(events):
        parts += [f"### `{kind.__name__}`", "", summary_of(kind.__doc__), ""]
        parts += [fields_table(kind), ""]
    return "\n".join(parts)


def specs_section() -> str:
    """Every spec with its fields."""
    parts = ["## Specs", "", "What the hooks return.", ""]
    for kind in filter(_is_spec, _public_dataclasses()):
        parts += [f"### `{kind.__name__}`", "", summary_of(kind.__doc__), ""]
        parts += [fields_table(kind), ""] if dataclasses.fields(kind) else []
        derived = [
            [f"`{name}`", summary_of(member.fget.__doc__)]
            for name, member in vars(kind).items()
            if isinstance(member, property) and member.fget is not None
        ]
        parts += [table(["property", "meaning"], derived), ""] if derived else []
    return "\n".join(parts)


def helpers_section() -> str:
    """What plugins are made with: the public functions, and the fields of what they take."""
    parts = [
        "## Helpers",
        "",
        "Imported from `glueharness`; the suites from `glueharness.testing`.",
    ]
    parts += [""]
    for function in (
        glueharness.csv_source,
        glueharness.jsonl_source,
        glueharness.parquet_source,
        glueharness.metric,
        glueharness.evaluate_metric,
        glueharness.as_evaluate_metric,
        glueharness.setting,
    ):
        signature = str(inspect.signature(function)).replace("'", "")
        rows = [
            [f"`{name}`", markdown(meaning)]
            for name, meaning in attributes_of(function.__doc__ or "").items()
        ]
        parts += [f"### `{function.__name__}{signature}`", "", summary_of(function.__doc__), ""]
        parts += [table(["argument", "meaning"], rows), ""]
    for kind in (
        glueharness.FileForm,
        glueharness.CsvForm,
        glueharness.TsvLayout,
        glueharness.HubLayout,
        settings.SettingInfo,
    ):
        parts += record_of(kind)
    for name in testing.__all__:
        suite = getattr(testing, name)
        if inspect.isclass(suite):
            rows = [
                [f"`{attribute}`", markdown(meaning)]
                for attribute, meaning in attributes_of(suite.__doc__ or "").items()
            ]
            parts += [f"### `{name}`", "", summary_of(suite.__doc__), ""]
            parts += [table(["attribute", "meaning"], rows), ""]
    return "\n".join(parts)


def record_of(kind: type[Any]) -> list[str]:
    """A dataclass: what it is, and its fields."""
    return [f"### `{kind.__name__}`", "", summary_of(kind.__doc__), "", fields_table(kind), ""]


def protocols_section() -> str:
    """What the factories make: every protocol with its methods, and what these take and give."""
    parts = ["## Protocols", "", "Nothing to inherit: any object with these methods will do.", ""]
    for name in glueharness.__all__:
        kind = getattr(glueharness, name)
        if isinstance(kind, type) and typing.Protocol in kind.__mro__:
            parts += _protocol(kind)
    for kind in itertools.filterfalse(_is_spec, _public_dataclasses()):
        parts += record_of(kind)
    return "\n".join(parts)


def _public_dataclasses() -> list[type[Any]]:
    """The public dataclasses of the seam, module by module."""
    modules = (specs.data, specs.task, specs.model, specs.submission, specs.services, specs.group)
    found = itertools.chain.from_iterable(map(dataclasses_of, modules))
    return [kind for kind in found if kind.__name__ in glueharness.__all__]


def _is_spec(kind: type[Any]) -> bool:
    """Whether a hook returns it, or it is a part or an argument of what a hook returns."""
    return kind.__name__.endswith("Spec") or kind in _PARTS_OF_SPECS


def _protocol(kind: type[Any]) -> list[str]:
    rows = []
    for name, member in vars(kind).items():
        function = member.fget if isinstance(member, property) else member
        if not inspect.isfunction(function) or (name.startswith("_") and name not in _DUNDER):
            continue
        signature = str(inspect.signature(function)).replace("'", "").replace("(self, ", "(")
        call = name if isinstance(member, property) else f"{name}{signature}"
        rows.append([f"`{markdown(call.replace('(self)', '()'))}`", summary_of(function.__doc__)])
    heading = [f"### `{kind.__name__}`", "", summary_of(kind.__doc__), ""]
    return [*heading, table(["member", "what it does"], rows), ""]


def commands_section(app: App) -> str:
    """The help text of every command."""
    parts = ["## Commands", ""]

    def add(command: click.Command, parent: click.Context | None, name: str) -> None:
        context = click.Context(
            command, parent=parent, info_name=name, obj=app,
            terminal_width=_WIDTH, max_content_width=_WIDTH,
        )  # fmt: skip
        text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        parts.extend([f"### `{context.command_path}`", "", "```text", text, "```", ""])
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                found = command.get_command(context, inner)
                if found is not None:
                    add(found, context, inner)

    add(cli, None, "glueharness")
    return "\n".join(parts)


def settings_section(registry: Registry) -> str:
    """Every setting with its range, unit and default."""
    parts = [
        "## Settings",
        "",
        "Options of `run`, keys of its TOML file. For recipes: `glueharness models show NAME`.",
        "",
    ]
    users: dict[type[Any], list[str]] = {run_options.RunOptions: ["every run"]}
    for model in registry.models:
        users.setdefault(model.settings, []).append(f"`{model.name}`")
    for kind, names in users.items():
        rows = [
            [
                f"`{item.flag}`",
                ", ".join(part for part in (item.info.range_text(), item.info.unit) if part) or "–",
                "–" if item.default is None or item.default == "" else f"`{item.default}`",
                markdown(item.info.help),
            ]
            for item in settings_of(kind)
        ]
        if rows:
            shown = ", ".join(names[:6]) + (" and others" if len(names) > 6 else "")
            heading = f"### Settings of {shown}"
            parts += [heading, "", table(["option", "range, unit", "default", "what"], rows), ""]
    return "\n".join(parts)


def errors_section() -> str:
    """The error tree and the exit codes."""
    rows = [
        [f"`{kind.__name__}`", str(kind.exit_code), summary_of(kind.__doc__)]
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.GlueharnessError)
    ]
    codes = [
        ["0", "done"], ["1", "it could not be done; the message says what, where and what to do"],
        ["2", "the command line cannot be understood"], ["130", "interrupted"],
    ]  # fmt: skip
    return "\n".join(
        [
            "## Errors and exit codes", "", table(["exit code", "meaning"], codes), "",
            table(["error", "exit code", "meaning"], rows), "",
        ]
    )  # fmt: skip


def record_section() -> str:
    """The form of run.json."""
    parts = [
        "## run.json",
        "",
        f"Schema {record.SCHEMA}, as [JSON Schema](run.schema.json). Readers skip unknown fields.",
        "",
    ]
    for kind in RECORDS:
        parts += [f"### `{kind.__name__}`", "", summary_of(kind.__doc__), "", fields_table(kind)]
        parts += [""]
    return "\n".join(parts)
