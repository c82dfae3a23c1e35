"""Settings as typed fields with unit and range, and the layers that give them values.

A model declares its settings as a frozen dataclass whose fields are made with :func:`setting`.
Each becomes an option of ``glueharness run``, a key of the TOML file and an entry of the record::

    @dataclass(frozen=True, kw_only=True)
    class MySettings:
        epochs: int = setting(3, help="Passes over the training data.", unit="epochs", low=1)
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY = "glueharness"
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
