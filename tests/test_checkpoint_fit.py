"""Checkpoints whose parts do not fit: put right, or refused in one sentence before training."""

from __future__ import annotations

import json
import pickle
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from glueharness import Interrupted, ModelError, Table
from glueharness_finetune import Checkpoint
from glueharness_finetune.model import FinetunedEncoder
from glueharness_finetune.pretrained.load import load_pretrained
from glueharness_native.architectures import Unsupported, read_architecture
from tests.finetune_tools import (
    LABELS,
    Listener,
    colour_rows,
    colour_task,
    listen,
    model_context,
    write_checkpoint,
)
from tests.tiny_checkpoints import write_tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness import Progress

COLUMNS = ("question", "sentence")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return copy_of(whole, tmp_path / "weights")


def copy_of(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def fit(folder: Path, **settings: Any) -> tuple[FinetunedEncoder, Listener]:
    """Train for two steps."""
    task, dev = colour_task(), {"dev": colour_rows(12, 2)}
    context = listen(folder.parent / "run", task, dev)
    given = model_context(task, epochs=1, batch_size=16, token_cache=False, **settings)
    model = FinetunedEncoder(given, Checkpoint(name=str(folder)))
    model.fit(colour_rows(32, 1), dev, context)
    return model, context


def refused(folder: Path, where: Path | None = None, **settings: Any) -> str:
    """What is said of a checkpoint that does not fit: one sentence, and nobody's fault.

    Args:
        folder: The checkpoint.
        where: The file to be named; None: any of the folder, or itself.
        settings: For the run.
    """
    with pytest.raises(ModelError) as caught:
        fit(folder, **settings)
    assert "plugin" not in str(caught.value)
    assert caught.value.where.startswith(str(where or folder))
    assert "\n" not in caught.value.what
    assert len(caught.value.what) < 400
    return caught.value.what


def edit(folder: Path, name: str = "config.json", **changes: Any) -> None:
    """Change values of a JSON file; None takes one out."""
    path = folder / name
    content = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    kept = {key: value for key, value in content.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def plain_scores(folder: Path, rows: Table) -> Any:
    """What plain transformers says of each row by itself."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder)
    model.train(mode=False)
    pairs = zip(rows["question"], rows["sentence"], strict=True)
    with torch.no_grad():
        return np.concatenate(
            [
                model(**tokenizer(*pair, truncation=True, return_tensors="pt")).logits
                for pair in pairs
            ]
        )


def assert_as_plain(model: FinetunedEncoder, tmp_path: Path) -> Path:
    """Every row gets the score that plain transformers gives it from the saved model."""
    saved = tmp_path / "saved"
    saved.mkdir()
    model.save(saved)
    rows = colour_rows(12, 3)
    assert np.abs(model.predict(rows) - plain_scores(saved, rows)).max() < 1e-4
    return saved


# -- the tokenizer ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "architecture",
    ["bert", "electra", "distilbert", "albert", "roberta", "deberta-v2", "xlnet", "mpnet"],
)
def test_a_checkpoint_that_lost_its_tokenizer_is_refused(architecture: str, tmp_path: Path) -> None:
    folder = write_tiny(architecture, tmp_path / "weights")
    for path in folder.glob("*token*"):
        path.unlink()
    assert "tokenizer's files are not in the folder" in refused(folder)


def test_half_of_a_tokenizer_is_none(tmp_path: Path) -> None:
    folder = write_tiny("roberta", tmp_path / "weights")
    for path in folder.glob("*token*"):
        path.unlink()
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    assert "merges.txt" in refused(folder)


def test_a_saved_model_that_lost_its_tokenizer_is_refused(folder: Path, tmp_path: Path) -> None:
    model, _ = fit(folder)
    saved = tmp_path / "saved"
    saved.mkdir()
    model.save(saved)
    for path in saved.glob("*token*"):
        path.unlink()
    with pytest.raises(ModelError, match="tokenizer's files are not in the folder"):
        model.load(saved)


def test_a_vocabulary_far_smaller_than_the_model_s(folder: Path) -> None:
    edit(folder, vocab_size=1000)
    edit_weights(
        folder, lambda w: w.update({WORDS: torch.cat([w[WORDS]] * 20)[:1000].contiguous()})
    )
    assert "they do not belong together" in refused(folder)


WORDS = "embeddings.word_embeddings.weight"
POSITIONS = "embeddings.position_embeddings.weight"
TYPES = "embeddings.token_type_embeddings.weight"


def test_texts_that_the_tokenizer_does_not_know(folder: Path) -> None:
    task = colour_task()
    dev = {"dev": colour_rows(12, 2)}
    model = FinetunedEncoder(model_context(task), Checkpoint(name=str(folder)))
    rows = {name: list(colour_rows(32)[name]) for name in ("index", "label")}
    foreign = Table({**rows, "question": ["是 红 的 吗"] * 32, "sentence": ["天空 是 蓝 的"] * 32})
    with pytest.raises(ModelError, match="tokens of the training texts are unknown"):
        model.fit(foreign, dev, listen(folder.parent / "run", task, dev))
    mixed = Table({**rows, "question": ["吗 吗 吗 red 吗"] * 32, "sentence": ["it is blue ."] * 32})
    context = listen(folder.parent / "mixed", task, dev)
    model.fit(mixed, dev, context)
    assert "are unknown to the tokenizer" in context.warnings[0]


def test_more_tokens_than_rows_of_the_embedding(folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    rows = len(tokenizer)
    tokenizer.add_tokens(["very_new", "newer"])
    tokenizer.save_pretrained(folder)
    assert refused(folder).endswith(
        f"numbers its tokens up to {rows + 1}, and the model's embedding has {rows} rows"
    )


def test_a_special_token_without_a_row_is_refused_only_where_it_stands(folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"extra_special_tokens": ["<extra>"]})
    tokenizer.save_pretrained(folder)
    model, context = fit(folder)
    assert context.warnings == []
    rows = Table({"question": ["is it red ?", "is it ?"], "sentence": ["yes .", "it is <extra> ."]})
    with pytest.raises(ModelError, match="row 2 holds '<extra>'"):
        model.predict(rows)


# -- what the model is told of a row ----------------------------------------------------------


def test_token_types_that_the_model_has_no_room_for(folder: Path, tmp_path: Path) -> None:
    edit(folder, type_vocab_size=1)
    edit_weights(folder, lambda w: w.update({TYPES: w[TYPES][:1].clone()}))
    model, _ = fit(folder)
    assert_as_plain(model, tmp_path)


def test_no_row_for_any_token_type(folder: Path) -> None:
    edit(folder, type_vocab_size=0)
    edit_weights(folder, lambda w: w.update({TYPES: w[TYPES][:0].clone()}))
    assert "cannot score a text" in refused(folder)
    with pytest.raises(Unsupported, match="no room for token types"):
        read_architecture(json.loads((folder / "config.json").read_text(encoding="utf-8")))


def test_token_types_that_the_model_does_not_know(tmp_path: Path) -> None:
    folder = write_tiny("distilbert", tmp_path / "weights")
    names = ["input_ids", "token_type_ids", "attention_mask"]
    edit(folder, "tokenizer_config.json", model_input_names=names)
    assert_as_plain(fit(folder)[0], tmp_path)


@pytest.mark.parametrize(
    ("architecture", "padding", "longest"),
    [
        ("bert", 0, 66),
        ("roberta", 0, 65),
        ("mpnet", 0, 64),
        ("data2vec-text", 0, 65),
        ("roberta-prelayernorm", 0, 65),
        ("ibert", 0, 65),
        ("esm", 0, 65),
        ("opt", 0, 66),
    ],
)
def test_the_longest_input_is_taken_from_the_model_s_tables(
    architecture: str, padding: int, longest: int, tmp_path: Path
) -> None:
    folder = write_tiny(architecture, tmp_path / "weights")
    model, context = fit(folder)
    assert context.notes["max_length"] == longest
    long = Table({"question": ["is the sky warm ?"], "sentence": ["it is very red . " * 40]})
    assert np.isfinite(model.predict(long)).all()
    assert padding == 0


def test_a_table_of_distances_limits_nothing(tmp_path: Path) -> None:
    folder = write_tiny("t5", tmp_path / "weights")
    edit(folder, relative_attention_num_buckets=128, relative_attention_max_distance=512)
    bias = "transformer.{}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    tables = {bias.format(part): torch.randn(128, 4) for part in ("encoder", "decoder")}
    edit_weights(folder, lambda w: w.update(tables))
    assert fit(folder)[1].notes["max_length"] == 128


def test_a_limit_that_no_table_tells_is_found_by_trying(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertForSequenceClassification

    forward = BertForSequenceClassification.forward

    def at_most_40(self: Any, input_ids: Any = None, **inputs: Any) -> Any:
        if input_ids.shape[1] > 40:
            raise RuntimeError("the window is too small")
        return forward(self, input_ids, **inputs)

    monkeypatch.setattr(BertForSequenceClassification, "forward", at_most_40)
    model, context = fit(folder, plain_math=True)
    assert context.notes["max_length"] == 40
    assert "takes no more than 40 tokens at once" in context.warnings[0]
    long = Table({"question": ["is the sky warm ?"], "sentence": ["it is very red . " * 40]})
    assert np.isfinite(model.predict(long)).all()


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "llama"])
def test_padding_goes_to_the_right_whatever_the_tokenizer_says(
    architecture: str, tmp_path: Path
) -> None:
    folder = write_tiny(architecture, tmp_path / "weights")
    edit(folder, "tokenizer_config.json", padding_side="left")
    model, context = fit(folder)
    assert context.warnings == []
    saved = assert_as_plain(model, tmp_path)
    told = json.loads((saved / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert told["padding_side"] == "right"


def test_padding_goes_to_the_left_where_the_architecture_needs_it(tmp_path: Path) -> None:
    folder = write_tiny("xlnet", tmp_path / "weights")
    edit(folder, "tokenizer_config.json", padding_side="right")
    model, _ = fit(folder)
    saved = assert_as_plain(model, tmp_path)
    told = json.loads((saved / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert told["padding_side"] == "left"


def test_a_model_without_attention_mask_gets_no_padding(tmp_path: Path) -> None:
    folder = write_tiny("fnet", tmp_path / "weights")
    model, context = fit(folder)
    assert (
        "Padding changes what FNetForSequenceClassification makes of a row" in context.warnings[0]
    )
    assert_as_plain(model, tmp_path)


@pytest.mark.parametrize("architecture", ["fnet", "xlnet", "gpt2", "perceiver", "distilbert"])
def test_a_saved_model_is_tried_again_and_predicts_as_before(
    architecture: str, tmp_path: Path
) -> None:
    folder = write_tiny(architecture, tmp_path / "weights")
    model, _ = fit(folder)
    saved = tmp_path / "saved"
    saved.mkdir()
    model.save(saved)
    again = FinetunedEncoder(model_context(colour_task()), Checkpoint(name="any"))
    again.load(saved)
    rows = colour_rows(12, 3)
    assert np.array_equal(again.predict(rows), model.predict(rows))


@pytest.mark.parametrize("architecture", ["fnet", "xlnet"])
def test_a_resumed_run_takes_the_same_form(architecture: str, tmp_path: Path) -> None:
    folder = write_tiny(architecture, tmp_path / "weights")
    task, dev, train = colour_task(), {"dev": colour_rows(12, 2)}, colour_rows(48, 1)

    def begin() -> FinetunedEncoder:
        given = model_context(task, epochs=2, batch_size=16, token_cache=False)
        return FinetunedEncoder(given, Checkpoint(name=str(folder)))

    whole = begin()
    whole.fit(train, dev, listen(tmp_path / "a", task, dev))
    stopped = listen(tmp_path / "b", task, dev)

    def stop_later(progress: Progress) -> None:
        stopped.asked |= progress.phase == "train" and progress.done == 2

    stopped.on_report = stop_later
    with pytest.raises(Interrupted):
        begin().fit(train, dev, stopped)
    resumed = begin()
    resumed.fit(train, dev, listen(tmp_path / "b", task, dev, resume=True))
    assert np.array_equal(resumed.predict(dev["dev"]), whole.predict(dev["dev"]))


def test_a_task_with_one_text(folder: Path) -> None:
    task, dev = colour_task(columns=("sentence",)), {"dev": colour_rows(12, 2)}
    model = FinetunedEncoder(model_context(task), Checkpoint(name=str(folder)))
    model.fit(colour_rows(32, 1), dev, listen(folder.parent / "run", task, dev))
    assert model.predict(dev["dev"]).shape == (12, 2)


def test_a_stack_that_the_classifier_has_no_use_for(tmp_path: Path) -> None:
    from transformers import AutoModel

    folder = write_tiny("funnel", tmp_path / "weights")
    make: Any = AutoModel.from_config
    make(AutoModel.from_pretrained(folder).config).save_pretrained(folder)
    assert "funnel.decoder.layers.0" not in json.dumps(fit(folder)[1].warnings)


def test_a_padding_token_that_only_the_tokenizer_knows(tmp_path: Path) -> None:
    folder = write_tiny("gpt2", tmp_path / "weights")
    edit(folder, pad_token_id=None)
    model, _ = fit(folder)
    assert model._classifier is not None
    assert model._classifier.model.config.pad_token_id == 0
    assert_as_plain(model, tmp_path)


def test_an_operation_without_bf16_is_computed_in_fp32(tmp_path: Path) -> None:
    folder = write_tiny("fnet", tmp_path / "weights")
    said = refused(folder, precision="bf16")
    assert said.startswith("FNetForSequenceClassification cannot")
    assert "in bf16" in said


def test_auto_falls_back_to_fp32_with_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glueharness_finetune.runtime.cpu_has_bf16", lambda: True)
    folder = write_tiny("fnet", tmp_path / "weights")
    model, context = fit(folder, precision="auto")
    assert context.notes["precision"] == "fp32"
    assert model.fingerprint().precision == "fp32"
    assert any("that bf16 lacks: it computes in fp32" in line for line in context.warnings)


def test_a_model_that_plain_transformers_cannot_run_is_refused(tmp_path: Path) -> None:
    folder = write_tiny("nystromformer", tmp_path / "weights")
    edit(folder, num_landmarks=16, segment_means_seq_len=64)
    assert "NystromformerForSequenceClassification cannot score a text" in refused(folder)


def test_a_model_that_draws_random_numbers_when_it_predicts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertForSequenceClassification

    forward = BertForSequenceClassification.forward

    def noisy(self: Any, *args: Any, **inputs: Any) -> Any:
        output = forward(self, *args, **inputs)
        output.logits = output.logits + torch.randn(())
        return output

    monkeypatch.setattr(BertForSequenceClassification, "forward", noisy)
    assert "another score each time" in refused(folder)


def test_perceiver_names_its_input_otherwise(tmp_path: Path) -> None:
    folder = write_tiny("perceiver", tmp_path / "weights")
    assert_as_plain(fit(folder)[0], tmp_path)


# -- the weights ------------------------------------------------------------------------------


def test_sizes_that_the_weights_do_not_have(folder: Path) -> None:
    edit(folder, hidden_size=48, num_attention_heads=2)
    said = refused(folder)
    assert "[32" in said
    assert "[48" in said


@pytest.mark.parametrize(
    ("layers", "said"),
    [(1, "more layers than config.json says (1 more"), (3, "config.json says more layers")],
)
def test_a_number_of_layers_that_the_weights_do_not_have(
    folder: Path, layers: int, said: str
) -> None:
    edit(folder, num_hidden_layers=layers)
    assert said in refused(folder)


def test_no_layers_at_all(folder: Path) -> None:
    edit(folder, num_hidden_layers=0)
    assert "more layers than config.json says (2 more" in refused(folder)


def test_without_its_word_embedding_an_encoder_is_of_no_use(folder: Path) -> None:
    edit_weights(folder, lambda w: w.pop(WORDS))
    assert "every word would be random" in refused(folder)


def test_weights_that_are_all_zero(folder: Path) -> None:
    edit_weights(folder, lambda w: [value.zero_() for value in w.values()])
    assert "hold nothing but one and the same value" in refused(folder)


def test_weights_in_eight_bits(folder: Path) -> None:
    edit_weights(folder, lambda w: w.update({n: v.to(torch.int8) for n, v in w.items()}))
    assert "stored in eight bits" in refused(folder)


def test_weights_in_sixteen_and_in_sixty_four_bits(folder: Path, tmp_path: Path) -> None:
    edit_weights(
        folder,
        lambda w: w.update(
            {n: v.to([torch.float16, torch.float64][len(n) % 2]) for n, v in w.items()}
        ),
    )
    assert_as_plain(fit(folder)[0], tmp_path)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_weights_that_were_saved_with_a_wrapper(folder: Path, prefix: str) -> None:
    def rename(weights: dict[str, torch.Tensor]) -> None:
        for name in list(weights):
            weights[prefix + name] = weights.pop(name)

    edit_weights(folder, rename)
    with pytest.raises(ModelError, match=prefix) as caught:
        fit(folder)
    assert "the prefix of a wrapper" in caught.value.remedy


@pytest.mark.parametrize("content", [{"epoch": 3, "state_dict": {"a": torch.ones(1)}}, [1, 2]])
def test_the_checkpoint_of_a_training_program(folder: Path, content: Any) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / "pytorch_model.bin")
    assert "the file holds no tensors by name" in refused(folder)


def test_values_that_are_no_numbers_in_a_head_that_is_not_used(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "weights", labels=("good", "bad"))
    edit_weights(folder, lambda w: w["classifier.weight"].fill_(float("nan")))
    model, context = fit(folder)
    assert context.notes["checkpoint"]["head"].startswith("fresh")
    assert np.isfinite(model.predict(colour_rows(4))).all()


# -- the configuration ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_dropout_prob": 2.0}, "hidden_dropout_prob is 2.0, and no rate"),
        ({"pad_token_id": 50_000}, "pad_token_id is 50000, and there are only"),
        ({"model_type": "berta"}, "does not know the architecture 'berta', did you mean 'bert'?"),
        ({"model_type": ["bert"]}, "does not know the architecture ['bert']"),
        ({"hidden_act": "geluu"}, "hidden_act is 'geluu', which transformers does not know"),
    ],
)
def test_what_a_configuration_cannot_mean(folder: Path, changes: dict[str, Any], said: str) -> None:
    edit(folder, **changes)
    assert said in refused(folder)


@pytest.mark.parametrize(
    "changes",
    [{"return_dict": False}, {"output_hidden_states": True, "output_attentions": True}],
)
def test_what_a_model_returns_is_not_the_checkpoint_s_business(
    folder: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    edit(folder, **changes)
    assert_as_plain(fit(folder)[0], tmp_path)


@pytest.mark.parametrize("longest", [0, -1, "512", 3])
def test_a_longest_input_that_leaves_no_room(folder: Path, longest: Any) -> None:
    edit(folder, "tokenizer_config.json", model_max_length=longest)
    assert "model_max_length is" in (said := refused(folder)) or "no room is left" in said


def test_weights_of_another_architecture(folder: Path) -> None:
    def rename(weights: dict[str, torch.Tensor]) -> None:
        for name in list(weights):
            weights[f"other.{name}"] = weights.pop(name)

    edit_weights(folder, rename)
    assert "of another architecture than config.json says" in refused(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers(folder: Path, value: float) -> None:
    edit_weights(folder, lambda w: w[POSITIONS].__setitem__((3, 4), value))
    said = refused(folder)
    assert "position_embeddings.weight holds 1 values that are no numbers" in said


def test_a_value_that_only_a_flipped_bit_gives(folder: Path) -> None:
    edit_weights(folder, lambda w: w[POSITIONS].__setitem__((3, 4), 1.7e37))
    assert "position_embeddings.weight holds the value 1.7e+37, which" in refused(folder)


def test_an_architecture_without_a_classifier(folder: Path) -> None:
    edit(folder, model_type="clip")
    assert "transformers has no text classifier of that" in refused(folder)


# -- the labels -------------------------------------------------------------------------------


def head_of(folder: Path, **changes: Any) -> tuple[str, list[str]]:
    """What becomes of the head, and what is said of it."""
    edit(folder, **changes)
    loaded = load_pretrained(folder, colour_task(), model_context(colour_task()).settings)
    return loaded.facts["head"], loaded.warnings


@pytest.mark.parametrize("names", [{"0": "1", "1": "0"}, {"0": "0", "1": "1"}])
def test_labels_that_are_only_numbers_say_nothing(tmp_path: Path, names: dict[str, str]) -> None:
    folder = write_checkpoint(tmp_path, labels=LABELS)
    head, warnings = head_of(folder, id2label=names, label2id=None)
    assert head.startswith("fresh")
    assert "are only numbers" in warnings[0]


def test_labels_that_are_numbered_from_one(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, labels=LABELS)
    names = {"1": "entailment", "2": "not_entailment"}
    head, warnings = head_of(folder, id2label=names, label2id=None)
    assert head.startswith("fresh")
    assert "numbers its labels 1, 2, not from 0" in warnings[0]


@pytest.mark.parametrize("named", [{"entailment": 0, "not_entailment": 1}, ["a", "b"]])
def test_labels_the_wrong_way_round(folder: Path, named: Any) -> None:
    edit(folder, id2label=named)
    assert "id2label does not give each output's number a name" in refused(folder)


# -- old layouts ------------------------------------------------------------------------------


def as_years_ago(folder: Path, prefix: str = "bert.") -> None:
    """The layout of the first repositories: pickled weights, gamma and beta, hardly any names."""
    weights = {
        f"{prefix}{name}".replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): value
        for name, value in load_file(folder / "model.safetensors").items()
    }
    weights["cls.predictions.bias"] = torch.zeros(3)
    torch.save(weights, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    words = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    for path in folder.glob("*token*"):
        path.unlink()
    (folder / "vocab.txt").write_text("\n".join(word for word, _ in words), encoding="utf-8")
    edit(folder, model_type=None, architectures=None, transformers_version=None)


def test_a_repository_of_the_first_years_works(whole: Path, tmp_path: Path) -> None:
    # transformers would take the folder's name for the architecture.
    folder = copy_of(whole, tmp_path / "albert" / "weights")
    embedding = load_file(folder / "model.safetensors")[WORDS]
    norm = load_file(folder / "model.safetensors")["embeddings.LayerNorm.weight"]
    as_years_ago(folder)
    loaded = load_pretrained(folder, colour_task(), model_context(colour_task()).settings)
    assert type(loaded.model).__name__ == "BertForSequenceClassification"
    state = loaded.model.state_dict()
    assert torch.equal(state[f"bert.{WORDS}"], embedding)
    assert torch.equal(state["bert.embeddings.LayerNorm.weight"], norm)
    assert loaded.warnings == []
    assert "weights_only" in loaded.facts["format"]
    model, _ = fit(folder)
    assert_as_plain(model, tmp_path)


def test_a_configuration_that_nothing_tells_the_architecture_of(
    whole: Path, tmp_path: Path
) -> None:
    folder = copy_of(whole, tmp_path / "albert")
    as_years_ago(folder, prefix="")
    assert "does not say what architecture the model has" in refused(folder)


class _Runs:
    """Pickled, it would run code."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this code must not run",))


def test_pickled_weights_run_no_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "model.safetensors").unlink()
    with (folder / "pytorch_model.bin").open("wb") as stream:
        pickle.dump({"embeddings": _Runs()}, stream, protocol=2)
    assert "hold more than tensors, such as code" in refused(folder)
    assert "must not run" not in "".join(capsys.readouterr())


def test_safetensors_go_before_pickle(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"no pickle at all")
    _, context = fit(folder)
    assert "format" not in context.notes["checkpoint"]


def test_a_saved_model_says_how_long_its_inputs_may_be(folder: Path, tmp_path: Path) -> None:
    from transformers import pipeline

    edit(folder, "tokenizer_config.json", model_max_length=None)
    model, _ = fit(folder)
    saved = assert_as_plain(model, tmp_path)
    told = json.loads((saved / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert told["model_max_length"] == 64
    classify: Any = pipeline("text-classification", model=str(saved), truncation=True)
    assert classify("it is very red . " * 140)[0]["label"] in LABELS
