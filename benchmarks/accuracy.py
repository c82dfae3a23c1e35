"""Whether being quick costs accuracy: this project against Hugging Face's Trainer, seed by seed.

    python -m benchmarks.accuracy --data-dir DIR --model FOLDER [--task rte] [--results FILE]

Both train with the same recipe on the same rows; the last dev score counts. Each training is
a process of its own and a line of the results file, so that what was interrupted goes on with what
is missing. Needs ``pip install 'glueharness[bench]'``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contenders import WEIGHT_DECAY, tokenised
from benchmarks.quiet import Quiet, as_chosen
from glueharness import DataOptions, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glueharness import FloatArray, TaskSpec

WARMUP = 0.1
_PEER, _OURS, _TORCH = "HF Trainer", "glueharness", "glueharness --engine torch"
CONTENDERS = tuple(f"{who}, {how}" for who in (_PEER, _OURS, _TORCH) for how in ("fp32", "bf16"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training.

    Attributes:
        task: The task.
        train: Training rows.
        dev: Dev rows.
        checkpoint: Folder with the model to start from.
        recipe: The options of the command.
        bf16: Whether in bfloat16.
        seed: Seed.
        engine: This project's engine, as ``--engine``.
    """

    task: TaskSpec
    train: Table
    dev: Table
    checkpoint: Path
    recipe: argparse.Namespace
    bf16: bool
    seed: int
    engine: str = "auto"


def by_us(training: Training) -> FloatArray:
    """Dev scores after training by this project's engine."""
    from glueharness_finetune import Checkpoint, FinetuneSettings
    from glueharness_finetune.encoder_model import EncoderModel

    recipe = training.recipe
    settings = FinetuneSettings(
        epochs=recipe.epochs, batch_size=recipe.batch_size, learning_rate=recipe.learning_rate,
        warmup_ratio=WARMUP, weight_decay=WEIGHT_DECAY, max_length=recipe.max_length,
        precision="bf16" if training.bf16 else "fp32", threads=recipe.threads, keep_best=False,
        engine=training.engine,
        token_cache=False, checkpoint_minutes=0.0,
        identity_pooler=False,  # the peer keeps what the checkpoint holds
    )  # fmt: skip
    context = as_chosen(training.task, settings, training.seed)
    model = EncoderModel(context, Checkpoint(name=str(training.checkpoint)))
    with tempfile.TemporaryDirectory() as folder:
        quiet = Quiet(training.task, training.dev, Path(folder))
        model.fit(training.train, {"dev": training.dev}, quiet)
    return model.predict(training.dev)


def by_the_peer(training: Training) -> FloatArray:
    """Dev scores after training by Hugging Face's Trainer."""
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    recipe = training.recipe
    torch.set_num_threads(recipe.threads)
    set_seed(training.seed)
    tokenizer = AutoTokenizer.from_pretrained(
        training.checkpoint, model_max_length=recipe.max_length
    )
    model = AutoModelForSequenceClassification.from_pretrained(
        training.checkpoint, num_labels=training.task.num_outputs
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, num_train_epochs=recipe.epochs, seed=training.seed, use_cpu=True,
            per_device_train_batch_size=recipe.batch_size, learning_rate=recipe.learning_rate,
            warmup_steps=WARMUP, weight_decay=WEIGHT_DECAY, max_grad_norm=1.0,
            bf16=training.bf16, logging_strategy="no", save_strategy="no", report_to=[],
            disable_tqdm=True,
        )  # fmt: skip
        rows = [
            tokenised(table, training.task, tokenizer, recipe.max_length)
            for table in (training.train, training.dev)
        ]
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=rows[0],
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.train()
        scores: Any = trainer.predict(rows[1]).predictions
    found: FloatArray = scores
    return found


def main(words: Sequence[str]) -> None:
    """Train what the results file lacks, and print the table."""
    options = _options(words)
    if options.worker:
        print(json.dumps(_train(options)))
        return
    wanted = [(name, seed) for seed in range(1, options.seeds + 1) for name in options.contenders]
    found = _read(options.results)
    with ThreadPoolExecutor(options.workers) as pool:
        for done in pool.map(
            lambda each: _in_a_process(words, *each),
            [each for each in wanted if each not in found],
        ):
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(done) + "\n")
            print(f"{done['name']}, seed {done['seed']}: {done['score']:.4f}", file=sys.stderr)
    print(report({each: score for each, score in _read(options.results).items() if each in wanted}))


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of GLUE files")
    parser.add_argument("--model", type=Path, required=True, help="checkpoint folder")
    parser.add_argument("--task", default="rte")
    parser.add_argument("--contenders", nargs="+", default=CONTENDERS, choices=CONTENDERS)
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 1 on")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1, help="processor threads a training")
    parser.add_argument("--workers", type=int, default=1, help="trainings at once")
    parser.add_argument("--results", type=Path, default=Path("accuracy.jsonl"))
    parser.add_argument("--worker", nargs=2, default=(), help=argparse.SUPPRESS)
    return parser.parse_args(words)


def _in_a_process(words: Sequence[str], name: str, seed: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.accuracy", *words, "--worker", name, str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name}, seed {seed} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _train(options: argparse.Namespace) -> dict[str, Any]:
    from glueharness.data.opening import open_data
    from glueharness.plugin.registry import Registry

    name, seed = options.worker[0], int(options.worker[1])
    registry = Registry()
    task = registry.task(options.task)
    source = DataOptions(source="dir", folder=options.data_dir, offline=True)
    data = open_data(task, source, registry.sources_for(task)).data
    train, dev = (
        Table({column: list(data.load(split)[column]) for column in (*task.columns, "label")})
        for split in ("train", "dev")
    )
    training = Training(
        task=task, train=train, dev=dev, checkpoint=options.model, recipe=options,
        bf16=name.endswith("bf16"), seed=seed,
        engine="torch" if name.startswith(_TORCH) else "auto",
    )  # fmt: skip
    scores = (by_us if name.startswith(_OURS) else by_the_peer)(training)
    score = Quiet(task, dev, Path()).score({"dev": scores}).primary
    return {"name": name, "seed": seed, "score": score}


def _read(path: Path) -> dict[tuple[str, int], float]:
    """Scores by contender and seed, as far as they are known."""
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(line["name"], line["seed"]): line["score"] for line in lines}


def report(found: Mapping[tuple[str, int], float]) -> str:
    """Means by contender, and each one's difference to the peer's in fp32 with its 95 % interval.

    The interval is Welch's: the same seed does not mean the same order of rows in both.
    """
    from scipy.stats import ttest_ind

    names = list(dict.fromkeys(name for name, _ in found))
    scores = {name: [value for (who, _), value in found.items() if who == name] for name in names}
    base = scores.get(CONTENDERS[0], [])
    lines = ["| | seeds | mean ± sd | difference | 95 % interval |", "|---|---|---|---|---|"]
    for name, values in scores.items():
        spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
        cells = [name, str(len(values)), f"{statistics.mean(values):.4f}{spread}", "–", "–"]
        if name != CONTENDERS[0] and min(len(values), len(base)) > 1:
            low, high = ttest_ind(values, base, equal_var=False).confidence_interval()
            cells[3] = f"{statistics.mean(values) - statistics.mean(base):+.4f}"
            cells[4] = f"{low:+.4f} to {high:+.4f}"
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
