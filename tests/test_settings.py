"""Settings: types, ranges, layers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from glueharness import ConfigError, setting
from glueharness.run.config import read_toml
from glueharness.settings.fields import Layer, result_settings, settings_of
from glueharness.settings.values import resolve


@dataclass(frozen=True, kw_only=True)
class Example:
    """Settings of every type."""

    count: int = setting(3, help="A count.", unit="things", low=1, high=9)
    rate: float = setting(0.5, help="A rate.", above=0.0, below=1.0)
    name: str = setting("a", help="A name.", choices=("a", "b"))
    on: bool = setting(False, help="A switch.")
    folder: Path | None = setting(None, help="A folder.")

    def __post_init__(self) -> None:
        if self.on and self.count == 9:
            raise ValueError("count 9 cannot be switched on")


def settle(**values: Any) -> Example:
    found = resolve(Example, [Layer(origin="test", values=values)], owner="example")
    assert isinstance(found.settings, Example)
    return found.settings


def test_text_from_a_command_line_is_converted() -> None:
    assert settle(count="4", rate="1e-3", name="b", on="true", folder="x/y") == Example(
        count=4, rate=1e-3, name="b", on=True, folder=Path("x/y")
    )


@pytest.mark.parametrize(
    "values",
    [
        {"count": "0"},
        {"count": "10"},
        {"count": "3.5"},
        {"count": "inf"},
        {"count": True},
        {"rate": "0"},
        {"rate": "1"},
        {"rate": "nan"},
        {"rate": "fast"},
        {"name": "c"},
        {"on": "perhaps"},
        {"count": None},
    ],
)
def test_what_is_out_of_range_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        settle(**values)
    (name,) = values
    assert f"--{name}" in caught.value.what
    assert caught.value.where == "test"


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match="example: count 9 cannot be switched on"):
        settle(on=True, count=9)


def test_the_first_layer_wins() -> None:
    layers = [Layer(origin="a", values={"count": 1}), Layer(origin="b", values={"count": 2})]
    found = resolve(Example, layers, owner="example")
    assert (found.settings.count, found.origins["count"]) == (1, "a")
    assert found.origins["rate"] == "default"


def test_a_type_that_no_command_line_can_give_is_the_authors_error() -> None:
    @dataclass(frozen=True)
    class Wrong:
        values: tuple[int, ...] = ()

    with pytest.raises(TypeError, match="values"):
        settings_of(Wrong)


@pytest.mark.parametrize(
    ("text", "said"),
    [("count = ", "not valid TOML"), ("[part]\ncount = 1", "'part' is a table"), (None, "cannot")],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "settings.toml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        read_toml(file)
    assert caught.value.where == str(file)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Settings of which one cannot change the result."""

    rate: float = setting(0.5, help="A rate.")
    pause: int = setting(3, help="A pause.", changes_result=False)


def test_a_setting_may_say_that_the_result_does_not_follow_from_it() -> None:
    assert result_settings(Kept(rate=0.25, pause=7)) == {"rate": 0.25}
    assert [item.info.changes_result for item in settings_of(Kept)] == [True, False]
