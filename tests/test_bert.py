"""The BERT miniatures: records, and what becomes of one if its weights cannot be found."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from glueharness import ModelContext
from glueharness.plugin.registry import Registry
from glueharness_bert import architecture, parameter_count
from glueharness_finetune import Checkpoint, FinetuneSettings, FreshStart
from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.pretrained.tokenizer import learn_vocabulary
from tests.finetune_tools import colour_rows, colour_task, listen

if TYPE_CHECKING:
    from pathlib import Path

NAMED = ("bert-tiny", "bert-mini", "bert-small", "bert-medium")


def test_there_are_24_and_four_have_names() -> None:
    models = {spec.name: spec for spec in Registry().models if spec.name.startswith("bert-")}
    assert len(models) == 24
    assert set(NAMED) <= set(models)
    tiny = models["bert-tiny"]
    assert tiny.checkpoint == "google/bert_uncased_L-2_H-128_A-2"
    assert len(tiny.revision) == 40
    assert models["bert-l12-h768"].checkpoint == "google/bert_uncased_L-12_H-768_A-12"


@pytest.mark.parametrize(("layers", "hidden"), [(2, 128), (4, 256), (8, 512)])
def test_the_parameter_count_is_the_model_s(layers: int, hidden: int) -> None:
    from transformers import BertConfig, BertModel

    sizes = architecture(layers, hidden)
    model = BertModel(BertConfig(vocab_size=30522, **sizes))
    assert model.num_parameters() == parameter_count(layers, hidden)


START = FreshStart(
    model_type="bert",
    architecture={**architecture(2, 128), "hidden_size": 32, "num_attention_heads": 2},
    vocabulary=120,
    recipe={"epochs": 1, "learning_rate": 1e-3, "batch_size": 16},
)


def fit_fresh(folder: Path, origins: dict[str, str], **chosen: Any) -> tuple[Any, Any]:
    task, dev = colour_task(), {"dev": colour_rows(20, 2)}
    settings = FinetuneSettings(threads=1, precision="fp32", **chosen)
    context = listen(folder, task, dev)
    checkpoint = Checkpoint(name="nobody/has-this-model", fresh=START)
    model = FinetunedEncoder(
        ModelContext(task=task, settings=settings, seed=1, origins=origins, offline=True),
        checkpoint,
    )
    model.fit(colour_rows(100, 1), dev, context)
    return model, context


def test_fresh_weights_are_loud_and_take_their_own_recipe(tmp_path: Path) -> None:
    model, context = fit_fresh(
        tmp_path, {"epochs": "command line", "batch_size": "recipe of x"}, epochs=2
    )
    assert len(context.epochs) == 2
    assert context.adjusted == {
        "learning_rate": (1e-3, "recipe for fresh weights"),
        "batch_size": (16, "recipe for fresh weights"),
    }
    assert "FRESH WEIGHTS" in context.warnings[0]
    assert "(--offline)" in context.warnings[0]
    facts = context.notes["checkpoint"]
    assert (facts["fresh"], facts["how"]) == (True, "fresh")
    assert facts["name"] == "nobody/has-this-model"
    folder = tmp_path / "model"
    folder.mkdir()
    model.save(folder)
    again = FinetunedEncoder(
        ModelContext(task=colour_task(), settings=model.settings, seed=1), Checkpoint(name="x")
    )
    again.load(folder)
    rows = colour_rows(10, 3)
    assert np.array_equal(again.predict(rows), model.predict(rows))


_VOCABULARY = """
from glueharness_finetune.pretrained.tokenizer import learn_vocabulary
from tests.finetune_tools import colour_rows
rows = colour_rows(300)
print(hash(tuple(sorted(learn_vocabulary([*rows["question"], *rows["sentence"]], 90)
    .get_vocab().items(), key=lambda item: item[1]))))
"""


def test_the_same_texts_give_the_same_vocabulary_in_every_process() -> None:
    environment = {"PYTHONHASHSEED": "0", "PATH": ""}
    answers = {
        subprocess.run(
            [sys.executable, "-c", _VOCABULARY], env=environment,
            capture_output=True, text=True, check=True,
        ).stdout
        for _ in range(2)
    }  # fmt: skip
    assert len(answers) == 1


def test_a_learnt_vocabulary_knows_the_texts() -> None:
    rows = colour_rows(300)
    tokenizer = learn_vocabulary([*rows["question"], *rows["sentence"]], 200)
    assert tokenizer.pad_token_id == 0
    ids = tokenizer(rows["sentence"][0], rows["question"][0])["input_ids"]
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.tokenize("It is RED .") == ["it", "is", "red", "."]
