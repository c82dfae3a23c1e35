"""Steps against PyTorch's AdamW, schedules, layer-wise rates, and training that goes on."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from glueharness_native import encoder as encoder_module
from glueharness_native.architectures import read_architecture
from glueharness_native.encoder import Machine, NativeEncoder
from glueharness_native.library import Library
from glueharness_native.optimiser import rate_factors
from tests.native_tools import (
    SHAPES,
    Material,
    library,
    material,
    native_of,
    needs_library,
    schedule,
    torch_loss,
    torch_model,
)

pytestmark = needs_library


def torch_steps(
    model: Any,
    made: Material,
    batches: list[Any],
    plan: Any,
    factors: dict[str, float] | None = None,
) -> list[float]:
    """The reference: PyTorch's AdamW in float32, dense, with clipping."""
    import torch

    groups = []
    for name, parameter in model.named_parameters():
        spared = name.endswith("bias") or "norm" in name.lower()
        share = (factors or {}).get(name, 1.0)
        decay = 0.0 if spared else plan.weight_decay
        groups.append({"params": [parameter], "weight_decay": decay, "share": share})
    optimiser = torch.optim.AdamW(groups, lr=1.0, betas=plan.betas, eps=plan.epsilon)
    losses = []
    for rate, batch in zip(plan.rates, batches, strict=False):
        for group in optimiser.param_groups:
            group["lr"] = rate * group["share"]
        loss, _ = torch_loss(model, made, batch)
        optimiser.zero_grad()
        loss.backward()
        if plan.max_norm:
            torch.nn.utils.clip_grad_norm_(model.parameters(), plan.max_norm)
        optimiser.step()
        losses.append(loss.item())
    return losses


def batches_of(made: Material, steps: int, size: int) -> list[Any]:
    generator = np.random.default_rng(3)
    return [generator.permutation(made.all)[:size] for _ in range(steps)]


def worst_move(encoder: Any, model: Any, before: dict[str, Any]) -> float:
    """How far the parameters are from the model's, by the length of the way that they went."""
    worst = 0.0
    for name, parameter in model.named_parameters():
        ours, theirs = encoder.weights[name], parameter.detach().numpy()
        way = max(float(np.linalg.norm(theirs - before[name])), 1e-3)
        worst = max(worst, float(np.linalg.norm(ours - theirs)) / way)
    return worst


@pytest.mark.parametrize("shape", SHAPES)
def test_steps_are_those_of_adamw(shape: str) -> None:
    """Word vectors that a batch does not touch are moved later, to the same values."""
    model = torch_model(shape)
    encoder = native_of(model)
    before = {name: p.detach().clone().numpy() for name, p in model.named_parameters()}
    made = material(model, 64, 3, 25)
    plan = schedule(40, 5e-4)
    batches = batches_of(made, 40, 8)
    encoder.train_with(plan)
    ours = [
        encoder.step(made.rows, batch, made.targets[batch], key=step)
        for step, batch in enumerate(batches)
    ]
    encoder.flush()
    theirs = torch_steps(model, made, batches, plan)
    assert ours == pytest.approx(theirs, rel=2e-4)
    # The gradient of keys' biases is rounding alone, which AdamW blows up to whole steps.
    skipped = [name for name in before if "key.bias" in name or "k_lin.bias" in name]
    parameters = dict(model.named_parameters())
    for name in skipped:
        encoder.weights[name][...] = parameters[name].detach().numpy()
    assert worst_move(encoder, model, before) < 0.02


def test_clipping_decay_and_warm_up() -> None:
    model = torch_model("bert")
    before = {name: p.detach().clone().numpy() for name, p in model.named_parameters()}
    made = material(model, 32, 3, 25)
    plan = schedule(
        rates=[0.0, 5e-4, 1e-3, 1e-3, 5e-4], weight_decay=0.3, max_norm=0.05,
    )  # fmt: skip
    encoder = native_of(model)
    encoder.train_with(plan)
    batches = batches_of(made, 5, 8)
    for step, batch in enumerate(batches):
        encoder.step(made.rows, batch, made.targets[batch], key=step)
    encoder.flush()
    torch_steps(model, made, batches, plan)
    for name in before:
        if "key.bias" in name:
            encoder.weights[name][...] = dict(model.named_parameters())[name].detach().numpy()
    assert worst_move(encoder, model, before) < 0.02


def test_layerwise_rates_are_those_of_the_torch_engine() -> None:
    from glueharness_finetune.training.layer_rates import rate_factors as of_torch

    for shape in SHAPES:
        model = torch_model(shape)
        encoder = native_of(model)
        ours = rate_factors(encoder.architecture, 0.7)
        assert ours == pytest.approx(dict(of_torch(model, 0.7))), shape


def test_layerwise_rates_move_the_layers_as_they_should() -> None:
    model = torch_model("electra")
    before = {name: p.detach().clone().numpy() for name, p in model.named_parameters()}
    encoder = native_of(model)
    made = material(model, 32, 3, 25)
    plan = schedule(10, 1e-3, layer_decay=0.5)
    encoder.train_with(plan)
    batches = batches_of(made, 10, 8)
    for step, batch in enumerate(batches):
        encoder.step(made.rows, batch, made.targets[batch], key=step)
    encoder.flush()
    torch_steps(model, made, batches, plan, rate_factors(encoder.architecture, 0.5))
    for name in before:
        if "key.bias" in name:
            encoder.weights[name][...] = dict(model.named_parameters())[name].detach().numpy()
    assert worst_move(encoder, model, before) < 0.02


@pytest.mark.slow
def test_the_loss_of_500_steps_is_that_of_the_reference() -> None:
    model = torch_model("bert")
    encoder = native_of(model)
    made = material(model, 400, 3, 40)
    plan = schedule(500, 1e-4)
    batches = batches_of(made, 500, 16)
    encoder.train_with(plan)
    ours = [
        encoder.step(made.rows, batch, made.targets[batch], key=step)
        for step, batch in enumerate(batches)
    ]
    theirs = torch_steps(model, made, batches, plan)
    assert np.abs(np.subtract(ours, theirs)).max() < 1e-4
    assert abs(np.mean(ours) - np.mean(theirs)) < 1e-5


@pytest.mark.parametrize("flushed", [True, False])
def test_going_on_from_a_saved_state_gives_the_same_bits(flushed: bool) -> None:
    model = torch_model("bert")
    made = material(model, 64, 3, 25)
    batches = batches_of(made, 30, 8)

    def run(encoder: Any, first: int, end: int) -> None:
        for step in range(first, end):
            encoder.step(made.rows, batches[step], made.targets[batches[step]], key=step)

    def final(encoder: Any) -> dict[str, bytes]:
        encoder.flush()
        return {n: v.tobytes() for n, v in {**encoder.weights, **encoder.state()}.items()}

    for stop in (1, 7, 23):
        whole = native_of(model, dropout=0.1)
        whole.train_with(schedule(30))
        run(whole, 0, stop)
        if flushed:
            whole.flush()
        weights = {name: value.copy() for name, value in whole.weights.items()}
        state = {name: value.copy() for name, value in whole.state().items()}
        run(whole, stop, 30)
        second = native_of(torch_model("bert", seed=9), dropout=0.1, threads=1)
        second.train_with(schedule(30))
        for name, value in weights.items():
            second.weights[name][...] = value
        second.restore(state)
        run(second, stop, 30)
        assert final(second) == final(whole)


@pytest.mark.parametrize("first", ["native", "torch"])
def test_either_engine_goes_on_from_the_others_state(first: str) -> None:
    model = torch_model("bert")
    made = material(model, 64, 3, 25)
    batches = batches_of(made, 20, 8)
    encoder, reference = native_of(model), native_of(model)
    before = {name: value.copy() for name, value in reference.weights.items()}
    for one in (encoder, reference):
        one.train_with(schedule(20))
    native_steps(reference, made, batches, range(20))
    torch_engine = TorchEngine(model, schedule(20).rates)
    if first == "native":
        native_steps(encoder, made, batches, range(10))
        torch_engine.become(encoder)
        torch_engine.steps(made, batches, range(10, 20))
        found = torch_engine.weights()
    else:
        torch_engine.steps(made, batches, range(10))
        torch_engine.hand_to(encoder)
        native_steps(encoder, made, batches, range(10, 20))
        found = encoder.weights
    reference.flush()
    for name, value in found.items():
        if "key.bias" not in name:
            way = np.linalg.norm(reference.weights[name] - before[name]) + 1e-2
            assert np.linalg.norm(value - reference.weights[name]) / way < 0.05, name


def native_steps(encoder: Any, made: Material, batches: list[Any], steps: range) -> None:
    for step in steps:
        encoder.step(made.rows, batches[step], made.targets[batches[step]], key=step)
    encoder.flush()


class TorchEngine:
    """The torch engine's optimiser over a model without dropout."""

    def __init__(self, model: Any, rates: Any) -> None:
        import torch

        from glueharness_finetune.settings import FinetuneSettings
        from glueharness_finetune.training.adamw import AdamW

        self.model = model.train()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        self.optimiser = AdamW(model, FinetuneSettings(), rates)
        self.parameters = dict(model.named_parameters())

    def steps(self, made: Material, batches: list[Any], steps: range) -> None:
        import torch

        for step in steps:
            loss, _ = torch_loss(self.model, made, batches[step])
            torch.autograd.backward(loss)
            self.optimiser.step(step)
        self.optimiser.flush()

    def become(self, encoder: Any) -> None:
        import torch

        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(torch.from_numpy(encoder.weights[name]))
        state = {name: torch.from_numpy(value.copy()) for name, value in encoder.state().items()}
        self.optimiser.restore(state)

    def hand_to(self, encoder: Any) -> None:
        for name, view in encoder.weights.items():
            view[...] = self.parameters[name].detach().numpy()
        encoder.restore({name: value.numpy() for name, value in self.optimiser.tensors().items()})

    def weights(self) -> dict[str, Any]:
        return {name: parameter.detach().numpy() for name, parameter in self.parameters.items()}


@pytest.mark.parametrize("shape", ["bert", "roberta", "electra", "distilbert"])
def test_a_rate_takes_the_place_of_all_that_the_checkpoint_has(shape: str) -> None:
    kind, _, sizes = SHAPES[shape]
    zero = dict.fromkeys(
        ("hidden_dropout_prob", "classifier_dropout", "dropout", "seq_classif_dropout"), 0.0
    )
    rates = [
        NativeEncoder(
            read_architecture({"model_type": kind, **sizes, **more}),
            Machine(library=library(), threads=1),
            outputs=2,
            regression=False,
            dropout=0.25,
        )._config
        for more in ({}, zero)
    ]
    for name in ("hidden", "attention", "pooler", "classifier"):
        assert getattr(rates[1], f"dropout_{name}") == getattr(rates[0], f"dropout_{name}")
    # Two dropouts in the head are RoBERTa's and ELECTRA's.
    assert rates[1].dropout_pooler == (0.25 if kind in {"roberta", "electra"} else 0.0)


@pytest.mark.filterwarnings("error")
def test_an_encoder_that_outlives_its_modules_names_ends_quietly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    architecture = read_architecture({"model_type": "bert", **SHAPES["one-layer"][2]})
    machine = Machine(library=library(), threads=1)
    kept = NativeEncoder(architecture, machine, outputs=2, regression=False)
    told: list[str] = []

    def tell(it: Library, name: str, *arguments: Any) -> None:
        told.append(name)
        tell_really(it, name, *arguments)

    tell_really = Library.tell
    monkeypatch.setattr(Library, "tell", tell)
    monkeypatch.setattr(encoder_module, "os", None)  # as the interpreter does it
    del kept
    gc.collect()
    assert told == ["free"]
