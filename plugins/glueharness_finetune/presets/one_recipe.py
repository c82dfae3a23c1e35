"""Papers with one recipe, or one grid, for all tasks."""

from __future__ import annotations

from glueharness import PresetSpec
from glueharness_finetune.presets.common import (
    ADAM,
    BIAS_CORRECTION,
    DECAY_ON_ALL,
    FIVE,
    JUMP,
    OWN_DROPOUT,
    SLOW_ADAM,
    UNNAMED_SEEDS,
)

TUTORIAL = PresetSpec(
    name="tutorial",
    description="What most tutorials set: batch 16, learning rate 2e-5, 5 epochs.",
    settings={
        "batch_size": 16, "learning_rate": 2e-5, "weight_decay": 0.01, "epochs": 5,
        "max_length": 512, "warmup_ratio": 0.0,
    },
)  # fmt: skip

BERT = PresetSpec(
    name="bert",
    description="BERT: 3 epochs with batch 32, the best of four learning rates on dev.",
    settings={
        **ADAM, **OWN_DROPOUT, "batch_size": 32, "epochs": 3, "warmup_ratio": 0.1,
        "weight_decay": 0.01, "max_grad_norm": 1.0, "max_length": 128, "keep_best": False,
    },
    grid={"learning_rate": (2e-5, 3e-5, 4e-5, 5e-5)},
    lacks=(
        BIAS_CORRECTION,
        JUMP,
        "of BERT-large, the best of several restarts on dev: --seeds gives the restarts",
    ),
    citation="Devlin et al. 2019, https://arxiv.org/abs/1810.04805; google-research/bert",
)  # fmt: skip

ROBERTA = PresetSpec(
    name="roberta",
    description="RoBERTa's grid: up to 10 epochs; the best point by the median of 5 seeds.",
    settings={
        **SLOW_ADAM, **OWN_DROPOUT, "epochs": 10, "warmup_ratio": 0.06, "weight_decay": 0.1,
        "max_grad_norm": 0.0, "max_length": 512, "keep_best": True,
    },
    grid={"learning_rate": (1e-5, 2e-5, 3e-5), "batch_size": (16, 32)},
    seeds=FIVE,
    choose="median",
    lacks=(
        DECAY_ON_ALL,
        "it stops early, by a rule that is not known; ours trains on and keeps the best epoch",
        "it starts RTE, MRPC and STS-B from MNLI for test scores only: --init-from mnli",
        UNNAMED_SEEDS,
    ),
    citation="Liu et al. 2019, table 10, https://arxiv.org/abs/1907.11692",
)  # fmt: skip

_ELECTRA_LACKS = (
    BIAS_CORRECTION,
    "of MRPC and STS-B it also trains on each pair swapped",
    "its decay by layer has one more power between the head and the top layer",
    "it starts RTE and STS-B from MNLI for the official leaderboard only: --init-from mnli",
    UNNAMED_SEEDS,
)


def _electra(size: str, rate: float, decay: float, *more: str) -> PresetSpec:
    return PresetSpec(
        name="electra" if size == "base" else f"electra-{size}",
        description=f"ELECTRA-{size}: the median of 10 seeds, with a learning rate for each layer.",
        settings={
            **ADAM, **OWN_DROPOUT, "batch_size": 32, "epochs": 3, "learning_rate": rate,
            "layerwise_lr_decay": decay, "warmup_ratio": 0.1, "weight_decay": 0.01,
            "max_grad_norm": 1.0, "max_length": 128, "keep_best": False,
        },
        tasks={"rte": {"epochs": 10}, "stsb": {"epochs": 10}},
        seeds=tuple(range(1, 11)),
        choose="median",
        lacks=(*_ELECTRA_LACKS, *more),
        citation="Clark et al. 2020, https://arxiv.org/abs/2003.10555; google-research/electra, "
        "configure_finetuning.py",
    )  # fmt: skip


ELECTRA = (
    _electra("base", 1e-4, 0.8, "its weight decay is 0.01 in the code and 0 in the paper"),
    _electra(
        "small", 1e-4, 0.8,
        "its learning rate is 1e-4 in the code and 3e-4 in the paper, its weight decay 0.01 and 0",
    ),
    _electra("large", 5e-5, 0.9, "its weight decay is 0.01 in the code and 0 in the paper"),
)  # fmt: skip

CRAMMING = PresetSpec(
    name="cramming",
    description="Crammed BERT: 5 epochs with batch 16 and a cosine, the median of 5 seeds.",
    settings={
        **SLOW_ADAM, **OWN_DROPOUT, "lr_scheduler_type": "cosine", "batch_size": 16, "epochs": 5,
        "learning_rate": 4e-5, "warmup_ratio": 0.1, "weight_decay": 0.0, "max_grad_norm": 0.0,
        "max_length": 128, "keep_best": False,
    },
    seeds=FIVE,
    choose="median",
    lacks=(
        "it has no token types, and leaves WNLI out",
        "its code takes the number of warm-up steps of the first task, CoLA, for all that follow",
        "it reads RTE from SuperGLUE",
        UNNAMED_SEEDS,
    ),
    citation="Geiping and Goldstein 2022, section 5, https://arxiv.org/abs/2212.14034; "
    "JonasGeiping/cramming, config/eval/GLUE_sane.yaml",
)  # fmt: skip

NOMIC = PresetSpec(
    name="nomic-bert",
    description="Nomic-BERT's grid: 10 epochs, from MNLI; the best point by the median of 5 seeds.",
    settings={
        **SLOW_ADAM, **OWN_DROPOUT, "epochs": 10, "warmup_ratio": 0.06, "weight_decay": 1e-6,
        "max_grad_norm": 0.0, "max_length": 128, "keep_best": False,
    },
    grid={"learning_rate": (1e-5, 2e-5, 3e-5), "batch_size": (16, 32)},
    seeds=(42, 19, 17, 717, 10536),
    init_from="mnli",
    choose="median",
    lacks=(
        ("weight decay, clipping and length are those of the repository's later models: the paper "
        "does not give them"),
    ),
    citation="Nussbaum et al. 2024, section 5.1, https://arxiv.org/abs/2402.01613; "
    "nomic-ai/contrastors, configs/train/glue.yaml and scripts/glue_sweep.sh",
)  # fmt: skip

ONE_RECIPE = (TUTORIAL, BERT, ROBERTA, *ELECTRA, CRAMMING, NOMIC)
