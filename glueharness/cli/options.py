"""The options of ``run`` that are made from the settings of the installed models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli.app import App
from glueharness.cli.complete import FOR_SETTINGS
from glueharness.settings.fields import settings_of
from glueharness.settings.run_options import RunOptions

if TYPE_CHECKING:
    from glueharness.settings.fields import Setting
    from glueharness.specs import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Settings of the same models.

    Attributes:
        title: Heading in ``--help``.
        settings: The settings.
    """

    title: str
    settings: tuple[Setting, ...]


def sections(models: list[ModelSpec]) -> list[Section]:
    """The models' settings, one section per settings class; each name is listed once."""
    by_class: dict[type[Any], list[str]] = {}
    for model in models:
        by_class.setdefault(model.settings, []).append(model.name)
    seen = {item.name for item in settings_of(RunOptions)}
    found = []
    for kind, names in by_class.items():
        fresh = tuple(item for item in settings_of(kind) if item.name not in seen)
        seen |= {item.name for item in fresh}
        if fresh:
            shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
            found.append(Section(title=f"Settings of {shown}", settings=fresh))
    return found


def make_option(item: Setting) -> click.Option:
    """The option of a setting. Its text is converted later, so that all errors look the same."""
    limits = ", ".join(part for part in (item.info.range_text(), item.info.unit) if part)
    default = "" if item.default in (None, False) else f"default: {item.default}"
    notes = "; ".join(part for part in (limits, default) if part)
    text = f"{item.info.help} [{notes}]" if notes else item.info.help
    if item.kind is bool:
        declaration = f"{item.flag}/--no-{item.flag.removeprefix('--')}"
        return click.Option([declaration], default=None, help=text)
    return click.Option(
        [item.flag],
        default=None,
        metavar=item.kind.__name__.upper(),
        help=text,
        shell_complete=FOR_SETTINGS.get(item.name),
    )


class SettingsCommand(click.Command):
    """A command whose options include every setting of every installed model."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters, then the shared settings, then those of the models."""
        params = super().get_params(ctx)
        own = {param.name for param in params}
        items = [item for section in self._sections(ctx) for item in section.settings]
        return [*params, *(make_option(item) for item in items if item.name not in own)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options, with a heading for each section."""
        grouped = {item.name for section in self._sections(ctx) for item in section.settings}
        params = self.get_params(ctx)
        plain = [param for param in params if param.name not in grouped]
        named = [param for param in plain if isinstance(param, click.Option)]
        records = [record for param in named if (record := param.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl(records)
        for section in self._sections(ctx):
            names = {item.name for item in section.settings}
            chosen = [param for param in params if param.name in names]
            with formatter.section(section.title):
                formatter.write_dl([r for param in chosen if (r := param.get_help_record(ctx))])

    @staticmethod
    def _sections(ctx: click.Context) -> list[Section]:
        shared = Section(title="Settings of every run", settings=settings_of(RunOptions))
        return [shared, *sections(list(App.of(ctx).registry.models))]


class ConsentsCommand(click.Command):
    """A command with the options by which its user allows what a stored run cannot allow."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters, then the consents that models ask for."""
        params = super().get_params(ctx)
        own = {param.name for param in params}
        consents = _consents(ctx)
        return [*params, *(make_option(item) for item in consents if item.name not in own)]


def consents_of(ctx: click.Context, values: dict[str, Any]) -> dict[str, Any]:
    """Take the consents out of a command's values; those that were not given are left out."""
    given = {item.name: values.pop(item.name, None) for item in _consents(ctx)}
    return {name: value for name, value in given.items() if value is not None}


def _consents(ctx: click.Context) -> list[Setting]:
    found: dict[str, Setting] = {}
    for model in App.of(ctx).registry.models:
        found |= {item.name: item for item in settings_of(model.settings) if item.info.consent}
    return list(found.values())
