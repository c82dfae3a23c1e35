"""Papers with a table of settings by task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness import PresetSpec
from glueharness_finetune.presets.common import (
    ADAM,
    BIAS_CORRECTION,
    DECAY_ON_ALL,
    EVALUATIONS,
    HEAD_DROPOUT,
    JUMP,
    OWN_DROPOUT,
    SLOW_ADAM,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

TASKS = ("cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte")


def _by_task(**rows: tuple[Any, ...]) -> dict[str, dict[str, Any]]:
    """Settings by task, from rows of the values for each of :data:`TASKS`."""
    return {
        task: {name: values[place] for name, values in rows.items()}
        for place, task in enumerate(TASKS)
    }


ROBERTA_RELEASED = PresetSpec(
    name="roberta-released",
    description="The commands of RoBERTa's repository: one setting for each task.",
    settings={
        **SLOW_ADAM, **OWN_DROPOUT, "weight_decay": 0.1, "max_grad_norm": 0.0, "max_length": 512,
        "keep_best": True,
    },
    tasks=_by_task(
        learning_rate=(1e-5, 1e-5, 1e-5, 2e-5, 1e-5, 1e-5, 1e-5, 2e-5),
        batch_size=(16, 32, 16, 16, 32, 32, 32, 16),
        max_steps=(5336, 20935, 2296, 3598, 113272, 123873, 33112, 2036),
        warmup_steps=(320, 1256, 137, 214, 28318, 7432, 1986, 122),
    ),
    lacks=(
        DECAY_ON_ALL,
        "it ends after 10 epochs, which for RTE is about 1556 of the 2036 steps; ours does all",
        "a batch has at most 4400 tokens, and so may have fewer rows",
        "the best epoch of STS-B is that with the least loss, and its scores are divided by 5",
    ),
    citation="facebookresearch/fairseq, examples/roberta/README.glue.md",
)  # fmt: skip

ALBERT = PresetSpec(
    name="albert",
    description="ALBERT v1: one setting for each task, the best checkpoint on dev.",
    settings={
        **ADAM, **OWN_DROPOUT, "weight_decay": 0.01, "max_grad_norm": 1.0, "max_length": 512,
        "keep_best": True,
    },
    tasks=_by_task(
        learning_rate=(1e-5, 1e-5, 2e-5, 2e-5, 5e-5, 3e-5, 1e-5, 3e-5),
        batch_size=(16, 32, 32, 16, 128, 128, 32, 32),
        max_steps=(5336, 20935, 800, 3598, 14000, 10000, 33112, 800),
        warmup_steps=(320, 1256, 200, 214, 1000, 1000, 1986, 200),
    ),
    lacks=(
        ("dropout is 0.1 in its head, and in its encoder 0 except for QQP and RTE; ours is the "
        "checkpoint's own"),
        EVALUATIONS,
        JUMP,
        "whether it started from MNLI, and with how many seeds, is not known",
    ),
    citation="Lan et al. 2020, table 14, https://arxiv.org/abs/1909.11942; "
    "google-research/albert, run_glue.sh",
)  # fmt: skip

_DEBERTA_LENGTHS = (64, 128, 128, 128, 320, 256, 512, 320)
_DEBERTA_SEEDS = (1234, 1235, 1236, 1237, 1238)
_DEBERTA_LACKS = (
    BIAS_CORRECTION,
    HEAD_DROPOUT,
    EVALUATIONS,
    JUMP,
    "of its five seeds only the first, 1234, is known",
)


def _deberta(
    name: str, description: str, tasks: Mapping[str, Mapping[str, Any]], init_from: str
) -> PresetSpec:
    return PresetSpec(
        name=name,
        description=description,
        settings={
            **ADAM, **OWN_DROPOUT, "weight_decay": 0.01, "max_grad_norm": 1.0, "keep_best": True,
        },
        tasks=tasks,
        seeds=_DEBERTA_SEEDS,
        init_from=init_from,
        choose="mean",
        lacks=_DEBERTA_LACKS,
        citation="He et al. 2021, https://arxiv.org/abs/2006.03654 and "
        "https://arxiv.org/abs/2111.09543; microsoft/DeBERTa, experiments/glue",
    )  # fmt: skip


DEBERTA = (
    _deberta(
        "deberta",
        "DeBERTa-base: one setting for each task, from MNLI, the mean of 5 seeds.",
        _by_task(
            max_length=_DEBERTA_LENGTHS,
            learning_rate=(2e-5, 2e-5, 2e-5, 2e-5, 2e-5, 3e-5, 2e-5, 2e-5),
            batch_size=(32, 32, 32, 32, 64, 64, 32, 32),
            epochs=(6, 6, 6, 6, 8, 3, 4, 6),
            warmup_steps=(100, 500, 50, 100, 500, 1000, 500, 100),
        ),
        "mnli",
    ),
    _deberta(
        "deberta-large",
        "DeBERTa-large: one setting for each task, from MNLI, the mean of 5 seeds.",
        _by_task(
            max_length=_DEBERTA_LENGTHS,
            learning_rate=(7e-6, 1e-5, 1e-5, 7e-6, 1e-5, 1e-5, 1e-5, 1e-5),
            batch_size=(32, 32, 32, 32, 64, 64, 32, 32),
            epochs=(6, 6, 6, 4, 8, 3, 4, 6),
            warmup_steps=(100, 500, 50, 50, 500, 1000, 500, 50),
        ),
        "mnli",
    ),
    _deberta(
        "deberta-v3",
        "DeBERTa-v3-large: one setting for each task, the mean of 5 seeds.",
        _by_task(
            max_length=_DEBERTA_LENGTHS,
            learning_rate=(5.5e-6, 6e-6, 6e-6, 7e-6, 1e-5, 7e-6, 7e-6, 1e-5),
            batch_size=(32, 32, 32, 32, 64, 64, 64, 32),
            epochs=(10, 8, 6, 4, 6, 2, 6, 6),
            warmup_steps=(50, 500, 50, 50, 1000, 500, 200, 50),
        ),
        "",
    ),
)


def _modernbert(
    name: str, size: str, rates: tuple[float, ...], decays: tuple[float, ...],
    epochs: tuple[int, ...],
) -> PresetSpec:  # fmt: skip
    # The optimiser of the source (Composer's DecoupledAdamW) does not multiply the decay by the
    # learning rate, ours does: the same decay is theirs divided by the peak.
    weight_decay = tuple(round(decay / rate, 6) for decay, rate in zip(decays, rates, strict=True))
    return PresetSpec(
        name=name,
        description=f"ModernBERT-{size}: a setting for each task, from MNLI, the mean of 3 seeds.",
        settings={
            **SLOW_ADAM, **OWN_DROPOUT, "batch_size": 64, "warmup_ratio": 0.1,
            "max_grad_norm": 0.0, "max_length": 256, "keep_best": True,
        },
        tasks=_by_task(learning_rate=rates, weight_decay=weight_decay, epochs=epochs),
        seeds=(1618, 42, 6033),
        init_from="mnli",
        choose="mean",
        lacks=(
            DECAY_ON_ALL,
            ("that its weight decay is not multiplied by the learning rate is inferred from its "
            "optimizer"),
            "it stops early, with a patience that is not known; ours keeps the best epoch",
            "which warm-up and seeds its table of scores had is not known: these are its code's",
        ),
        citation="Warner et al. 2024, table 6, https://arxiv.org/abs/2412.13663; "
        "AnswerDotAI/ModernBERT, src/evals",
    )  # fmt: skip


MODERNBERT = (
    _modernbert(
        "modernbert", "base",
        (8e-5, 8e-5, 5e-5, 8e-5, 5e-5, 5e-5, 8e-5, 5e-5),
        (1e-6, 1e-5, 5e-6, 5e-6, 5e-6, 5e-6, 5e-6, 1e-5),
        (5, 2, 10, 10, 10, 1, 2, 3),
    ),
    _modernbert(
        "modernbert-large", "large",
        (3e-5, 1e-5, 8e-5, 8e-5, 5e-5, 3e-5, 3e-5, 5e-5),
        (8e-6, 1e-6, 5e-6, 1e-5, 8e-6, 1e-5, 5e-6, 8e-6),
        (5, 3, 2, 10, 2, 1, 2, 3),
    ),
)  # fmt: skip

PER_TASK = (ROBERTA_RELEASED, ALBERT, *DEBERTA, *MODERNBERT)
