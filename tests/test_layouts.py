"""A stranger's task says where its data are with the same records as GLUE's own tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import ACCURACY, HubLayout, SplitSpec, TaskSpec, TsvLayout, hookimpl
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.run.config import build_config
from glueharness.run.one_run import run
from glueharness.settings.fields import Layer

if TYPE_CHECKING:
    from pathlib import Path

TONE = TaskSpec(
    name="tone",
    title="Tone",
    description="Is the headline friendly?",
    columns=("text",),
    labels=("unfriendly", "friendly"),
    splits=(SplitSpec(name="train", role="train"), SplitSpec(name="dev", role="dev")),
    metrics=(ACCURACY,),
    locations=(
        TsvLayout(
            folder="Headlines",
            files={"train": "first.tsv", "dev": "second.tsv"},
            columns={"text": "headline"},
            label="tone",
            labels={"-": "unfriendly", "+": "friendly"},
        ),
        HubLayout(
            repository="somebody/headlines",
            revision="0" * 40,
            config="default",
            splits={"train": "train", "dev": "validation"},
        ),
    ),
)


class TonePlugin:
    """Offers the task."""

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """One task."""
        return [TONE]


def test_files_below_the_users_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "Headlines"
    folder.mkdir(parents=True)
    (folder / "first.tsv").write_text("tone\theadline\n+\tgood day\n+\tgood night\n-\tgo away\n")
    (folder / "second.tsv").write_text("headline\ttone\ngood evening\t+\ngo home\t-\n")
    plugins = load_plugins()
    plugins.register(TonePlugin(), "tone")
    registry = Registry(plugins)
    given = {"model": "majority", "runs_dir": str(tmp_path / "runs"), "data": "dir"}
    given["data_dir"] = str(folder.parent)
    config = build_config("tone", [Layer(origin="test", values=given)], registry)
    record = run(config, registry).record
    assert record.data.source == "dir"
    assert record.metrics == {"dev": {"accuracy": 0.5}}


def test_each_source_finds_its_own_kind() -> None:
    assert TONE.location(TsvLayout) is TONE.locations[0]
    assert TONE.location(HubLayout) is TONE.locations[1]
