"""An encoder in bfloat16 scores as the same encoder in float32 does, and is left as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from glueharness_finetune import Checkpoint
from glueharness_finetune.cpu.bf16_scoring import can_be_halved, encoder_in_bf16
from glueharness_finetune.model import FinetunedEncoder
from tests.finetune_tools import colour_rows, colour_task, listen, model_context, write_checkpoint
from tests.test_speed_attention import DISTIL, SMALL, WITH_TABLE, WITHOUT_TABLE, inputs, model_of

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {
    **WITH_TABLE,
    **WITHOUT_TABLE,
    "albert": {**SMALL, "embedding_size": 16},
    "xlm-roberta": SMALL,
}


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_float32(kind: str) -> None:
    model = model_of(kind, KINDS[kind], "eager" if kind in WITHOUT_TABLE else "sdpa")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    places = {name: value.data_ptr() for name, value in model.named_parameters()}
    assert can_be_halved(model)
    with torch.inference_mode():
        expected = model(**inputs(6)).logits
        with encoder_in_bf16(model):
            assert all(p.dtype is torch.bfloat16 for p in model.base_model.parameters())
            found = model(**inputs(6)).logits
        again = model(**inputs(6)).logits

    assert found.dtype is torch.float32
    assert 0 < (found - expected).abs().max() < 0.02 * expected.abs().max()
    assert torch.equal(again, expected)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    assert {name: value.data_ptr() for name, value in model.named_parameters()} == places


def test_weights_come_back_after_an_error() -> None:
    model = model_of("distilbert", DISTIL)
    with pytest.raises(RuntimeError, match="stop"), encoder_in_bf16(model):
        raise RuntimeError("stop")
    assert all(p.dtype is torch.float32 for p in model.parameters())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_model_without_layers_on_top_is_left_alone() -> None:
    assert not can_be_halved(model_of("bert", SMALL).base_model)
    assert not can_be_halved(model_of("bert", SMALL).half())


def test_the_engine_scores_in_bf16_and_leaves_the_weights(tmp_path: Path) -> None:
    task, rows = colour_task(), colour_rows(40)
    folder = write_checkpoint(tmp_path / "encoder")
    model = FinetunedEncoder(
        model_context(task, precision="bf16", epochs=1), Checkpoint(name=str(folder))
    )
    model.fit(rows, {"dev": rows}, listen(tmp_path / "run", task, {"dev": rows}))
    assert model._classifier is not None
    network = model._classifier.model
    before = {name: value.clone() for name, value in network.state_dict().items()}
    seen = set()
    network.base_model.register_forward_pre_hook(
        lambda layer, _: seen.add(next(layer.parameters()).dtype)
    )

    # Other rows than those of dev, which training has scored already.
    scores = model.predict(colour_rows(40))

    assert seen == {torch.bfloat16}
    assert scores.dtype == np.float32
    assert len(np.unique(scores[:, 0])) > len(rows) // 2  # float32's digits, not bfloat16's
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
