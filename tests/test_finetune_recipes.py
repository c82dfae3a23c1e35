"""Settings that follow from the encoder and from the number of epochs, unless the user chose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import Interrupted, ModelContext
from glueharness.run.config import COMMAND_LINE
from glueharness_finetune import Checkpoint, FinetuneSettings
from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.recipes import recipe_by_width
from glueharness_finetune.start import width_of
from tests.finetune_tools import Listener, colour_rows, colour_task, listen, write_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

NARROW = {"learning_rate": 2e-4, "layerwise_lr_decay": 0.8}
ROWS = colour_rows(64)


def encoder(checkpoint: Path, **chosen: Any) -> FinetunedEncoder:
    """An encoder of which the user chose just these settings, and one thread and fp32."""
    chosen = {"threads": 1, "precision": "fp32", **chosen}
    context = ModelContext(
        task=colour_task(),
        settings=FinetuneSettings(**chosen),
        seed=1,
        origins=dict.fromkeys(chosen, COMMAND_LINE),
    )
    return FinetunedEncoder(context, Checkpoint(name=str(checkpoint)))


def fit(model: FinetunedEncoder, folder: Path, **facts: Any) -> Listener:
    listener = listen(folder, model.task, {"dev": ROWS}, **facts)
    model.fit(ROWS, listener.dev, listener)
    return listener


def dropout_of(folder: Path) -> tuple[float, float]:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config["hidden_dropout_prob"], config["attention_probs_dropout_prob"]


def test_narrow_encoders_have_a_recipe() -> None:
    assert recipe_by_width(384) == NARROW
    assert recipe_by_width(768) == {}
    assert recipe_by_width(None) == {}


def test_the_width_is_found_whatever_an_architecture_calls_it(tmp_path: Path) -> None:
    from transformers import BertConfig, DistilBertConfig, GPT2Config, XLNetConfig

    configs = [
        BertConfig(hidden_size=32), DistilBertConfig(dim=32), GPT2Config(n_embd=32),
        XLNetConfig(d_model=32),
    ]  # fmt: skip
    for place, config in enumerate(configs):
        folder = tmp_path / str(place)
        config.save_pretrained(folder)
        assert width_of(folder) == 32, type(config)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"epochs": 2}, NARROW),
        ({"epochs": 1}, {**NARROW, "dropout": 0.0}),
        ({"epochs": 1, "dropout": 0.1}, NARROW),
        # A rate and the share of lower layers belong together.
        ({"epochs": 2, "learning_rate": 2e-5}, {}),
        ({"epochs": 1, "learning_rate": 2e-5}, {"dropout": 0.0}),
        ({"epochs": 2, "layerwise_lr_decay": 0.9}, {}),
    ],
    ids=str,
)
def test_what_the_user_chose_stays_and_the_rest_is_told(
    tmp_path: Path, chosen: dict[str, float], expected: dict[str, float]
) -> None:
    model = encoder(write_checkpoint(tmp_path / "encoder"), **chosen)
    listener = fit(model, tmp_path / "run")
    assert {name: value for name, (value, _) in listener.adjusted.items()} == expected
    for name, value in {**expected, **chosen}.items():
        assert getattr(model.settings, name) == value
    assert listener.notes["engine"]["layerwise_lr_decay"] is (model.settings.layerwise_lr_decay < 1)


def test_the_saved_model_keeps_the_dropout_of_its_checkpoint(tmp_path: Path) -> None:
    folder = write_checkpoint(
        tmp_path / "encoder", hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3
    )
    model = encoder(folder, epochs=1)
    fit(model, tmp_path / "run")
    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    assert dropout_of(tmp_path / "saved") == (0.2, 0.3)
    again = encoder(tmp_path / "saved", epochs=2)
    fit(again, tmp_path / "again")
    assert again.settings.dropout is None


def test_a_resumed_run_has_the_recipes_of_its_start(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "encoder", hidden_dropout_prob=0.2)
    undisturbed = encoder(folder, epochs=1, batch_size=8)
    expected = fit(undisturbed, tmp_path / "a")
    begun = listen(tmp_path / "b", undisturbed.task, {"dev": ROWS})
    begun.on_report = lambda report: setattr(
        begun, "asked", report.phase == "train" and report.done == 3
    )
    with pytest.raises(Interrupted):
        encoder(folder, epochs=1, batch_size=8).fit(ROWS, begun.dev, begun)
    assert sum(report.phase == "train" for report in begun.reports) == 3
    rest = encoder(folder, epochs=1, batch_size=8)
    resumed = fit(rest, tmp_path / "b", resume=True)
    assert resumed.adjusted == expected.adjusted == begun.adjusted
    assert rest.settings == undisturbed.settings
    assert resumed.epochs == expected.epochs
    (tmp_path / "saved").mkdir()
    rest.save(tmp_path / "saved")
    assert dropout_of(tmp_path / "saved") == (0.2, 0.1)
