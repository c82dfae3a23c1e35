"""Finding runs by what they are: ``model=bert-*``, ``score>80``, ``tag=paper``, any setting."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeAlias

from glueharness.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore

Value: TypeAlias = "str | int | float | bool | datetime | tuple[str, ...] | None"
"""What a field of a run has; None: nothing."""

_FORM = re.compile(r"([\w .-]+?)\s*(!=|<=|>=|==|=|<|>)(.*)", re.DOTALL)
_MINUTE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d([+-]\d\d:\d\d|Z)?")
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a run.

    Attributes:
        field: Name of the field.
        sign: ``=``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.
        value: What it is compared with; for ``=`` and ``!=`` ``*`` and ``?`` stand for anything.
    """

    field: str
    sign: str
    value: str

    @classmethod
    def of(cls, text: str) -> Condition:
        """A condition from the command line.

        Raises:
            ConfigError: It is none.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise ConfigError(
                f"{text!r} is no condition",
                remedy="Write FIELD=VALUE, or with !=, <, <=, >, >=: --where 'model=bert-*'",
            )
        sign = "=" if found[2] == "==" else found[2]  # as many a programmer writes it
        return cls(found[1].strip(), sign, _unquoted(found[3].strip()))


def _unquoted(value: str) -> str:
    """The value without the quotes that a shell had no reason to take off."""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


class _Points(float):
    """A score, which tables round: 58.32 is found by what they show of it."""


def _points(value: float | None) -> float | None:
    return None if value is None else _Points(100 * value)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _here(found)


def _here(moment: datetime) -> datetime:
    """The moment on this machine's clock; as it is where that clock has no such year."""
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_FIELDS: Mapping[str, Callable[[RunRecord, RunStore], Value]] = {
    "id": lambda run, _: run.id,
    "task": lambda run, _: run.task,
    "version": lambda run, _: run.task_version,
    "model": lambda run, _: run.model,
    "seed": lambda run, _: run.seed,
    "state": lambda run, store: store.state(run),
    "score": lambda run, _: _points(run.primary),
    "metric": lambda run, _: run.primary_metric,
    "date": lambda run, _: _moment(run.started),
    "finished": lambda run, _: _moment(run.finished),
    "kind": lambda run, _: run.kind,
    "marks": lambda run, _: run.marks,
    "tag": lambda run, store: store.annotations(run).tags,
    "note": lambda run, store: store.annotations(run).note,
    "archived": lambda run, store: store.annotations(run).archived,
    "imported": lambda run, store: bool(store.annotations(run).imported),
    "identity": lambda run, _: run.identity,
}
_ALSO_CALLED = {"run": "id", "status": "state", "points": "score"}
"""What headings of tables and JSON call these fields."""
_NOTHING = frozenset({"", "none", "–"})


class Fields:
    """What the runs of a store can be asked for: the fields above, metrics, and settings.

    Args:
        store: The store.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store

    def getter(self, name: str) -> Callable[[RunRecord], Value]:
        """What gives a run's value of a field.

        Raises:
            UnknownNameError: There is no such field, and no run has such a metric or setting.
        """
        plain = re.sub(r"[- ]", "_", name.strip().lower())
        plain = _ALSO_CALLED.get(plain, plain)
        if plain in _FIELDS:
            field = _FIELDS[plain]
            return lambda run: field(run, self._store)
        records = self._store.all()
        metrics = {each for run in records for scores in run.metrics.values() for each in scores}
        if plain in metrics:
            return lambda run: _mean_of(run, plain)
        settings = {each for run in records for each in run.settings}
        if plain in settings:
            return lambda run: _setting_of(run, plain)
        raise UnknownNameError.among("field", name, {*_FIELDS, *metrics, *settings})

    def where(self, records: Iterable[RunRecord], conditions: Sequence[str]) -> list[RunRecord]:
        """The runs that meet all conditions.

        Raises:
            ConfigError: A condition is none, or compares what cannot be compared.
            UnknownNameError: It names a field that there is not.
        """
        found = list(records)
        for condition in map(Condition.of, conditions):
            value_of = self.getter(condition.field)
            found = [run for run in found if _holds(value_of(run), condition)]
        return found

    def sorted(self, records: Iterable[RunRecord], by: str) -> list[RunRecord]:
        """The runs in the order of a field: numbers and dates from the highest, texts from A.

        Args:
            records: The runs.
            by: The field; with ``-`` before it the other way round.

        Raises:
            UnknownNameError: There is no such field.
        """
        value_of = self.getter(by.removeprefix("-"))
        valued = [(value_of(run), run) for run in records]
        known: list[tuple[Any, RunRecord]] = [pair for pair in valued if pair[0] is not None]
        ordered = any(
            all(is_one(value) for value, _ in known)
            for is_one in (_is_number, lambda value: isinstance(value, datetime))
        )
        known.sort(
            key=lambda pair: pair[0] if ordered else _text(pair[0]),
            reverse=ordered != by.startswith("-"),
        )
        return [run for _, run in known] + [run for value, run in valued if value is None]


def text_of(value: Value) -> str:
    """A value for a table."""
    return "–" if value is None or value == () else _text(value)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def _mean_of(run: RunRecord, metric: str) -> float | None:
    found = [scores[metric] for scores in run.metrics.values() if metric in scores]
    return _points(sum(found) / len(found)) if found else None


def _setting_of(run: RunRecord, name: str) -> Value:
    item = run.settings.get(name)
    if item is None:
        return None
    if item.value == "auto" and run.computation is not None:
        # What it came to: `device=cuda` finds the runs that were not told to use one, too.
        resolved = run.computation.system.get(name)
        if isinstance(resolved, str) and resolved:
            return resolved.partition(":")[0] if name == "device" else resolved
    return item.value


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _holds(value: Value, condition: Condition) -> bool:
    if condition.sign == "!=":
        return not _equals(value, condition)
    if condition.sign == "=":
        return _equals(value, condition)
    return value is not None and _compares(value, condition)


def _equals(value: Value, condition: Condition) -> bool:
    given = condition.value
    if value is None:
        return given.lower() in _NOTHING
    if isinstance(value, tuple):
        asked = [part.strip() for part in given.split(",")]  # as tables list them
        has = [any(fnmatchcase(each, part) for each in value) for part in asked]
        return all(has) if given else not value
    if isinstance(value, bool):
        if given.lower() not in _YES_NO:
            raise ConfigError(f"{condition.field} is yes or no, not {given!r}")
        return value is _YES_NO[given.lower()]
    if isinstance(value, datetime):
        first, after = _span(condition)
        return first <= value < after or value == first
    if _is_number(value):
        number = _number(given)
        if number is not None:
            if isinstance(value, _Points) and f"{value:.{_digits(given)}f}" == given:
                return True
            return abs(float(value) - number) <= 1e-9 * max(1.0, abs(number))
    return fnmatchcase(_text(value), given)


def _compares(value: Value, condition: Condition) -> bool:
    sign = condition.sign
    if isinstance(value, tuple | bool):
        raise ConfigError(f"{condition.field} has no order: compare it with = or !=")
    if isinstance(value, datetime):
        first, after = _span(condition)
        if sign in {"<", ">="}:
            return (value < first) is (sign == "<")
        past = value >= after if after > first else value > first
        return past is (sign == ">")
    left: Any = value
    right: Any = condition.value
    if _is_number(value):
        right = _number(condition.value)
        if right is None:
            raise ConfigError(f"{condition.field} is a number, and {condition.value!r} is none")
    if sign in {"<", ">="}:
        return bool(left < right) is (sign == "<")
    return bool(left > right) is (sign == ">")


def _number(text: str) -> float | None:
    try:
        found = float(text.replace("_", "").replace(",", ""))
    except ValueError:
        return None
    return None if math.isnan(found) else found


def _digits(number: str) -> int:
    """How many digits stand behind the point, at least one: a whole number is no rounded score."""
    return min(max(1, len(number.partition(".")[2])), 20)


def _span(condition: Condition) -> tuple[datetime, datetime]:
    """From when until when what was given lasts: a day, a minute, or a moment."""
    given = condition.value
    try:
        day = date.fromisoformat(given)
    except ValueError:
        found = _moment(given)
        if found is None:
            raise ConfigError(
                f"{given!r} is no date", remedy=f"Write {condition.field}{condition.sign}2026-11-27"
            ) from None
        return found, _after(found, timedelta(minutes=1)) if _MINUTE.fullmatch(given) else found
    start = datetime.combine(day, time.min)
    return _here(start), _here(_after(start, timedelta(days=1)))


def _after(moment: datetime, span: timedelta) -> datetime:
    try:
        return moment + span
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)
