"""Values of settings: merged from layers, read from text, checked against type and range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError, did_you_mean
from glueharness.settings.fields import DEFAULT, Resolved, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from glueharness.settings.fields import Layer, Setting, SettingInfo

_LONGEST_SHOWN = 80
_LARGEST_WHOLE, _LARGEST_FLOAT, _LONGEST_KEPT = 2**63, 1e300, 10_000
_WHAT_IS_KEPT = "a record keeps whole numbers of 64 bits and texts of 10,000 characters"


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
