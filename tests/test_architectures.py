"""Every architecture that transformers can classify with: trains and agrees, or is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as CLASSIFIERS,
)

from glueharness import ModelError
from glueharness.plugin.registry import Registry
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.one_run import run
from glueharness.settings.fields import Layer
from glueharness_glue.sample import generate
from tests.tiny_checkpoints import LEFT_OUT, write_tiny

if TYPE_CHECKING:
    from pathlib import Path

DEV_ROWS = 24
# Those that cannot be trained as they are, and what is said of them.
REFUSED = {
    "reformer": "make sure that config.axial_pos_shape factors",
}


def run_rte(folder: Path, runs: Path) -> Any:
    """A run as ``glueharness run rte --model hf:FOLDER`` makes it, with few rows."""
    values = {
        "model": f"hf:{folder}", "data": "sample", "offline": "true", "runs_dir": str(runs),
        "epochs": "1", "batch_size": "16", "precision": "fp32", "threads": "1",
        "limit_train": "48", "limit_dev": str(DEV_ROWS),
    }  # fmt: skip
    registry = Registry()
    return run(build_config("rte", [Layer(origin=COMMAND_LINE, values=values)], registry), registry)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", sorted(CLASSIFIERS))
def test_it_trains_and_agrees_with_plain_transformers_or_is_refused(
    architecture: str, tmp_path: Path
) -> None:
    if architecture in LEFT_OUT:
        pytest.skip(LEFT_OUT[architecture])
    splits = generate("rte")
    texts = [str(row[name]) for row in splits["train"] for name in ("sentence1", "sentence2")]
    folder = write_tiny(architecture, tmp_path / "weights", texts)
    if architecture in REFUSED:
        with pytest.raises(ModelError, match=REFUSED[architecture]) as caught:
            run_rte(folder, tmp_path / "runs")
        assert "plugin" not in str(caught.value)
        return
    record = run_rte(folder, tmp_path / "runs").record
    assert record.status == "completed"
    found = scores_of_run(tmp_path / "runs" / record.id)
    saved = tmp_path / "runs" / record.id / "model"
    wanted = plain_scores(saved, splits["dev"][:DEV_ROWS], int(record.notes["max_length"]))
    assert found.shape == wanted.shape == (DEV_ROWS, 2)
    assert np.abs(found - wanted).max() < 1e-4


def scores_of_run(folder: Path) -> Any:
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "predictions" / "dev.parquet")
    return np.stack([table[f"score:{label}"] for label in ("entailment", "not_entailment")], 1)


def plain_scores(folder: Path, rows: Any, longest: int) -> Any:
    """What plain transformers says of each row by itself, without padding."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder)
    model.train(mode=False)
    found = []
    for row in rows:
        inputs = tokenizer(
            row["sentence1"], row["sentence2"], truncation="longest_first", max_length=longest,
            return_tensors="pt",
        )  # fmt: skip
        with torch.no_grad():
            found.append(model(**inputs).logits.numpy())
    return np.concatenate(found)


def test_most_are_expected_to_train() -> None:
    assert set(REFUSED) | set(LEFT_OUT) <= set(CLASSIFIERS)
    assert len(CLASSIFIERS) - len(REFUSED) - len(LEFT_OUT) >= 37
