"""Fused layers, and a last layer that is computed in part, give what the plain layers give."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers
from torch import nn

from glueharness_finetune import Checkpoint
from glueharness_finetune.cpu import attention, dropout, layers
from glueharness_finetune.cpu.bf16_scoring import encoder_in_bf16
from glueharness_finetune.cpu.fused_layer import FusedLayer, Plan
from glueharness_finetune.model import FinetunedEncoder
from tests.finetune_tools import (
    LABELS,
    colour_rows,
    colour_task,
    listen,
    model_context,
    write_checkpoint,
)
from tests.test_speed_attention import DISTIL, MODERN, SMALL, inputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KNOWN: dict[str, dict[str, Any]] = {
    "bert": SMALL,
    "roberta": SMALL,
    "xlm-roberta": SMALL,
    "distilbert": DISTIL,
    "electra": {**SMALL, "embedding_size": 16},
}
UNKNOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "other activation": ("bert", {**SMALL, "hidden_act": "gelu_new"}),
    "decoder": ("bert", {**SMALL, "is_decoder": True}),
    "normalised before": ("roberta-prelayernorm", SMALL),
    "modernbert": ("modernbert", MODERN),
    "mpnet": ("mpnet", SMALL),
    "deberta": ("deberta-v2", SMALL),
}


def model_of(kind: str, sizes: dict[str, Any], rate: float = 0.0) -> Any:
    """A small classifier whose weights are large enough to matter, the same each time."""
    torch.manual_seed(4)
    config = transformers.AutoConfig.for_model(kind, **sizes)
    make: Any = transformers.AutoModelForSequenceClassification.from_config
    model = make(config)
    for name, weight in model.named_parameters():
        if "norm" not in name.lower():
            weight.data.normal_(std=0.15)
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = rate
    return model


def quick(model: Any, *, fuse: bool = True, trim: bool = True) -> tuple[bool, bool]:
    attention.install(model)
    dropout.install(model)
    return layers.install(model, fuse=fuse, trim=trim)


def gradients(model: Any, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[str, Any]]:
    logits = model(**batch).logits
    torch.autograd.backward(logits.square().sum())
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return logits.detach(), found


@pytest.mark.parametrize("kind", KNOWN)
@pytest.mark.parametrize(("fuse", "trim"), [(True, True), (True, False), (False, True)])
def test_logits_and_gradients_are_those_of_the_plain_layers(
    kind: str, fuse: bool, trim: bool
) -> None:
    plain, ours = (model_of(kind, KNOWN[kind]).train() for _ in range(2))
    assert quick(ours, fuse=fuse, trim=trim) == (fuse, trim)
    for batch in (inputs(), inputs(rows=1)):  # with padding, and without
        expected, expected_gradients = gradients(plain.train(), batch)
        found, found_gradients = gradients(ours.train(), batch)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(found_gradients, expected_gradients, rtol=1e-4, atol=2e-5)
        computed = 1 if trim else batch["input_ids"].shape[1]
        assert ours.base_model(**batch).last_hidden_state.shape[1] == computed
        with torch.inference_mode():
            expected, found = (model.eval()(**batch).logits for model in (plain, ours))
            assert ours.base_model(**batch).last_hidden_state.shape[1] == computed
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("attn", ["sdpa", "eager"])
def test_a_last_layer_is_trimmed_under_the_masks_of_other_attentions(attn: str) -> None:
    plain, ours = (model_of("bert", SMALL).train() for _ in range(2))
    for model in (plain, ours):
        model.set_attn_implementation(attn)
    assert layers.install(ours, fuse=False, trim=True) == (False, True)
    expected, expected_gradients = gradients(plain, inputs())
    found, found_gradients = gradients(ours, inputs())
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found_gradients, expected_gradients, rtol=1e-4, atol=2e-5)
    assert ours.base_model(**inputs()).last_hidden_state.shape[1] == 1


@pytest.mark.parametrize("kind", KNOWN)
def test_bf16_errors_are_no_larger(kind: str) -> None:
    plain, ours = (model_of(kind, KNOWN[kind]).train() for _ in range(2))
    quick(ours)
    exact, exact_gradients = gradients(plain, inputs())
    errors = []
    for model in (plain, ours):
        with torch.autocast("cpu", torch.bfloat16):
            logits, found = gradients(model, inputs())
        far = [float((found[name] - exact_gradients[name]).abs().max()) for name in found]
        errors.append((float((logits.float() - exact).abs().max()), max(far)))
    largest = max(float(each.abs().max()) for each in exact_gradients.values())
    for theirs, mine, scale in zip(*errors, (1.0, largest), strict=True):
        assert 0 < mine < 2 * theirs + 0.01 * scale
    with torch.inference_mode(), encoder_in_bf16(ours.eval()):
        half = ours(**inputs()).logits
    torch.testing.assert_close(half, exact, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    ("masked", "positions"), [*itertools.product(("no", "keys", "pairs"), (None, 1))]
)
def test_gradients_with_dropout_are_those_of_finite_differences(
    masked: str, positions: int | None
) -> None:
    generator = torch.Generator().manual_seed(3)

    def draw(*size: int) -> torch.Tensor:
        values = torch.randn(*size, generator=generator, dtype=torch.float64)
        return (0.5 * values).requires_grad_()

    b, s, w, f = 2, 4, 6, 5
    mask = None
    if masked != "no":
        mask = torch.zeros(b, 1, s if masked == "pairs" else 1, s, dtype=torch.float64)
        mask[1, ..., -1] = -1e30
    sizes = [*[(w, w), (w,)] * 4, (w,), (w,), (f, w), (f,), (w, f), (w,), (w,), (w,)]
    plan = Plan(
        heads=2, epsilons=(1e-5, 1e-5), dropouts=(0.2, 0.3, 0.4), dtype=torch.float64,
        positions=positions,
    )  # fmt: skip

    def layer(states: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(5)  # the same elements are dropped each time
        apply: Any = FusedLayer.apply
        found: torch.Tensor = apply(states, mask, plan, *weights)
        return found

    assert torch.autograd.gradcheck(layer, (draw(b, s, w), *(draw(*size) for size in sizes)))


@pytest.mark.parametrize("trim", [True, False])
def test_dropout_leaves_the_mean_and_has_the_spread_of_the_plain_layers(trim: bool) -> None:
    def draws(model: Any) -> torch.Tensor:
        batch = inputs()
        torch.manual_seed(6)
        return torch.stack([model(**batch).logits.detach() for _ in range(400)])

    plain, ours = (model_of("bert", SMALL, rate=0.2).train() for _ in range(2))
    quick(ours, trim=trim)
    theirs, mine = draws(plain), draws(ours)
    error = theirs.std(0) * (2 / 400) ** 0.5
    assert bool(((theirs.mean(0) - mine.mean(0)).abs() < 4 * error).all())
    assert bool(((theirs.std(0) / mine.std(0) - 1).abs() < 0.2).all())
    assert torch.equal(draws(ours), mine)


@pytest.mark.parametrize("name", UNKNOWN)
def test_layers_of_another_kind_stay_as_they_are(name: str) -> None:
    kind, sizes = UNKNOWN[name]
    model = model_of(kind, sizes).eval()
    expected = model(**inputs()).logits
    assert quick(model) == (False, False)
    torch.testing.assert_close(model(**inputs()).logits, expected, rtol=1e-5, atol=1e-5)


class MeanHead(transformers.BertForSequenceClassification):  # type: ignore[no-untyped-call]
    """A classifier of someone's own, which reads every position."""

    def forward(self, input_ids: Any = None, attention_mask: Any = None) -> Any:
        states = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
        return transformers.modeling_outputs.SequenceClassifierOutput(
            logits=self.classifier(states.mean(1))
        )


def small_bert() -> Any:
    return transformers.AutoConfig.for_model("bert", **SMALL)


def every_position() -> Any:
    return transformers.BertForTokenClassification(small_bert())


def own_head() -> Any:
    return MeanHead(small_bert())


@pytest.mark.parametrize("make", [every_position, own_head])
def test_a_last_layer_that_is_read_everywhere_is_computed_everywhere(
    make: Callable[[], Any],
) -> None:
    model = make().eval()
    expected = model(**inputs()).logits
    assert quick(model) == (True, False)
    torch.testing.assert_close(model(**inputs()).logits, expected, rtol=1e-5, atol=1e-5)


def test_trying_a_model_leaves_it_in_its_mode_and_the_random_numbers_alone() -> None:
    model = model_of("bert", SMALL, rate=0.1).train()
    attention.install(model)
    dropout.install(model)
    before = torch.get_rng_state()
    layers.install(model, fuse=True, trim=True)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(part.training for part in model.modules())
    assert all(p.dtype is torch.float32 and p.grad is None for p in model.parameters())


def test_long_inputs_go_through_the_plain_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, ours = (model_of("bert", SMALL).train() for _ in range(2))
    quick(ours)
    monkeypatch.setattr(attention, "LONGEST", 8)
    monkeypatch.setattr(FusedLayer, "forward", None)
    expected, expected_gradients = gradients(plain, inputs())
    found, found_gradients = gradients(ours, inputs())
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found_gradients, expected_gradients, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (True, True)),
        ({"plain_math": True}, (False, False)),
    ],
)
def test_the_record_says_what_was_done(
    tmp_path: Path, settings: dict[str, Any], expected: tuple[bool, bool]
) -> None:
    checkpoint = write_checkpoint(tmp_path / "weights", labels=LABELS)
    task, dev = colour_task(), {"dev": colour_rows(8, 2)}
    context = listen(tmp_path / "run", task, dev)
    model = FinetunedEncoder(
        model_context(task, epochs=1, **settings), Checkpoint(name=str(checkpoint))
    )
    model.fit(colour_rows(32, 1), dev, context)
    engine: Any = context.notes["engine"]
    assert (engine["fused_layers"], engine["trim_last_layer"]) == expected
