"""How quickly an encoder is fine-tuned here: this project against Hugging Face's Trainer.

    python -m benchmarks.finetune [--data-dir DIR] [--model FOLDER] [--output FILE]

All contenders take turns in one process, round by round, so that whatever else the machine does
hits them alike; ratios are taken within a round. Memory and start-up are measured in processes of
their own. Needs ``pip install 'glueharness[bench]'``.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contenders import (
    CONTENDERS,
    Contender,
    Ours,
    Speeds,
    Work,
    fewer_rows,
    prepare_tiny,
)
from glueharness import DataOptions, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

_PEER, _TUNED = "HF Trainer", "HF Trainer, tuned"
_AGAIN = "glueharness, auto, texts seen before"
_KINDS = ("train", "evaluate", "predict")


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """What a process of its own has shown.

    Attributes:
        seconds: From the start of the process to the end of the first training step.
        mebibytes: Its peak memory.
    """

    seconds: float
    mebibytes: float


def main(words: Sequence[str]) -> None:
    """Measure, print the table, and write it where ``--output`` says."""
    options = _options(words)
    if options.worker:
        _be_worker(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        work = _work(options, Path(folder))
        speeds = _take_turns(work, options.rounds)
        starts = _measure_starts(options, work.checkpoint, Path(folder))
        text = _report(work, options, speeds, starts)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="folder of GLUE files; else the sample")
    parser.add_argument("--model", type=Path, help="checkpoint folder; else a fresh BERT-tiny")
    parser.add_argument("--rounds", type=int, default=5, help="turns that each contender takes")
    parser.add_argument("--steps", type=int, default=100, help="training steps a turn")
    parser.add_argument("--warm-up", type=int, default=60, help="steps before the clock starts")
    parser.add_argument("--dev-rows", type=int, default=2000, help="rows to evaluate and predict")
    parser.add_argument("--batch-size", type=int, default=16, help="rows a step")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="processor threads")
    parser.add_argument("--starts", type=int, default=2, help="processes for memory and start-up")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="rows a second of processor time: for a machine that others use too",
    )
    parser.add_argument("--output", type=Path, help="Markdown file to write")
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def _work(options: argparse.Namespace, folder: Path) -> Work:
    """QNLI's rows, and the checkpoint to start from."""
    from glueharness.data.opening import open_data
    from glueharness.plugin.registry import Registry

    registry = Registry()
    task = registry.task("qnli")
    source = DataOptions(
        source="dir" if options.data_dir else "sample", folder=options.data_dir, offline=True
    )
    data = open_data(task, source, registry.sources_for(task)).data
    columns = (*task.columns, "label")
    train, dev = (
        Table({name: list(data.load(split)[name])[:limit] for name in columns})
        for split, limit in (("train", None), ("dev", options.dev_rows))
    )
    checkpoint = options.model
    if checkpoint is None:
        checkpoint = folder / "bert-tiny"
        checkpoint.mkdir()
        prepare_tiny(checkpoint, train, task)
    return Work(
        task=task, train=train, dev=dev, checkpoint=checkpoint, batch_size=options.batch_size,
        threads=options.threads, warm_up=options.warm_up, steps=options.steps,
        clock=time.process_time if options.processor_time else time.perf_counter,
    )  # fmt: skip


def _take_turns(work: Work, rounds: int) -> dict[str, list[Speeds]]:
    """Each contender's speeds, round by round."""
    some = fewer_rows(work, (work.warm_up + work.steps) * work.batch_size)
    found: dict[str, list[Speeds]] = {name: [] for name in CONTENDERS}
    for number in range(rounds):
        for name, contender in CONTENDERS.items():
            speeds = contender.run(some)
            found[name].append(speeds)
            print(
                f"round {number + 1} of {rounds}: {name:20s} "
                + ", ".join(f"{kind} {getattr(speeds, kind):6.0f}/s" for kind in _KINDS),
                file=sys.stderr,
            )
    return found


def _measure_starts(
    options: argparse.Namespace, checkpoint: Path, folder: Path
) -> dict[str, list[Start]]:
    """Each contender in processes of its own, with all training rows, the cache empty at first."""
    environment = {
        **os.environ,
        "GLUEHARNESS_CACHE": str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
    }
    found: dict[str, list[Start]] = {}
    for _ in range(options.starts):
        for name in (*CONTENDERS, _AGAIN):
            command = [
                sys.executable, "-m", "benchmarks.finetune", "--worker", name,
                "--model", str(checkpoint), "--dev-rows", str(options.dev_rows),
                "--steps", str(options.steps), "--warm-up", str(options.warm_up),
                "--batch-size", str(options.batch_size), "--threads", str(options.threads),
                *(("--data-dir", str(options.data_dir)) if options.data_dir else ()),
            ]  # fmt: skip
            began = time.time()
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                sys.exit(f"{name} failed:\n{done.stderr}")
            told = json.loads(done.stdout.splitlines()[-1])
            start = Start(told["first_step"] - began, told["mebibytes"])
            found.setdefault(name, []).append(start)
    if _AGAIN in found:
        del found[_AGAIN][0]  # it has filled the cache
    return found


def _be_worker(options: argparse.Namespace) -> None:
    contenders: dict[str, Contender] = {**CONTENDERS, _AGAIN: Ours("auto", token_cache=True)}
    with tempfile.TemporaryDirectory() as folder:
        speeds = contenders[options.worker].run(_work(options, Path(folder)))
    print(json.dumps({"first_step": speeds.first_step, "mebibytes": _peak_memory()}))


def _peak_memory() -> float:
    """Most memory that this process has held, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would do, but on Linux it begins with the peak of the process that started us.
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) / 2**10
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _report(
    work: Work,
    options: argparse.Namespace,
    speeds: dict[str, list[Speeds]],
    starts: dict[str, list[Start]],
) -> str:
    import platform
    from importlib.metadata import version

    from glueharness.run.environment import cpu_name

    versions = {name: version(name) for name in ("torch", "transformers", "tokenizers")}
    second = "second of processor time" if options.processor_time else "second"
    data = "QNLI" if options.data_dir else "the bundled sample of QNLI's form"
    model = options.model.name if options.model else "BERT-tiny, fresh weights"
    lines = [
        f"Measured {dt.datetime.now(dt.UTC):%Y-%m-%d} on {cpu_name()}, "
        f"{work.threads} threads, {platform.system()}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {number}" for name, number in versions.items())
        + f". Model: {model}. Data: {data}, batch {work.batch_size}, "
        f"{work.steps} training steps and {len(work.dev)} dev rows a turn, "
        f"{options.rounds} turns each. From text: prediction, tokenising included. Rows a "
        f"{second}: median [lowest–highest]; ratios are taken within a turn.",
        "",
        "| | training | × Trainer | × tuned | evaluation | × Trainer | from text | × Trainer |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, rounds in speeds.items():
        cells = [name, _spread(_of(rounds, "train"))]
        cells += [_ratios(speeds, name, peer, "train") for peer in (_PEER, _TUNED)]
        for kind in ("evaluate", "predict"):
            cells += [_spread(_of(rounds, kind)), _ratios(speeds, name, _PEER, kind)]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| | first training step after, s | peak memory, MiB |", "|---|---|---|"]
    for name, found in starts.items():
        if found:
            seconds = statistics.median(start.seconds for start in found)
            memory = statistics.median(start.mebibytes for start in found)
            lines.append(f"| {name} | {seconds:.1f} | {memory:.0f} |")
    return "\n".join(lines)


def _of(rounds: Sequence[Speeds], kind: str) -> list[float]:
    return [getattr(speeds, kind) for speeds in rounds]


def _ratios(speeds: dict[str, list[Speeds]], name: str, peer: str, kind: str) -> str:
    if name == peer:
        return "1"
    pairs = zip(_of(speeds[name], kind), _of(speeds[peer], kind), strict=True)
    found = [mine / theirs for mine, theirs in pairs]
    return f"{statistics.median(found):.2f} [{min(found):.2f}–{max(found):.2f}]"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.0f} [{min(values):.0f}–{max(values):.0f}]"


if __name__ == "__main__":
    main(sys.argv[1:])
