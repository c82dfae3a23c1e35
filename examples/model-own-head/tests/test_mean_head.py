"""The suite; and BERT's weights really arrive under the head."""

from pathlib import Path

from glueharness import ModelContext
from glueharness.plugin.registry import Registry
from glueharness.scoring.scorer import Scorer
from glueharness.testing import ModelConformance
from glueharness.testing.material import TrialContext, dev_split, make_task, train_split


class TestMeanHead(ModelConformance):
    model = Registry().models.get("bert-tiny-mean")
    settings = {"epochs": 1, "batch_size": 16}
    forms = ("pair",)


def test_the_encoder_of_a_plain_checkpoint_is_kept(tmp_path: Path) -> None:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    from glueharness_finetune.pretrained.tokenizer import learn_vocabulary

    tokenizer = learn_vocabulary(["a few words of no weight"], 100)
    torch.manual_seed(3)
    plain = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(tokenizer), num_hidden_layers=1, hidden_size=32,
            num_attention_heads=2, intermediate_size=64,
        )
    )  # fmt: skip
    plain.save_pretrained(tmp_path / "plain")
    tokenizer.save_pretrained(str(tmp_path / "plain"))

    spec, task = TestMeanHead.model, make_task("pair")
    settings = spec.settings(weights=tmp_path / "plain", epochs=1, learning_rate=1e-12)
    chosen = {"learning_rate": "the test"}
    model = spec.factory(
        ModelContext(task=task, settings=settings, seed=1, offline=True, origins=chosen)
    )
    dev = {"dev": dev_split("pair")}
    (tmp_path / "checkpoints").mkdir()
    context = TrialContext(tmp_path / "checkpoints", Scorer(task, dev))
    model.fit(train_split("pair"), dev, context)
    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")

    from safetensors.torch import load_file

    saved = load_file(tmp_path / "saved" / "model.safetensors")
    assert {name.partition(".")[0] for name in saved} == {"bert", "head"}
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert torch.allclose(saved[name], plain.state_dict()[name], atol=1e-5)
    assert not context.warnings
