"""Settings as typed fields with unit and range, merged from layers with their origins.

A model declares its settings as a frozen dataclass whose fields are made with :func:`setting`.
Each becomes an option of ``glueharness run``, a key of the TOML file and an entry of the record::

    @dataclass(frozen=True, kw_only=True)
    class MySettings:
        epochs: int = setting(3, help="Passes over the training data.", unit="epochs", low=1)
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_KEY = "glueharness"
_LONGEST_SHOWN = 80
_LARGEST_WHOLE, _LARGEST_FLOAT, _LONGEST_KEPT = 2**63, 1e300, 10_000
_WHAT_IS_KEPT = "a record keeps whole numbers of 64 bits and texts of 10,000 characters"
DEFAULT = "default"
"""Origin of a value that no layer gives."""
RECIPE_OF = "recipe of "
"""How the origin of a value from a model's recipe begins."""
ADJUSTED = "adjusted: "
"""How the origin of a value begins that the model changed when its work began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingInfo:
    """What is known of a setting beside its type and default.

    Attributes:
        help: One sentence for ``--help``.
        unit: Unit of the value, for instance ``"tokens"`` or ``"fraction in [0, 1)"``.
        low: Smallest value allowed.
        high: Largest value allowed.
        above: Largest value *not* allowed, for a range that is open below.
        below: Smallest value *not* allowed, for a range that is open above.
        choices: The values allowed.
        changes_result: Whether another value may lead to another result, be it in the last bit.
            Runs that differ only in settings that do not are the same run, and one is resumed by
            the other.
        advanced: Whether few users need it: ``--help`` leaves it out, ``--help-all`` shows it.
        consent: Whether the value is a consent of the user's, for instance to run a checkpoint's
            own code: it counts for the present command only, never as a stored run has it.
        training: Whether it is chosen when a model is trained and fixed afterwards, such as a
            learning rate: ``evaluate`` has no such option.
        replaces: Names of settings of earlier versions in whose place it came. They are refused
            with the name of this one.
    """

    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    changes_result: bool = True
    advanced: bool = False
    consent: bool = False
    training: bool = False
    replaces: tuple[str, ...] = ()

    def range_text(self) -> str:
        """The range in words, for instance ``"at least 1"``; empty if there is none."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.low is not None and self.high is not None:
            return f"{self.low} to {self.high}"
        parts = [
            f"{word} {bound}"
            for word, bound in (
                ("at least", self.low),
                ("more than", self.above),
                ("at most", self.high),
                ("less than", self.below),
            )
            if bound is not None
        ]
        return " and ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One field of a settings class, as the command line and the resolver see it.

    Attributes:
        name: Field name, for instance ``"learning_rate"``.
        kind: ``int``, ``float``, ``str``, ``bool`` or ``Path``.
        optional: Whether None is allowed.
        default: Value when no layer gives one.
        info: Help, unit and range.
    """

    name: str
    kind: type
    optional: bool
    default: Any
    info: SettingInfo

    @property
    def flag(self) -> str:
        """The option, for instance ``"--learning-rate"``."""
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Values from one place.

    Attributes:
        origin: The place in words, for instance ``"command line"`` or a file's name.
        values: Setting name to value; text from a command line is converted.
    """

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Settings after all layers.

    Attributes:
        settings: Instance of the settings class.
        origins: Setting name to the place that its value came from.
    """

    settings: Any
    origins: Mapping[str, str]


def setting(default: Any, *, help: str, **limits: Any) -> Any:  # noqa: A002 - click's word
    """A dataclass field with help, unit and range.

    Args:
        default: Its value where none is given.
        help: One sentence for ``--help``.
        limits: The other fields of :class:`SettingInfo`.
    """
    return field(default=default, metadata={_KEY: SettingInfo(help=help, **limits)})


def settings_of(kind: type[Any]) -> tuple[Setting, ...]:
    """The settings that a settings class declares, in its order.

    Raises:
        TypeError: A field's type is not one that a command line can give.
    """
    hashable: Any = kind  # which every class is, says the interpreter, and the type checker not
    return _settings_of(hashable)


@functools.cache
def _settings_of(kind: Any) -> tuple[Setting, ...]:
    hints = typing.get_type_hints(kind)
    return tuple(_describe(item, hints[item.name]) for item in dataclasses.fields(kind))


def result_settings(settings: Any) -> dict[str, Any]:
    """Those values of a settings instance that the result follows from, by name.

    Of several values that compute the same, it is one: a settings class may have a method
    ``in_effect`` that returns the instance which stands for all of them.
    """
    same = getattr(settings, "in_effect", None)
    settings = settings if same is None else same()
    return {
        item.name: getattr(settings, item.name)
        for item in settings_of(type(settings))
        if item.info.changes_result
    }


def require_effect(settings: Any, given: Mapping[str, str]) -> None:
    """Refuse a setting that the user gave and that others leave without effect.

    A settings class says which those are, and why, in a method ``overruled``. What a recipe or a
    preset says besides is no mistake of the user's: it is only left out of the identity.

    Args:
        settings: The settings.
        given: The settings that the user gave, and where.

    Raises:
        ConfigError: It names the first one, and what overrules it.
    """
    find = getattr(settings, "overruled", None)
    reasons: Mapping[str, str] = {} if find is None else find()
    for item in settings_of(type(settings)):
        asked = item.name in reasons and item.name in given
        # None, no and zero ask for nothing.
        if asked and getattr(settings, item.name):
            raise ConfigError(
                f"{item.flag} has no effect: {reasons[item.name]}",
                where=given[item.name],
                remedy=f"Leave {item.flag} out.",
            )


def _describe(item: dataclasses.Field[Any], hint: Any) -> Setting:
    options = typing.get_args(hint) if _is_union(hint) else (hint,)
    kinds = [option for option in options if option is not type(None)]
    if len(kinds) != 1 or kinds[0] not in {int, float, str, bool, Path}:
        raise TypeError(f"setting {item.name!r} has type {hint}; use int, float, str, bool or Path")
    return Setting(
        name=item.name,
        kind=kinds[0],
        optional=len(kinds) < len(options),
        default=item.default,
        info=item.metadata.get(_KEY, SettingInfo(help="")),
    )


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in {typing.Union, types.UnionType}


def resolve(kind: type[Any], layers: Sequence[Layer], *, owner: str) -> Resolved:
    """Merge layers, the first that has a value wins, and check every value.

    Args:
        kind: The settings class.
        layers: From the strongest to the weakest.
        owner: Whose settings they are, for messages: ``"model 'tfidf'"``.

    Raises:
        ConfigError: An unknown name, a value of the wrong type or out of range, or values that
            contradict each other.
    """
    known = {item.name: item for item in settings_of(kind)}
    former = former_names(known.values())
    for layer in layers:
        check_names(layer, known, owner=owner, former=former)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, item in known.items():
        found = next((layer for layer in layers if name in layer.values), None)
        values[name] = convert(item, found.values[name], found.origin) if found else item.default
        origins[name] = found.origin if found else DEFAULT
    try:
        return Resolved(settings=kind(**values), origins=origins)
    except ValueError as error:  # a cross-check in __post_init__
        raise ConfigError(f"{owner}: {error}") from error


def former_names(items: Iterable[Setting]) -> dict[str, str]:
    """Names of settings of earlier versions, and what is in their place now."""
    return {former: item.name for item in items for former in item.info.replaces}


def check_names(
    layer: Layer, known: Iterable[str], *, owner: str, former: Mapping[str, str] | None = None
) -> None:
    """Refuse names that ``owner`` does not know.

    Args:
        layer: The values.
        known: The names of its settings.
        owner: Whose settings they are.
        former: Names that it once knew, and what is in their place now.

    Raises:
        ConfigError: With the name that took its place, or the nearest known one.
    """
    names, former = sorted(known), former or {}
    for name in layer.values:
        if name in names:
            continue
        if name in former:
            raise ConfigError(
                f"{owner} no longer has the setting {name!r}: {former[name]!r} took its place",
                where=layer.origin,
                remedy=f"`glueharness run --help-all` explains {former[name]}.",
            )
        listing = f"Its settings: {', '.join(names)}." if names else "It has no settings."
        raise ConfigError(
            f"{owner} has no setting {name!r}{did_you_mean(name, names)}",
            where=layer.origin,
            remedy=listing,
        )


def convert(item: Setting, value: Any, origin: str) -> Any:
    """``value`` as the setting's type, checked against its range.

    Raises:
        ConfigError: It names the setting, its unit and its range.
    """
    if value is None and item.optional:
        return None
    converted = _parse(item, value)
    if converted is None or not _within(item.info, converted) or not _keepable(converted):
        expected = {int: "a whole number", float: "a number", bool: "true or false"}.get(
            item.kind, "text"
        )
        kept = "" if converted is None or _keepable(converted) else _WHAT_IS_KEPT
        limits = ", ".join(part for part in (item.info.range_text(), item.info.unit, kept) if part)
        within = f" ({limits})" if limits else ""
        raise ConfigError(
            f"{item.flag} must be {expected}{within}, not {_shown(value)}", where=origin
        )
    return converted


def _shown(value: Any) -> str:
    """A value for a message, short whatever it is."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, a nest of tables
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _parse(item: Setting, value: Any) -> Any:
    """``value`` in the setting's type, or None if it cannot be read as one."""
    if item.kind is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        return value if isinstance(value, bool) else words.get(str(value).lower())
    if isinstance(value, bool):
        return None
    try:
        if item.kind is int:
            return _whole(value)
        # Zero has two signs, which compute the same and are not the same text.
        return float(value) + 0.0 if item.kind is float else item.kind(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _whole(value: Any) -> int | None:
    """A whole number, of any length, also one that is written as ``1e3`` or ``2.0``."""
    try:
        return int(value) if isinstance(value, int | str) else int(str(value))
    except ValueError:
        number = float(value)
        return int(number) if number == int(number) else None


def _keepable(value: Any) -> bool:
    """Whether a record can keep the value, so that it means the same when it is read again."""
    if isinstance(value, int):
        return bool(-_LARGEST_WHOLE <= value < _LARGEST_WHOLE)
    if isinstance(value, float):
        return abs(value) <= _LARGEST_FLOAT or math.isinf(value)
    return len(str(value)) <= _LONGEST_KEPT


def _within(info: SettingInfo, value: Any) -> bool:
    if info.choices:
        return value in info.choices
    if not isinstance(value, int | float) or isinstance(value, bool):
        return True
    return (
        value == value  # noqa: PLR0124 - not a number is in no range
        and (info.low is None or value >= info.low)
        and (info.high is None or value <= info.high)
        and (info.above is None or value > info.above)
        and (info.below is None or value < info.below)
    )
