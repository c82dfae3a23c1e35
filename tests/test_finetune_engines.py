"""Which engine computes, and that a run is the same thing whichever does."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import glueharness_native
from glueharness import ConfigError, EngineSpec, Interrupted, ModelError, Table
from glueharness_finetune import Checkpoint, engine_choice
from glueharness_finetune.encoder_model import EncoderModel
from glueharness_finetune.engine_choice import choose_engine
from glueharness_finetune.engine_model import EngineModel
from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.plain import NotPlain
from tests.finetune_tools import (
    LABELS,
    Listener,
    colour_rows,
    colour_task,
    listen,
    model_context,
    write_checkpoint,
)
from tests.native_tools import needs_library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness import EngineRequest, ModelContext

BERT = {
    "model_type": "bert", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 64, "vocab_size": 99,
}  # fmt: skip
NATIVE = tuple(glueharness_native.glueharness_engines())


@pytest.fixture(autouse=True)
def _without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_choice, "gpu_may_be_there", lambda: False)


def spec(name: str, objection: Callable[[EngineRequest], str], slower: str = "") -> EngineSpec:
    def make(request: EngineRequest) -> Any:
        raise AssertionError(request)

    return EngineSpec(
        name=name, description="x", objection=objection, factory=make, slower=lambda _: slower
    )


def context_with(*engines: EngineSpec, **settings: Any) -> ModelContext:
    return dataclasses.replace(model_context(colour_task(), **settings), engines=engines)


def test_auto_takes_the_first_engine_that_can_and_is_not_slower() -> None:
    can, cannot = spec("can", lambda _: ""), spec("cannot", lambda _: "it is too wide")
    slow = spec("slow", lambda _: "", slower="it is far too wide")
    context = context_with(cannot, slow, can)
    choice = choose_engine(context, context.settings, BERT)
    assert (choice.name, choice.spec) == ("can", can)
    context = context_with(cannot, slow)
    choice = choose_engine(context, context.settings, BERT)
    assert choice.name == "torch"
    assert choice.reason == "cannot: it is too wide; slow: it is far too wide"


def test_an_engine_that_is_asked_for_is_taken_or_refused() -> None:
    slow = spec("slow", lambda _: "", slower="x")
    cannot = spec("cannot", lambda _: "it is too wide")
    for wanted, found in (("slow", "slow"), ("torch", "torch")):
        context = context_with(slow, cannot, engine=wanted)
        assert choose_engine(context, context.settings, BERT).name == found
    context = context_with(slow, cannot, engine="cannot")
    with pytest.raises(ConfigError, match="it is too wide"):
        choose_engine(context, context.settings, BERT)
    context = context_with(slow, engine="none")
    with pytest.raises(ConfigError, match="no such engine"):
        choose_engine(context, context.settings, BERT)


def test_an_engine_that_fails_when_it_is_asked_stops_nothing() -> None:
    def broken(_: EngineRequest) -> str:
        raise ZeroDivisionError("oh")

    context = context_with(spec("broken", broken))
    choice = choose_engine(context, context.settings, BERT)
    assert choice.name == "torch"
    assert "oh" in choice.reason


def test_switches_of_pytorch_are_for_pytorch() -> None:
    context = context_with(spec("can", lambda _: ""), plain_math=True)
    choice = choose_engine(context, context.settings, BERT)
    assert choice.reason == "can: --plain-math is for PyTorch"
    assert choose_engine(context, context.settings, None).name == "torch"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "xlnet"}, "xlnet"),
        ({"hidden_act": "gelu_new"}, "gelu_new"),
        ({"hidden_size": 40}, "40, not a multiple of 16"),
        ({"num_attention_heads": 4}, "8 wide"),
        ({"position_embedding_type": "relative_key"}, "relative_key"),
        ({"is_decoder": True}, "is_decoder"),
        ({"num_hidden_layers": "2"}, "layers"),
        ({"hidden_dropout_prob": 1.5}, "rate"),
        ({"attention_probs_dropout_prob": 0.9999}, "no dropout at a rate of 0.9999"),
        ({"pad_token_id": -1}, "the padding id is -1"),
        ({"pad_token_id": 99}, "the padding id does not fit"),
        ({"model_type": "roberta", "pad_token_id": None}, "there is none"),
        ({"max_position_embeddings": 2**32 + 64}, "positions is 4294967360"),
        ({"max_position_embeddings": 0}, "does not fit"),
        ({"type_vocab_size": -1}, "types is -1"),
        ({"num_hidden_layers": 2**32 + 2}, "layers is 4294967298"),
        ({"layer_norm_eps": 0.0}, "a rate is not"),
        ({"model_type": "distilbert", "num_attention_heads": 2}, "calls a size"),
    ],
)
@needs_library
def test_the_native_engine_says_what_it_cannot_compute(config: dict[str, Any], reason: str) -> None:
    context = context_with(*NATIVE)
    assert choose_engine(context, context.settings, BERT).name == "native"
    choice = choose_engine(context, context.settings, {**BERT, **config})
    assert choice.name == "torch"
    assert reason in choice.reason


def fitted(
    folder: Path, checkpoint: Checkpoint, *, resume: bool = False, stop: int = 0, **settings: Any
) -> tuple[Any, Listener]:
    """An encoder after training in ``folder``, and what its run was told."""
    context = context_with(*NATIVE, **settings)
    dev = {"dev": colour_rows(60, 9)}
    listener = listen(folder, context.task, dev, resume=resume)

    def halt(progress: Any) -> None:
        listener.asked = bool(stop) and progress.phase == "train" and progress.done >= stop

    listener.on_report = halt
    model = EncoderModel(context, checkpoint)
    model.fit(colour_rows(160), dev, listener)
    return model, listener


@pytest.fixture
def encoder(tmp_path: Path) -> Checkpoint:
    return Checkpoint(name=str(write_checkpoint(tmp_path / "encoder")))


def weights_in(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    found: dict[str, Any] = load_file(folder / "model.safetensors")
    return found


@needs_library
def test_both_engines_learn_and_save_the_same_kind_of_checkpoint(tmp_path: Path) -> None:
    from transformers import pipeline

    encoder = Checkpoint(name=str(write_checkpoint(tmp_path / "encoder", labels=LABELS)))
    found = {}
    for engine in ("native", "torch"):
        model, listener = fitted(tmp_path / engine, encoder, engine=engine, epochs=4, dropout=0.0)
        assert listener.notes["engine"]["name"] == engine
        assert listener.notes["precision"] == "fp32"
        losses = [values["loss"] for _, _, values in listener.epochs]
        found[engine] = losses
        (tmp_path / f"saved-{engine}").mkdir()
        model.save(tmp_path / f"saved-{engine}")
    assert found["native"] == pytest.approx(found["torch"], rel=1e-3)
    ours, theirs = (tmp_path / f"saved-{engine}" for engine in ("native", "torch"))
    assert {n: v.shape for n, v in weights_in(ours).items()} == {
        n: v.shape for n, v in weights_in(theirs).items()
    }
    configs = [json.loads((each / "config.json").read_text()) for each in (ours, theirs)]
    for name in ("architectures", "id2label", "label2id", "problem_type", "dtype", "model_type"):
        assert configs[0][name] == configs[1][name], name
    rows = colour_rows(20, 3)
    answer = pipeline("text-classification", model=str(ours), top_k=None)
    pairs = [
        {"text": q, "text_pair": s} for q, s in zip(rows["question"], rows["sentence"], strict=True)
    ]
    told: Any = answer(pairs)
    scores = {}
    for engine in ("native", "torch"):
        model = EncoderModel(context_with(*NATIVE, engine=engine), encoder)
        model.load(ours)
        scores[engine] = model.predict(rows)
    assert np.abs(scores["native"] - scores["torch"]).max() < 1e-5
    odds = np.exp(scores["native"]) / np.exp(scores["native"]).sum(1, keepdims=True)
    for row, each in enumerate(told):
        by_label = {one["label"]: one["score"] for one in each}
        assert [by_label[label] for label in LABELS] == pytest.approx(odds[row], abs=1e-5)


@needs_library
@pytest.mark.parametrize(
    "settings",
    [
        {"lr_scheduler_type": "cosine", "warmup_steps": 4, "max_steps": 24},
        {"adam_beta1": 0.8, "adam_beta2": 0.98, "adam_epsilon": 1e-6, "max_steps": 24},
    ],
)
def test_both_engines_learn_alike_with_other_schedules_and_constants(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    encoder = Checkpoint(name=str(write_checkpoint(tmp_path / "encoder", labels=LABELS)))
    found = {}
    for engine in ("native", "torch"):
        model, listener = fitted(
            tmp_path / engine, encoder, engine=engine, dropout=0.0, keep_best=False, **settings
        )
        assert listener.notes["engine"]["name"] == engine
        losses = [values["loss"] for _, _, values in listener.epochs]
        assert len(losses) == 5  # five steps a pass
        found[engine] = (losses, model.predict(colour_rows(50, 4)))
    assert found["native"][0] == pytest.approx(found["torch"][0], rel=1e-3)
    assert np.abs(found["native"][1] - found["torch"][1]).max() < 1e-3


@needs_library
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"optim": "sgd"}, "--optim sgd is for PyTorch"),
        ({"precision": "fp16"}, "--precision fp16 is for PyTorch"),
        ({"device": "mps"}, "--device mps is for PyTorch"),
        ({"gradient_checkpointing": True}, "--gradient-checkpointing is for PyTorch"),
        ({"lora_rank": 8}, "--lora-rank 8 is for PyTorch"),
        ({"label_smoothing": 0.1}, "--label-smoothing 0.1 is for PyTorch"),
        ({"class_weights": "balanced"}, "--class-weights balanced is for PyTorch"),
        ({"adam_beta1": 0.95, "adam_beta2": 0.96}, "betas 0.95 and 0.96 are too close together"),
        ({"adam_epsilon": 1e-4}, "epsilon 0.0001 is above 1e-06"),
        ({"dropout": 0.99999999}, "no dropout at a rate of 0.99999999"),
        ({"dropout": 1e-6}, "no dropout at a rate of 1e-06"),
    ],
)
def test_what_the_native_engine_does_not_compute_is_torch_s_or_refused(
    settings: dict[str, Any], reason: str
) -> None:
    context = context_with(*NATIVE, **settings)
    choice = choose_engine(context, context.settings, BERT)
    assert choice.name == "torch"
    assert reason in choice.reason
    context = context_with(*NATIVE, engine="native", **settings)
    with pytest.raises(ConfigError, match=reason):
        choose_engine(context, context.settings, BERT)


@needs_library
@pytest.mark.parametrize(("told", "positions"), [(512, 64), (None, 64), (700, 700), (None, 700)])
def test_what_is_saved_knows_the_longest_input(
    tmp_path: Path, told: int | None, positions: int
) -> None:
    """Of tokenizer and positions the lower limit: a pipeline cuts there, and so does who loads."""
    from transformers import pipeline

    folder = write_checkpoint(
        tmp_path / "encoder", labels=LABELS, max_position_embeddings=positions
    )
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["model_max_length"] = int(1e30) if told is None else told
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    encoder = Checkpoint(name=str(folder))
    model, _ = fitted(tmp_path / "run", encoder, engine="native", epochs=1, max_length=700)
    saved = tmp_path / "saved"
    saved.mkdir()
    model.save(saved)
    limit = json.loads((saved / "tokenizer_config.json").read_text())["model_max_length"]
    assert limit == positions
    long = Table({"question": ["red " * 690], "sentence": ["it is " + "very " * 690 + "blue"]})
    again = EncoderModel(context_with(*NATIVE, engine="native", max_length=700), encoder)
    again.load(saved)
    assert np.array_equal(again.predict(long), model.predict(long))
    answer: Any = pipeline("text-classification", model=str(saved), truncation=True)
    pair = {"text": long["question"][0], "text_pair": long["sentence"][0]}
    assert answer(pair)["label"] in LABELS


@needs_library
@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize(("told", "positions"), [(1, 64), (2, 64), (3, 64), (4, 64), (64, 2)])
def test_inputs_without_room_for_the_texts_are_refused(
    tmp_path: Path, engine: str, told: int, positions: int
) -> None:
    folder = write_checkpoint(tmp_path / "encoder", max_position_embeddings=positions)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["model_max_length"] = told
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    said = f"inputs have at most {min(told, positions)} tokens, of which 3 are special ones"
    with pytest.raises(ModelError, match=said):
        fitted(tmp_path / "run", Checkpoint(name=str(folder)), engine=engine)


@needs_library
def test_dev_is_not_scored_twice_for_the_same_weights(
    tmp_path: Path, encoder: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for engine in ("native", "torch"):
        model, listener = fitted(tmp_path / engine, encoder, engine=engine)
        dev = listener.dev["dev"]
        kept = model.predict(dev)
        again = EncoderModel(context_with(*NATIVE, engine=engine), encoder)
        (tmp_path / f"saved-{engine}").mkdir()
        model.save(tmp_path / f"saved-{engine}")
        again.load(tmp_path / f"saved-{engine}")
        assert np.array_equal(again.predict(dev), kept)
        inner = model._model
        name = "_engine" if engine == "native" else "_predictor"
        monkeypatch.setattr(inner, name, object())  # whoever scored now would fail
        with monkeypatch.context() as patched:
            if engine == "torch":
                patched.setattr(inner, "_predictor", object())
            assert model.predict(dev) is kept


@needs_library
@pytest.mark.parametrize("stop", [3, 11])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    tmp_path: Path, encoder: Checkpoint, stop: int
) -> None:
    settings: dict[str, Any] = {"epochs": 3, "batch_size": 16, "dropout": 0.1}
    whole, first = fitted(tmp_path / "whole", encoder, **settings)
    with pytest.raises(Interrupted):
        fitted(tmp_path / "stopped", encoder, stop=stop, **settings)
    resumed, second = fitted(tmp_path / "stopped", encoder, resume=True, threads=1, **settings)
    assert [e[1].metrics for e in first.epochs] == [e[1].metrics for e in second.epochs]
    for name, model in (("a", whole), ("b", resumed)):
        (tmp_path / name).mkdir()
        model.save(tmp_path / name)
    ours, theirs = weights_in(tmp_path / "a"), weights_in(tmp_path / "b")
    for name, values in ours.items():
        assert np.array_equal(values, theirs[name]), name


@needs_library
@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize("kind", ["bin", "vocab", "roberta"])
def test_what_is_not_as_usual_is_read_by_transformers_and_trained_by_the_engine(
    tmp_path: Path, kind: str
) -> None:
    import torch
    from safetensors.torch import load_file

    from tests.tiny_checkpoints import write_tiny

    folder = tmp_path / "encoder"
    if kind == "bin":
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    elif kind == "vocab":
        vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
        words = sorted(vocabulary, key=vocabulary.__getitem__)
        (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
        (folder / "tokenizer.json").unlink()
    else:
        folder = write_tiny("roberta", tmp_path / "roberta")
        config = json.loads((folder / "config.json").read_text())
        text = json.dumps({**config, "num_attention_heads": 2})  # 16 wide, as the engine wants
        (folder / "config.json").write_text(text, encoding="utf-8")
    model, listener = fitted(tmp_path / "run", Checkpoint(name=str(folder)))
    assert listener.notes["engine"]["name"] == "native"
    assert isinstance(model._model, EngineModel)
    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    by_torch = FinetunedEncoder(context_with(), Checkpoint(name=str(folder)))
    by_torch.load(tmp_path / "saved")
    rows = colour_rows(20, 3)
    assert np.abs(by_torch.predict(rows) - model.predict(rows)).max() < 1e-5
    if kind != "roberta":
        again = EncoderModel(context_with(*NATIVE), Checkpoint(name=str(folder)))
        again.load(tmp_path / "saved")
        assert np.array_equal(again.predict(rows), model.predict(rows))


@needs_library
def test_a_model_of_an_engine_that_is_not_here_is_loaded_all_the_same(
    tmp_path: Path, encoder: Checkpoint
) -> None:
    model, _ = fitted(tmp_path / "run", encoder, engine="native", epochs=1)
    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    elsewhere = EncoderModel(context_with(engine="native"), encoder)
    elsewhere.load(tmp_path / "saved")
    rows = colour_rows(20, 3)
    assert np.abs(elsewhere.predict(rows) - model.predict(rows)).max() < 1e-5


@needs_library
def test_an_engine_that_objects_only_in_the_end_leaves_it_to_pytorch(
    tmp_path: Path, encoder: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def object_to(*_: Any) -> None:
        raise NotPlain("it is not what it seemed")

    monkeypatch.setattr(EngineModel, "_make", object_to)
    model, listener = fitted(tmp_path / "run", encoder, epochs=1)
    assert isinstance(model._model, FinetunedEncoder)
    assert listener.notes["engine"]["reason"] == "native: it is not what it seemed"


@needs_library
def test_a_run_with_the_native_engine_imports_neither_torch_nor_transformers(
    tmp_path: Path, encoder: Checkpoint
) -> None:
    program = (
        "import sys\n"
        "from glueharness.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'transformers', 'datasets', 'evaluate'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )

    def call(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, *words, "--runs-dir", str(tmp_path / "runs")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    model = f"hf:{encoder.name}"
    call("run", "qnli", "--model", model, "--data", "sample", "--limit-train", "64",
         "--limit-dev", "40", "--epochs", "1")  # fmt: skip
    [record] = (tmp_path / "runs").glob("*/run.json")
    if json.loads(record.read_text(encoding="utf-8"))["notes"]["engine"]["name"] != "native":
        pytest.skip("there is a GPU here")
    call("predict", "qnli", "--question", "Who wrote it?", "--sentence", "Ada wrote it.")
