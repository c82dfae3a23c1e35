"""The suite; and what the hub's own library reads from a card."""

import dataclasses
from pathlib import Path

from huggingface_hub import ModelCard

from glueharness.plugin.registry import Registry
from glueharness.record.record import DataRecord, RunRecord, SplitRecord
from glueharness.record.run_file import write_record
from glueharness.testing import WriterConformance
from glueharness.testing.material import make_task


class TestModelCard(WriterConformance):
    writer = Registry().writers.get("model-card")
    # The card tells of the run, not of each row.
    strict = False


def card(tmp_path: Path, *, sample: bool) -> ModelCard:
    run = tmp_path / "run"
    run.mkdir()
    dev = SplitRecord(role="dev", rows=8, available=8, expected=8, fingerprint="0")
    data = DataRecord(source="dir", location="a | b <i>", sample=sample, splits={"dev": dev})
    write_record(
        run,
        RunRecord(
            id="trial-run", identity="0", task="trial-pair", model="hf:x", seed=1, started="",
            data=data, metrics={"dev": {"accuracy": 0.75}},
        ),
    )  # fmt: skip
    suite = TestModelCard()
    (one,) = suite.predictions(make_task("pair"))
    (path,) = suite.write([dataclasses.replace(one, folder=run)], tmp_path)
    return ModelCard.load(path)


def test_the_metadata_hold_the_scores(tmp_path: Path) -> None:
    (result,) = card(tmp_path, sample=False).data.eval_results
    assert result.metric_type == "accuracy"
    assert result.metric_value == 0.75
    assert result.dataset_split == "dev"


def test_sample_scores_stay_out_of_the_metadata(tmp_path: Path) -> None:
    made = card(tmp_path, sample=True)
    assert not made.data.eval_results
    assert "not comparable" in made.text


def test_text_from_outside_is_escaped(tmp_path: Path) -> None:
    assert r"a \| b \<i\>" in card(tmp_path, sample=False).text
