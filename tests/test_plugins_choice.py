"""Plugins left out, switched off, loaded from files and from a project's folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from glueharness import ConfigError, UnknownNameError
from glueharness.plugin.api_version import API_VERSION, api_problem
from glueharness.plugin.choice import PluginChoice, config_file, user_choice
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from tests.installing import call

if TYPE_CHECKING:
    from pathlib import Path

FILE = """
from glueharness import ModelSpec, hookimpl

@hookimpl
def glueharness_models():
    return [ModelSpec(name="trial", description="A trial.", factory=print)]
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder of the test's own."""
    monkeypatch.setenv("GLUEHARNESS_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config"


def loaded(**choice: tuple[object, ...]) -> Registry:
    return Registry(load_plugins(choice=PluginChoice(**choice)))  # type: ignore[arg-type]  # what a test gives


def test_a_plugin_is_left_out_by_its_name() -> None:
    registry = loaded(without=("baselines",))
    assert "tfidf" not in registry.models.items
    assert registry.plugins.statuses["baselines"].state == "disabled"
    assert "bert-tiny" in registry.models.items


def test_a_distribution_is_left_out_with_all_its_plugins() -> None:
    registry = loaded(without=("glueharness",))
    assert {status.state for status in registry.plugins.statuses.values()} == {"disabled"}


def test_an_unknown_plugin_cannot_be_left_out() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'baselines'"):
        loaded(without=("baseline",))
    loaded(disabled=("uninstalled-since",))


def test_a_file_that_adds_nothing_says_so(tmp_path: Path) -> None:
    file = tmp_path / "helper.py"
    file.write_text("def helped():\n    return 1\n", encoding="utf-8")
    named = user_choice(files=(file,))
    (problem,) = load_plugins(choice=named).statuses["helper"].problems
    assert problem.what == "it implements no hook, so that it adds nothing"
    assert "@glueharness.hookimpl" in problem.remedy
    # In a folder it may be what the other files import.
    (tmp_path / "mine.py").write_text(FILE, encoding="utf-8")
    plugins = load_plugins(choice=user_choice(files=(tmp_path,)))
    assert not plugins.statuses["helper"].problems
    assert not plugins.reports


def test_a_file_is_a_plugin(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FILE, encoding="utf-8")
    registry = loaded(files=(tmp_path / "mine.py",))
    assert registry.models.get("trial").description == "A trial."
    status = registry.models.owner("trial")
    assert status.distribution == str(tmp_path / "mine.py")
    assert len(status.version) == 12


def test_a_broken_file_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "torn.py").write_text("\nnothing\n", encoding="utf-8")
    status = loaded(files=(tmp_path / "torn.py",)).plugins.statuses["torn"]
    assert "NameError: name 'nothing' is not defined [torn.py:2]" in status.error


def test_files_come_from_options_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    for name in ("a.py", "_helper.py", "b.txt"):
        (folder / name).write_text("", encoding="utf-8")
    monkeypatch.setenv("GLUEHARNESS_PLUGINS", str(folder))
    assert user_choice(files=(folder / "_helper.py",)).files == (
        folder / "_helper.py",
        folder / "a.py",
    )
    with pytest.raises(ConfigError, match="no such plugin file"):
        user_choice(files=(tmp_path / "absent.py",))


def test_a_damaged_configuration_is_named(config: Path) -> None:
    config.mkdir()
    config_file().write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        user_choice()
    assert caught.value.where == str(config / "plugins.json")


def test_disable_lasts_until_enable(tmp_path: Path) -> None:
    done = call("plugins", "disable", "baselines", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    listed = json.loads(call("plugins", "--json", folder=tmp_path).stdout)
    states = {item["name"]: item["state"] for item in listed}
    assert states["baselines"] == "disabled"
    assert states["bert"] == "loaded"
    done = call("plugins", "enable", "baselines", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(config_file().read_text(encoding="utf-8"))["disabled"] == []
    assert call("plugins", "disable", "bseline", folder=tmp_path).returncode == 1


def test_a_projects_folder_is_loaded_once_it_is_trusted(tmp_path: Path, config: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mine.py").write_text(FILE, encoding="utf-8")
    before = call("plugins", folder=tmp_path)
    assert "mine" not in before.stdout
    assert "plugins/ has 1 more, which are not loaded" in before.stderr
    assert call("plugins", "trust", folder=tmp_path).returncode == 0
    assert config.is_dir()
    after = call("models", "show", "trial", folder=tmp_path)
    assert "A trial." in after.stdout, after.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert call("models", "show", "trial", folder=elsewhere).returncode == 1
    assert call("plugins", "distrust", folder=tmp_path).returncode == 0
    assert call("models", "show", "trial", folder=tmp_path).returncode == 1


def test_options_for_plugins_work_before_any_command(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import click\nfrom glueharness import CommandSpec, hookimpl\n"
        "@hookimpl\ndef glueharness_commands():\n"
        "    return [CommandSpec(name='greet', help='Greet.', factory=lambda: greet)]\n"
        "@click.command()\ndef greet():\n    click.echo('hello')\n",
        encoding="utf-8",
    )
    assert call("--plugin", "mine.py", "greet", folder=tmp_path).stdout == "hello\n"
    assert "greet" in call("--plugin", "mine.py", "--help", folder=tmp_path).stdout
    assert call("--plugin", "mine.py", "--no-plugin", "mine", "greet", folder=tmp_path).returncode


@pytest.mark.parametrize(
    ("required", "remedy"),
    [
        (None, ""),
        (API_VERSION, ""),
        ("1.999", "pip install --upgrade glueharness"),
        ("2.0", "pip install --upgrade glueharness"),
        ("0.1", "pip install --upgrade mine"),
        ("one", "must be a text"),
        (1.0, "must be a text"),
    ],
)
def test_a_plugin_is_used_if_its_api_version_fits(required: object, remedy: str) -> None:
    problem, said = api_problem(required, "mine")
    assert bool(problem) == bool(remedy)
    assert remedy in said
