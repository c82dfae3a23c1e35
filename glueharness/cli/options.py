"""The options of ``run`` that are made from the settings of the installed models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from glueharness.cli.app import App, only_one
from glueharness.cli.complete import FOR_SETTINGS
from glueharness.settings.fields import settings_of
from glueharness.settings.run_options import RunOptions
from glueharness.settings.values import former_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness.plugin.registry import Registry
    from glueharness.settings.fields import Setting
    from glueharness.specs import ModelSpec


_MODEL, _ALL = f"{__name__}.model", f"{__name__}.all"


def _named_model(args: list[str]) -> str:
    """What ``--model`` is followed by among a command's words, else the default model."""
    for place, word in enumerate(args):
        if word == "--model" and place + 1 < len(args):
            return args[place + 1]
        if word.startswith("--model="):
            return word.partition("=")[2]
    return next(str(item.default) for item in settings_of(RunOptions) if item.name == "model")


def _show_all(ctx: click.Context, _: click.Parameter, value: Any) -> None:
    if value and not ctx.resilient_parsing:
        ctx.meta[_ALL] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Settings of the same models.

    Attributes:
        title: Heading in ``--help``.
        settings: The settings.
    """

    title: str
    settings: tuple[Setting, ...]

    @property
    def names(self) -> set[str]:
        """Names of the settings."""
        return {item.name for item in self.settings}


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


def make_option(
    item: Setting, recipe: Mapping[str, Any] | None = None, *, brief: bool = False
) -> click.Option:
    """The option of a setting. Its text is converted later, so that all errors look the same.

    Args:
        item: The setting.
        recipe: The model's own defaults, which are what a user will get.
        brief: Whether the help leaves out range and unit.
    """
    limits = ", ".join(part for part in (item.info.range_text(), item.info.unit) if part)
    value = (recipe or {}).get(item.name, item.default)
    default = "" if value in (None, False, "") else f"default: {value}"
    notes = "; ".join(part for part in ("" if brief else limits, default) if part)
    text = f"{item.info.help} [{notes}]" if notes else item.info.help
    if item.kind is bool:
        declaration = f"{item.flag}/--no-{item.flag.removeprefix('--')}"
        return click.Option([declaration], default=None, help=text)
    once = item.name == "runs_dir"  # of two folders nobody knows which one is written to
    return click.Option(
        [item.flag],
        default=None,
        multiple=once,
        callback=only_one if once else None,
        metavar=item.kind.__name__.upper(),
        help=text,
        shell_complete=FOR_SETTINGS.get(item.name),
    )


class SettingsCommand(click.Command):
    """A command whose options include every setting of every installed model.

    ``--help`` shows the usual ones with the defaults of the model that ``--model`` names, or of
    the default model; ``--help-all`` shows all of them.

    Attributes:
        trains: Whether it trains; if not, what is chosen in training alone is no option.
        advanced: Names of the command's own options that only ``--help-all`` shows.
    """

    trains = True
    advanced: frozenset[str] = frozenset()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look for the model first: the help that is asked for tells of its defaults."""
        ctx.meta[_MODEL] = _named_model(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name.removeprefix("--").removeprefix("no-").replace("-", "_")
            items = [item for section in self._sections(ctx) for item in section.settings]
            present = former_names(items).get(name)
            if present is None:
                raise
            told = f"No such option any more: {error.option_name}. See --{present}."
            raise click.NoSuchOption(
                error.option_name, message=told.replace("_", "-"), ctx=ctx
            ) from error

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters, then the shared settings, then those of the models."""
        params = super().get_params(ctx)
        own = {param.name for param in params}
        items = [item for section in self._sections(ctx) for item in section.settings]
        model, brief = self._model(ctx), not ctx.meta.get(_ALL)
        recipe = model.recipe if model else {}
        made = (make_option(item, recipe, brief=brief) for item in items if item.name not in own)
        more = click.Option(
            ["--help-all"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_all,
            help="Show all settings of all models, with ranges and units.",
        )
        return [*params, more, *made]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the options, with a heading for each section."""
        grouped = {item.name for section in self._sections(ctx) for item in section.settings}
        params = self.get_params(ctx)
        every = ctx.meta.get(_ALL)
        plain = [
            param
            for param in params
            if param.name not in grouped and (every or param.name not in self.advanced)
        ]
        named = [param for param in plain if isinstance(param, click.Option)]
        records = [record for param in named if (record := param.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl(records)
        model = self._model(ctx)
        shared, *others = self._sections(ctx)
        told = {item.name for item in settings_of(model.settings)} if model else set()
        for section in (shared, *others):
            if not every and section in others and not told & section.names:
                continue  # of another model
            names = {item.name for item in section.settings if every or not item.info.advanced}
            chosen = [param for param in params if param.name in names]
            records = [record for param in chosen if (record := param.get_help_record(ctx))]
            if records:
                with formatter.section(section.title):
                    formatter.write_dl(records)

    @staticmethod
    def _model(ctx: click.Context) -> ModelSpec | None:
        """The model that the help tells of; None where there is none of that name."""
        models, name = App.of(ctx).registry.models, ctx.meta.get(_MODEL, "")
        return next((model for model in models if model.name == name.partition(":")[0]), None)

    def _sections(self, ctx: click.Context) -> list[Section]:
        shared = Section(title="Settings of every run", settings=settings_of(RunOptions))
        found = [shared, *sections(list(App.of(ctx).registry.models))]
        return (
            found if self.trains else [part for each in found if (part := _in_use(each)).settings]
        )


def _in_use(section: Section) -> Section:
    """A section without what matters to training alone."""
    settings = tuple(item for item in section.settings if not item.info.training)
    return Section(title=section.title, settings=settings)


class EvaluationCommand(SettingsCommand):
    """A command that trains nothing."""

    trains = False


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
    return list(consents_among(App.of(ctx).registry).values())


def consents_among(registry: Registry) -> dict[str, Setting]:
    """The settings of models by which a user allows something, by name."""
    found: dict[str, Setting] = {}
    for model in registry.models:
        found |= {item.name: item for item in settings_of(model.settings) if item.info.consent}
    return found
