"""A small ``nyu-mll/glue`` and a small BERT, in the form that the hub has them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from glueharness import HubLayout, Table
from glueharness_glue.common import GLUE_REPOSITORY, GLUE_REVISION
from glueharness_glue.sample import generate
from glueharness_glue.tasks import TASKS
from tests.hub_stand_in import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glueharness import TaskSpec

BERT = "google/bert_uncased_L-2_H-128_A-2"
BERT_REVISION = "30b0a37ccaaa32f332884b96992754e246e48c5f"
ROWS = 60


def hub_form(task: TaskSpec) -> dict[str, dict[str, list[Any]]]:
    """Made-up rows of a task, by the hub's split names, with its columns and numbered labels.

    As on the hub: test labels are -1, but MRPC's are real; test rows of RTE are not in order, and
    row numbers of QQP's train split have gaps.
    """
    layout = task.location(HubLayout)
    assert layout is not None
    made = generate(task.name)
    splits = {}
    for split, there in layout.splits.items():
        rows = list(made[split])[:ROWS]
        hidden = task.split(split).role == "test" and task.name != "mrpc"
        columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in task.columns}
        columns["label"] = [-1 if hidden else _number(row.get("label"), task) for row in rows]
        columns["idx"] = list(range(len(rows)))
        if task.name == "qqp" and split == "train":
            columns["idx"] = [2 * number for number in columns["idx"]]
            columns["question1"][0] = '"Who said ""yes""?"'
        if task.name == "rte" and split == "test":
            columns = {name: values[::-1] for name, values in columns.items()}
        splits[there] = columns
    return splits


def _number(label: Any, task: TaskSpec) -> float | int:
    if task.regression:
        return float(label if label is not None else -1)
    return task.labels.index(label) if label is not None else 0


def made_up(task: TaskSpec, split: str) -> Table:
    """The rows that the stand-in serves, as they should come out."""
    rows = [dict(row) for row in generate(task.name)[split][:ROWS]]
    if (task.name, split) == ("qqp", "train"):
        rows[0]["question1"] = 'Who said "yes"?'
    hidden = {"label"} if task.split(split).role == "test" else set()
    return Table({name: [row[name] for row in rows] for name in rows[0] if name not in hidden})


def glue_repository(tasks: tuple[TaskSpec, ...] = TASKS) -> Repository:
    """The data set, with a README that describes its configurations as the real one does."""
    files, configs, infos = {}, [], []
    for task in tasks:
        layout = task.location(HubLayout)
        assert layout is not None
        data = hub_form(task)
        for split, columns in data.items():
            path = f"{layout.config}/{split}-00000-of-00001.parquet"
            files[path] = _parquet(columns, regression=task.regression)
        configs.append(
            {
                "config_name": layout.config,
                "data_files": [
                    {"split": split, "path": f"{layout.config}/{split}-*"} for split in data
                ],
            }
        )
        infos.append(_info(task, layout.config, data))
    # JSON is YAML.
    card = json.dumps({"configs": configs, "dataset_info": infos})
    files["README.md"] = f"---\n{card}\n---\n# GLUE, in small\n".encode()
    return Repository("datasets", GLUE_REPOSITORY, GLUE_REVISION, files)


def _info(task: TaskSpec, config: str, data: Mapping[str, Mapping[str, list[Any]]]) -> Any:
    label: Any = "float32"
    if not task.regression:
        names = {str(number): name for number, name in enumerate(task.labels)}
        label = {"class_label": {"names": names}}
    features = [
        *({"name": column, "dtype": "string"} for column in task.columns),
        {"name": "label", "dtype": label},
        {"name": "idx", "dtype": "int32"},
    ]
    splits = [
        {"name": split, "num_bytes": 0, "num_examples": len(columns["idx"])}
        for split, columns in data.items()
    ]
    return {
        "config_name": config,
        "features": features,
        "splits": splits,
        "download_size": 0,
        "dataset_size": 0,
    }


def _parquet(columns: Mapping[str, list[Any]], *, regression: bool) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"label": pa.float32() if regression else pa.int64(), "idx": pa.int32()}
    arrays = {
        name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(arrays), buffer)
    return buffer.getvalue()


def bert_repository(*, modern: bool = False) -> Repository:
    """BERT-tiny's files with random weights and few word pieces, as the hub has them.

    The true repository is an old one: its weights are a ``pytorch_model.bin`` alone with the names
    of BERT's first days (``gamma``, ``beta``) and the heads of pretraining, its vocabulary is a
    ``vocab.txt`` alone, and its configuration does not say which architecture it is for.

    Args:
        modern: Weights in safetensors, and a configuration with an architecture.
    """
    weights = _bert_weights()
    files = {"vocab.txt": "".join(f"{word}\n" for word in _vocabulary()).encode()}
    config: dict[str, Any] = {
        "vocab_size": len(_vocabulary()),
        "hidden_size": _HIDDEN,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": 4 * _HIDDEN,
        "max_position_embeddings": _POSITIONS,
    }
    if modern:
        from safetensors.numpy import save

        config |= {"architectures": ["BertForMaskedLM"], "model_type": "bert"}
        files["model.safetensors"] = save(weights, metadata={"format": "pt"})
    else:
        files["pytorch_model.bin"] = _pickled(weights)
    files |= {"config.json": json.dumps(config).encode(), "README.md": b"# BERT, in small"}
    return Repository("models", BERT, BERT_REVISION, files)


_HIDDEN, _POSITIONS, _LAYERS = 128, 128, 2


def _vocabulary() -> list[str]:
    words = sorted({word for row in generate("qnli")["train"][:500] for word in _words(row)})
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]


def _bert_weights() -> dict[str, Any]:
    """Made with NumPy: the test's own process needs no torch for them."""
    import numpy as np

    shapes = {
        "embeddings.word_embeddings.weight": (len(_vocabulary()), _HIDDEN),
        "embeddings.position_embeddings.weight": (_POSITIONS, _HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, _HIDDEN),
        **_normalisation("embeddings.LayerNorm", _HIDDEN),
        **_linear("pooler.dense", _HIDDEN, _HIDDEN),
    }
    for number in range(_LAYERS):
        layer = f"encoder.layer.{number}"
        for name in ("query", "key", "value"):
            shapes |= _linear(f"{layer}.attention.self.{name}", _HIDDEN, _HIDDEN)
        shapes |= _linear(f"{layer}.attention.output.dense", _HIDDEN, _HIDDEN)
        shapes |= _normalisation(f"{layer}.attention.output.LayerNorm", _HIDDEN)
        shapes |= _linear(f"{layer}.intermediate.dense", _HIDDEN, 4 * _HIDDEN)
        shapes |= _linear(f"{layer}.output.dense", 4 * _HIDDEN, _HIDDEN)
        shapes |= _normalisation(f"{layer}.output.LayerNorm", _HIDDEN)
    draw = np.random.default_rng(0)
    return {
        f"bert.{name}": np.ones(shape, np.float32)
        if name.endswith("LayerNorm.weight")
        else draw.normal(0, 0.02, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def _pickled(weights: Mapping[str, Any]) -> bytes:
    """As ``torch.save`` wrote them in those days, with the heads of pretraining."""
    import torch

    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): torch.from_numpy(value)
        for name, value in weights.items()
    }
    old["cls.seq_relationship.weight"] = torch.zeros(2, _HIDDEN)
    old["cls.seq_relationship.bias"] = torch.zeros(2)
    old["cls.predictions.bias"] = torch.zeros(len(_vocabulary()))
    old["cls.predictions.transform.dense.weight"] = torch.zeros(_HIDDEN, _HIDDEN)
    buffer = io.BytesIO()
    torch.save(old, buffer)
    return buffer.getvalue()


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _normalisation(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def _words(row: Mapping[str, Any]) -> list[str]:
    text = f"{row['question']} {row['sentence']}".lower()
    return "".join(letter if letter.isalnum() else " " for letter in text).split()
