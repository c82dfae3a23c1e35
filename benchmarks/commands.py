"""How long the commands take that a user types: this project's, and a script with HF Trainer.

    python -m benchmarks.commands --data-dir DIR [--model tiny|mini|small|FOLDER] [--output FILE]

Each contender is a process of its own with its default options, from the command to the result; the
contenders take turns, round by round, and ratios are taken within a round. All begin from the same
folder. Needs ``pip install 'glueharness[bench]'``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIZES = {"tiny": (2, 128, 2), "mini": (4, 256, 4), "small": (4, 512, 8)}
_PEER = "HF Trainer"
CONTENDERS: Mapping[str, tuple[str, ...]] = {
    _PEER: (),
    "glueharness": (),
    "glueharness --precision fp32": ("--precision", "fp32"),
    "glueharness --engine torch": ("--engine", "torch"),
    "glueharness --engine torch --precision fp32": ("--engine", "torch", "--precision", "fp32"),
}
_RECIPE = {"learning_rate": 2e-5, "weight_decay": 0.01, "max_length": 512}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one command has shown.

    Attributes:
        train: Rows a second in training, from tokens.
        evaluate: Rows a second in evaluation, tokenising included.
        seconds: From the command to its end.
    """

    train: float
    evaluate: float
    seconds: float


def main(words: Sequence[str]) -> None:
    """Measure, print the table, and write it where ``--output`` says."""
    options = _options(words)
    if options.trainer:
        print(json.dumps(_train_by_the_peer(options)))
        return
    found: dict[str, list[Result]] = {name: [] for name in options.contenders}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = _checkpoint(options, Path(folder))
        for number in range(options.rounds):
            for name, results in found.items():
                result = _run(name, checkpoint, options, Path(folder) / f"{number}-{len(name)}")
                results.append(result)
                print(f"round {number + 1}: {name}: {result}", file=sys.stderr)
    text = report(options, found)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of GLUE files")
    parser.add_argument("--model", default="tiny", help="tiny, mini, small, or a folder")
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--rounds", type=int, default=3, help="turns that each contender takes")
    parser.add_argument("--train-rows", type=int, default=6000)
    parser.add_argument("--dev-rows", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument(
        "--busy",
        action="store_true",
        help="for a machine that others use too: the peer's threads, too, sleep while they wait",
    )
    parser.add_argument("--output", type=Path, help="Markdown file to write")
    parser.add_argument("--trainer", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(words)


def _checkpoint(options: argparse.Namespace, folder: Path) -> Path:
    """The folder that all begin from."""
    if options.model not in SIZES:
        return Path(options.model)
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    from glueharness_finetune.pretrained.tokenizer import learn_vocabulary

    layers, width, heads = SIZES[options.model]
    torch.manual_seed(1)
    table = _table(options.data_dir, "train", 20_000)
    learn_vocabulary([*table["question"], *table["sentence"]], 30522).save_pretrained(str(folder))
    config = BertConfig(
        vocab_size=30522, hidden_size=width, num_hidden_layers=layers,
        num_attention_heads=heads, intermediate_size=4 * width,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def _run(name: str, checkpoint: Path, options: argparse.Namespace, folder: Path) -> Result:
    """One contender's command; its cache of tokens is empty."""
    common = ["--data-dir", str(options.data_dir), "--batch-size", str(options.batch_size)]
    if name == _PEER:
        command = [
            sys.executable, "-m", "benchmarks.commands", "--trainer", str(checkpoint), *common,
            "--train-rows", str(options.train_rows), "--dev-rows", str(options.dev_rows),
        ]  # fmt: skip
    else:
        recipe = [f"--{key.replace('_', '-')}={value}" for key, value in _RECIPE.items()]
        command = [
            sys.executable, "-m", "glueharness", "run", "qnli", "--model", f"hf:{checkpoint}",
            *common, "--limit-train", str(options.train_rows),
            "--limit-dev", str(options.dev_rows), "--epochs", "1", "--warmup-ratio", "0",
            *recipe, "--dropout", "0.1", "--layerwise-lr-decay", "1",
            "--runs-dir", str(folder / "runs"), *CONTENDERS[name],
        ]  # fmt: skip
    environment = {
        **os.environ, "GLUEHARNESS_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(folder / "datasets"),
    }  # fmt: skip
    if options.busy:
        environment |= {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "2000"}
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr}\n{done.stdout}")
    if name == _PEER:
        told = json.loads(done.stdout.splitlines()[-1])
        return Result(train=told["train"], evaluate=told["evaluate"], seconds=seconds)
    [file] = (folder / "runs").glob("*/run.json")
    return _told(json.loads(file.read_text(encoding="utf-8"))["notes"], seconds)


def _told(notes: Mapping[str, Any], seconds: float) -> Result:
    """What a run's record says of its speed."""
    speed = notes["speed"]
    scoring = speed["seconds_of_scoring"] + notes["seconds_of_encoding"]["dev"]
    return Result(
        train=speed["rows"] / (speed["seconds"] - speed["seconds_of_scoring"]),
        evaluate=speed["rows_scored"] / scoring,
        seconds=seconds,
    )


def _table(data_dir: Path, split: str, rows: int) -> dict[str, list[str]]:
    """The first rows of a split of QNLI, by column."""
    from glueharness import DataOptions
    from glueharness.data.opening import open_data
    from glueharness.plugin.registry import Registry

    registry = Registry()
    task = registry.task("qnli")
    source = DataOptions(source="dir", folder=data_dir, offline=True)
    loaded = open_data(task, source, registry.sources_for(task)).load(split)
    return {name: list(loaded[name])[:rows] for name in (*task.columns, "label")}


def _train_by_the_peer(options: argparse.Namespace) -> dict[str, float]:
    """Train as the tutorials do: map, a padding collator, Trainer."""
    from datasets import Dataset, disable_progress_bars
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    disable_progress_bars()
    tokenizer = AutoTokenizer.from_pretrained(options.trainer)
    model = AutoModelForSequenceClassification.from_pretrained(options.trainer, num_labels=2)

    def encoded(split: str, rows: int) -> Any:
        table: dict[str, Any] = dict(_table(options.data_dir, split, rows))
        table["label"] = [int(label != "entailment") for label in table["label"]]

        def encode(batch: dict[str, list[str]]) -> Any:
            return tokenizer(
                batch["question"], batch["sentence"], truncation=True,
                max_length=_RECIPE["max_length"],
            )  # fmt: skip

        return Dataset.from_dict(table).map(
            encode, batched=True, remove_columns=["question", "sentence"]
        )

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, num_train_epochs=1, report_to=[], use_cpu=True, disable_tqdm=True,
            per_device_train_batch_size=options.batch_size, save_strategy="no",
            per_device_eval_batch_size=options.batch_size,
            learning_rate=_RECIPE["learning_rate"], weight_decay=_RECIPE["weight_decay"],
        )  # fmt: skip
        trainer = Trainer(
            model=model, args=arguments, train_dataset=encoded("train", options.train_rows),
            data_collator=DataCollatorWithPadding(tokenizer), compute_metrics=_accuracy,
        )  # fmt: skip
        trained = trainer.train().metrics
        began = time.perf_counter()
        dev = encoded("dev", options.dev_rows)
        trainer.evaluate(dev)
        evaluation = time.perf_counter() - began
        trainer.save_model(folder)
    return {
        "train": trained["train_samples_per_second"],
        "evaluate": len(dev) / evaluation,
    }


def _accuracy(found: Any) -> dict[str, float]:
    return {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())}


def report(options: argparse.Namespace, found: Mapping[str, Sequence[Result]]) -> str:
    """The table, with what it was measured on above it."""
    import platform
    from importlib.metadata import version

    from glueharness.run.environment import core_count, cpu_name

    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    name = f"BERT-{options.model}" if options.model in SIZES else Path(options.model).name
    measured = (
        f"Measured {dt.datetime.now(dt.UTC):%Y-%m-%d} on {cpu_name()}, {core_count()} threads, "
        f"{platform.system()}, Python {platform.python_version()}, {versions}: {name}, QNLI, "
        f"{options.train_rows} rows for one epoch in batches of {options.batch_size}, "
        f"{options.dev_rows} dev rows; {options.rounds} turns each. Median [lowest–highest]; "
        "ratios are taken within a turn."
        + (" The machine was shared with other work." if options.busy else "")
    )
    lines = [
        measured,
        "",
        "| | training, rows/s | × Trainer | evaluation, rows/s | × Trainer | command to end, s |",
        "|---|---|---|---|---|---|",
    ]
    for who, results in found.items():
        cells = [who]
        for kind in ("train", "evaluate"):
            values = [getattr(result, kind) for result in results]
            cells += [_spread(values, ".0f"), "1"]
            if who != _PEER and _PEER in found:
                peer = [getattr(result, kind) for result in found[_PEER]]
                ratios = [mine / theirs for mine, theirs in zip(values, peer, strict=True)]
                cells[-1] = _spread(ratios, ".2f")
        cells.append(_spread([result.seconds for result in results], ".1f"))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: Sequence[float], form: str) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} [{low:{form}}–{high:{form}}]"


if __name__ == "__main__":
    main(sys.argv[1:])
