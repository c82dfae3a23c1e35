"""Multiple choice: the engine agrees with plain transformers, learns, and says what it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_MULTIPLE_CHOICE_MAPPING_NAMES as FOR_CHOICES,
)

from glueharness import ConfigError, EngineSpec, ModelError, SpecError
from glueharness.plugin.registry import Registry
from glueharness.scoring.scorer import Scorer, decide
from glueharness_finetune.encoder_model import EncoderModel
from glueharness_finetune.pretrained.find import checkpoint_named
from tests.choice_task import CHOICES, choice_rows, choice_task, write_choice_checkpoint
from tests.finetune_tools import listen, model_context, write_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness import TaskSpec

QUICK = ("bert", "distilbert", "fnet", "roberta")
"""FNet mixes all tokens, padding included: of it only rows of one length go together."""
# Those that cannot be made small here, or not fine-tuned as they are.
LEFT_OUT = {
    "longformer": "its head looks for the separators of RoBERTa's tokenizer",
    # It reads the last token, so that rows are filled up on the left; and what is meant to
    # be a fixed table of sines is trained, after which its places are no longer alike.
    "roformer": "training moves its table of positions",
    "layoutlmv2": "needs the package detectron2",
}


def plain_scores(folder: Path, task: TaskSpec, rows: Any, longest: int) -> Any:
    """What plain transformers says of each row by itself: ``[n, c]``."""
    from transformers import AutoModelForMultipleChoice, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForMultipleChoice.from_pretrained(folder)
    model.train(mode=False)
    found = []
    for row in range(len(rows)):
        logits = []
        for choice in CHOICES:
            text = rows[choice][row]
            if "begun" in task.context:
                text = f"{rows['begun'][row]} {text}"
            inputs = tokenizer(
                rows["question"][row], text, truncation="longest_first", max_length=longest,
                return_tensors="pt",
            )  # fmt: skip
            with torch.no_grad():
                logits.append(model(**{k: v[None] for k, v in inputs.items()}).logits[0, 0])
        found.append(torch.stack(logits).numpy())
    return np.stack(found)


def trained(folder: Path, task: TaskSpec, where: Path, **settings: Any) -> Any:
    """A model that has seen some rows, and what it was told."""
    model = EncoderModel(model_context(task, **settings), checkpoint_named(str(folder)))
    dev = {"dev": choice_rows(20, seed=9)}
    told = listen(where, task, dev)
    model.fit(choice_rows(40), dev, told)
    return model, told


def agrees(architecture: str, folder: Path, *, begun: bool = False) -> None:
    task = choice_task(begun=begun)
    write_choice_checkpoint(architecture, folder / "weights")
    model, told = trained(folder / "weights", task, folder / "work", epochs=1, batch_size=8)
    assert told.notes["engine"]["name"] == "torch"
    assert told.notes["checkpoint"]["head"].startswith("kept")
    rows = choice_rows(16, seed=4)
    found = model.predict(rows)
    (folder / "saved").mkdir()
    model.save(folder / "saved")
    wanted = plain_scores(folder / "saved", task, rows, int(told.notes["max_length"]))
    assert found.shape == wanted.shape == (16, 3)
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() < 1e-4
    again = EncoderModel(model_context(task), checkpoint_named("nowhere"))
    again.load(folder / "saved")
    assert np.abs(again.predict(rows) - found).max() < 1e-5


@pytest.mark.parametrize("architecture", QUICK)
def test_it_agrees_with_plain_transformers(architecture: str, tmp_path: Path) -> None:
    agrees(architecture, tmp_path, begun=architecture == "bert")


@pytest.mark.slow
@pytest.mark.parametrize("architecture", sorted(set(FOR_CHOICES) - set(QUICK)))
def test_every_architecture_agrees_with_plain_transformers(
    architecture: str, tmp_path: Path
) -> None:
    if architecture in LEFT_OUT:
        pytest.skip(LEFT_OUT[architecture])
    agrees(architecture, tmp_path)


def test_a_small_encoder_learns_to_choose(tmp_path: Path) -> None:
    task = choice_task()
    folder = write_checkpoint(tmp_path / "weights")
    settings: dict[str, Any] = {"epochs": 12, "batch_size": 8, "learning_rate": 5e-3}
    model = EncoderModel(model_context(task, **settings), checkpoint_named(str(folder)))
    dev = {"dev": choice_rows(40, seed=9)}
    told = listen(tmp_path / "work", task, dev)
    model.fit(choice_rows(400), dev, told)
    score = Scorer(task, dev).score("dev", decide(model.predict(dev["dev"]), task))
    assert score["accuracy"] >= 0.8, told.epochs
    assert told.notes["checkpoint"]["head"].startswith("fresh")


@pytest.mark.parametrize("architecture", ["bert", "fnet"])
def test_a_step_has_the_gradient_of_transformers_own_loss(
    architecture: str, tmp_path: Path
) -> None:
    """Also where rows cannot be padded, and their choices go through the model in pieces."""
    from transformers import AutoModelForMultipleChoice

    task, rows = choice_task(), choice_rows(6, seed=2)
    folder = write_choice_checkpoint(architecture, tmp_path / "weights")
    # One step without warm-up, decay or dropout: what Adam does first has the gradient's signs.
    settings: dict[str, Any] = {
        "epochs": 1, "batch_size": 6, "warmup_ratio": 0.0, "weight_decay": 0.0, "dropout": 0.0,
        "learning_rate": 1e-3,
    }  # fmt: skip
    model = EncoderModel(model_context(task, **settings), checkpoint_named(str(folder)))
    dev = {"dev": rows}
    told = listen(tmp_path / "work", task, dev)
    model.fit(rows, dev, told)
    plain: Any = AutoModelForMultipleChoice.from_pretrained(folder)
    plain.train(mode=False)
    loss = torch.zeros(())
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    for row in range(6):
        logits = [
            plain(
                **{
                    name: value[None]
                    for name, value in tokenizer(
                        rows["question"][row], rows[choice][row], return_tensors="pt"
                    ).items()
                }
            ).logits[0]
            for choice in CHOICES
        ]
        wanted = torch.tensor([task.labels.index(rows["label"][row])])
        loss = loss + torch.nn.functional.cross_entropy(torch.cat(logits)[None, :], wanted) / 6
    torch.autograd.backward(loss)
    assert told.epochs[0][2]["loss"] == pytest.approx(float(loss.detach()), abs=1e-4)
    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    moved: Any = AutoModelForMultipleChoice.from_pretrained(tmp_path / "saved")
    before: Any = AutoModelForMultipleChoice.from_pretrained(folder)
    for name, parameter in plain.named_parameters():
        step = (
            dict(moved.named_parameters())[name] - dict(before.named_parameters())[name]
        ).detach()
        clear = parameter.grad.abs() > 1e-4
        assert (step.sign() == -parameter.grad.sign())[clear].all(), name


def test_only_pytorch_computes_it(tmp_path: Path) -> None:
    task = choice_task()
    folder = write_checkpoint(tmp_path / "weights")
    engine = EngineSpec(
        name="native", description="", objection=lambda _: "", factory=lambda _: pytest.fail("no")
    )
    context = model_context(task, engine="native")
    context = replace(context, engines=(engine,))
    model = EncoderModel(context, checkpoint_named(str(folder)))
    with pytest.raises(ConfigError, match="native: multiple choice is computed by PyTorch alone"):
        model.fingerprint()
    context = replace(model_context(task), engines=(engine,))
    model = EncoderModel(context, checkpoint_named(str(folder)))
    assert model.fingerprint().engine == "torch"
    told = listen(tmp_path / "work", task, {"dev": choice_rows(4)})
    model.fit(choice_rows(8), {"dev": choice_rows(4)}, told)
    assert told.notes["engine"]["reason"] == "multiple choice is computed by PyTorch alone"


def test_a_checkpoint_for_choices_is_evaluated_as_it_is_and_another_is_refused(
    tmp_path: Path,
) -> None:
    task, rows = choice_task(), choice_rows(8)
    folder = write_choice_checkpoint("bert", tmp_path / "choices")
    model = EncoderModel(model_context(task), checkpoint_named(str(folder)))
    model.load_finetuned(listen(tmp_path / "work", task, {"dev": rows}))
    wanted = plain_scores(folder, task, rows, 64)
    assert np.abs(model.predict(rows) - wanted).max() < 1e-4
    bare = write_checkpoint(tmp_path / "labels", labels=("a", "b"))
    model = EncoderModel(model_context(task), checkpoint_named(str(bare)))
    with pytest.raises(ModelError, match="the checkpoint is not one for multiple choice"):
        model.load_finetuned(listen(tmp_path / "work2", task, {"dev": rows}))


def test_an_architecture_without_such_a_head_is_refused(tmp_path: Path) -> None:
    from tests.tiny_checkpoints import write_tiny

    folder = write_tiny("gpt2", tmp_path / "weights")
    with pytest.raises(ModelError, match="'gpt2', and transformers has no model for multiple cho"):
        trained(folder, choice_task(), tmp_path / "work")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"choices": ()}, "columns must be one or two, not 4; a task of multiple choice says"),
        ({"choices": CHOICES[:2]}, "the choices must be the last of the columns"),
        ({"choices": CHOICES[1:]}, "there are 2 choices and 3 labels"),
        ({"labels": ()}, "there are 3 choices and 0 labels"),
        ({"columns": CHOICES}, "before the choices, columns must be one or two, not 0"),
        ({"columns": ("a", "b", "c", *CHOICES)}, "must be one or two, not 3"),
        ({"choices": "choice1"}, "choices must be a tuple"),
        ({"choices": (1, 2, 3)}, "a choice must be a str"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        choice_task(**changes)


def test_a_model_that_does_not_know_choices_is_not_asked() -> None:
    registry = Registry()
    offered = registry.model("tfidf")
    ignorant = replace(offered, spec=replace(offered.spec, multiple_choice=False))
    with pytest.raises(ConfigError, match="'tfidf' does not know multiple choice, which things is"):
        ignorant.make(model_context(choice_task()))


@pytest.mark.parametrize(("model", "least"), [("majority", 0.0), ("tfidf", 0.6)])
def test_baselines_choose(model: str, least: float, tmp_path: Path) -> None:
    task, registry = choice_task(), Registry()
    spec = registry.models.get(model)
    context = replace(model_context(task), settings=spec.settings())
    dev = {"dev": choice_rows(60, seed=9)}
    first: Any = spec.factory(context)
    first.fit(choice_rows(300), dev, listen(tmp_path / "work", task, dev))
    found = first.predict(dev["dev"])
    score = Scorer(task, dev).score("dev", decide(found, task))["accuracy"]
    assert found.shape == (60, 3)
    assert score >= least
    (tmp_path / "saved").mkdir()
    first.save(tmp_path / "saved")
    again: Any = spec.factory(context)
    again.load(tmp_path / "saved")
    assert (again.predict(dev["dev"]) == found).all()
