"""Write ``docs/reference.md`` and ``docs/run.schema.json`` from the code.

``python docs/make_reference.py`` after a change of a hook, a command, a setting or the record; a
test compares the files with what this program makes.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import json
import re
import sys
import typing
from pathlib import Path
from typing import Any

import click

import glueharness
from glueharness import config, errors, events, hookspecs, protocols, record, specs
from glueharness.api import PUBLIC_MODULES
from glueharness.cli import cli
from glueharness.cli.app import App
from glueharness.plugin_choice import PluginChoice
from glueharness.plugins import HOOKS, load_plugins
from glueharness.registry import Registry
from glueharness.settings import settings_of

if typing.TYPE_CHECKING:
    from types import ModuleType

DOCS = Path(__file__).parent
_WIDTH = 88
_DUNDER = ("__len__", "__getitem__")
_RECORDS = (
    record.RunRecord, record.DataRecord, record.SplitRecord, record.SettingRecord,
    record.EpochRecord,
)  # fmt: skip


def attributes_of(docstring: str) -> dict[str, str]:
    """The entries of a docstring's section "Attributes" (or "Args")."""
    found: dict[str, str] = {}
    inside, name = False, ""
    for line in inspect.cleandoc(docstring or "").splitlines():
        if line in {"Attributes:", "Args:"}:
            inside = True
        elif inside and line and not line.startswith(" "):
            inside = False
        elif inside and (match := re.fullmatch(r" {4}(\w+): (.*)", line)):
            name = match[1]
            found[name] = match[2]
        elif inside and name and line.strip():
            found[name] += f" {line.strip()}"
    return found


def summary_of(docstring: str | None) -> str:
    """The first paragraph of a docstring, on one line."""
    paragraph = inspect.cleandoc(docstring or "").split("\n\n")[0]
    return markdown(" ".join(paragraph.split()))


def markdown(text: str) -> str:
    """Double backquotes and roles of docstrings as Markdown; bars escaped for tables."""
    text = re.sub(r":\w+:`~?\.?([^`]+)`", r"`\1`", text.replace("``", "`"))
    return text.replace("|", "\\|")


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def fields_table(kind: type[Any]) -> str:
    """A dataclass's fields with their types and meanings."""
    meanings = attributes_of(kind.__doc__ or "")
    rows = [
        [f"`{field.name}`", f"`{markdown(str(field.type))}`", markdown(meanings[field.name])]
        for field in dataclasses.fields(kind)
        if not field.name.startswith("_")
    ]
    return table(["field", "type", "meaning"], rows)


def constants_of(module: ModuleType) -> dict[str, str]:
    """The strings that stand behind a module's assignments: the constants' documentation."""
    body = ast.parse(inspect.getsource(module)).body
    found = {}
    for statement, following in itertools.pairwise(body):
        target = (
            statement.targets[0] if isinstance(statement, ast.Assign)
            else statement.target if isinstance(statement, ast.AnnAssign) else None
        )  # fmt: skip
        if (
            isinstance(target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            found[target.id] = str(following.value.value)
    return found


def public_summaries() -> dict[str, str]:
    """What each public name is, in a sentence; empty where nothing says so."""
    constants: dict[str, str] = {"__version__": "The version of glueharness."}
    for name, module in list(sys.modules.items()):
        if name.startswith("glueharness.") and getattr(module, "__file__", None):
            for constant, text in constants_of(module).items():
                constants.setdefault(constant, text)
    constants["hookimpl"] = "The decorator that marks a plugin's function as a hook."
    found = {}
    for name in glueharness.__all__:
        value = getattr(glueharness, name)
        documented = inspect.isclass(value) or inspect.isfunction(value)
        found[name] = summary_of(value.__doc__ if documented else constants.get(name))
    return found


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
    modules = (specs.task, specs.model, specs.services, specs.group)
    for kind in itertools.chain.from_iterable(map(dataclasses_of, modules)):
        parts += [f"### `{kind.__name__}`", "", summary_of(kind.__doc__), ""]
        parts += [fields_table(kind), ""] if dataclasses.fields(kind) else []
    return "\n".join(parts)


def protocols_section() -> str:
    """What the factories make: every protocol with its methods."""
    parts = ["## Protocols", "", inspect.cleandoc(protocols.__doc__ or ""), ""]
    for kind in vars(protocols).values():
        is_protocol = isinstance(kind, type) and typing.Protocol in kind.__mro__
        if not is_protocol or kind.__module__ != protocols.__name__:
            continue
        rows = []
        for name, member in vars(kind).items():
            function = member.fget if isinstance(member, property) else member
            if not inspect.isfunction(function) or (name.startswith("_") and name not in _DUNDER):
                continue
            signature = str(inspect.signature(function)).replace("'", "").replace("(self, ", "(")
            call = name if isinstance(member, property) else f"{name}{signature}"
            rows.append(
                [f"`{markdown(call.replace('(self)', '()'))}`", summary_of(function.__doc__)]
            )
        parts += [f"### `{kind.__name__}`", "", summary_of(kind.__doc__), ""]
        parts += [table(["member", "what it does"], rows), ""]
    for kind in dataclasses_of(protocols):
        parts += [
            f"### `{kind.__name__}`",
            "",
            summary_of(kind.__doc__),
            "",
            fields_table(kind),
            "",
        ]
    return "\n".join(parts)


def dataclasses_of(module: ModuleType) -> list[type[Any]]:
    """The dataclasses that a module defines."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and dataclasses.is_dataclass(value)
        and value.__module__ == module.__name__
    ]


def names_section() -> str:
    """The public names."""
    rows = [[f"`{name}`", text] for name, text in public_summaries().items()]
    text = f"What `import glueharness` offers, API {glueharness.API_VERSION}."
    modules = [[f"`{name}`", what] for name, what in PUBLIC_MODULES.items()]
    return "\n".join(
        [
            "## Public modules", "", table(["module", "what is in it"], modules), "",
            "## Public names", "", text, "", table(["name", "what it is"], rows), "",
        ]
    )  # fmt: skip


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
    users: dict[type[Any], list[str]] = {config.RunOptions: ["every run"]}
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
    for kind in _RECORDS:
        parts += [f"### `{kind.__name__}`", "", summary_of(kind.__doc__), "", fields_table(kind)]
        parts += [""]
    return "\n".join(parts)


def schema() -> dict[str, Any]:
    """The form of run.json as JSON Schema."""
    definitions = {kind.__name__: _object(kind) for kind in _RECORDS}
    top = definitions.pop("RunRecord")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"glueharness run record, schema {record.SCHEMA}",
        **top,
        "$defs": definitions,
    }


def _object(kind: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    meanings = attributes_of(kind.__doc__ or "")
    fields = dataclasses.fields(kind)
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    properties = {
        field.name: {"description": meanings[field.name], **_type(hints[field.name])}
        for field in fields
    }
    return {"type": "object", "required": required, "properties": properties}


def _type(hint: Any) -> dict[str, Any]:
    plain = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return {}
    if hint is float:  # what is no number is written as null
        return {"type": ["number", "null"]}
    if hint in plain:
        return {"type": plain[hint]}
    if dataclasses.is_dataclass(hint):
        return {"$ref": f"#/$defs/{getattr(hint, '__name__', '')}"}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(arguments[1])}
    if origin is list:
        return {"type": "array", "items": _type(arguments[0])}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    return {"anyOf": [_type(argument) for argument in arguments]}


def make() -> dict[str, str]:
    """File name to content."""
    # Only what this distribution brings: the page must not depend on what else is installed.
    installed = load_plugins(choice=PluginChoice())
    others = tuple(
        status.name
        for status in installed.statuses.values()
        if status.distribution != "glueharness"
    )
    registry = Registry(load_plugins(choice=PluginChoice(without=others)))
    head = (
        "# Reference\n\nMade from the code by `docs/make_reference.py`; change the docstrings, "
        "not this page.\n"
    )
    sections = [
        head, names_section(), hooks_section(), specs_section(), protocols_section(),
        commands_section(App(registry)), settings_section(registry), errors_section(),
        record_section(),
    ]  # fmt: skip
    text = "\n".join(section.rstrip() + "\n" for section in sections)
    return {
        "reference.md": text,
        "run.schema.json": json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
    }


if __name__ == "__main__":
    for name, content in make().items():
        (DOCS / name).write_text(content, encoding="utf-8")
