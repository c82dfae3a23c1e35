"""The settings of how an encoder learns, under the names that tutorials and papers use."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from glueharness import setting

ADAMW, ADAFACTOR, SGD = "adamw", "adafactor", "sgd"
LINEAR, POLYNOMIAL, CONSTANT = "linear", "polynomial", "constant"
COSINE, COSINE_WITH_RESTARTS = "cosine", "cosine_with_restarts"
CONSTANT_AFTER_WARMUP = "constant_with_warmup"
SCHEDULES = (
    LINEAR, COSINE, COSINE_WITH_RESTARTS, POLYNOMIAL, CONSTANT, CONSTANT_AFTER_WARMUP,
    "inverse_sqrt",
)  # fmt: skip
"""The schedules of ``transformers.get_scheduler`` that need no settings of their own."""
POLYNOMIAL_END = 1e-7
"""Where that of transformers ends."""
SMALLEST = 1e-30
"""Training computes in single precision, where much smaller numbers become zero: as an epsilon one
makes NaN of a row that has no gradient, and as a limit of the gradient it is none."""
_ADAMS_OWN = ("adam_beta1", "adam_beta2", "adam_epsilon")
_LORAS_OWN = ("lora_alpha", "lora_dropout", "lora_modules")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSettings:
    """What an encoder learns from its rows, and how fast.

    Attributes:
        epochs: Passes over the training data.
        max_steps: Optimizer steps in all, instead of ``epochs``: as many passes as they take, the
            last one cut off.
        batch_size: Rows that go through the model at once, in training.
        gradient_accumulation_steps: Batches per optimizer step; the gradient is that of a single
            batch with all of their rows.
        learning_rate: Peak of the schedule.
        lr_scheduler_type: Course of the learning rate after the warm-up, by the name that
            ``transformers.get_scheduler`` has for it.
        warmup_ratio: Fraction of the steps that are warm-up.
        warmup_steps: Steps of warm-up instead of that fraction.
        layerwise_lr_decay: Factor of the learning rate from a layer to the one below it, from the
            head to the embeddings. 1: one rate for all.
        optim: The optimizer: AdamW; Adafactor with the learning rates of the schedule, as
            ``Trainer`` has it; or stochastic gradient descent without momentum.
        adam_beta1: AdamW's decay of the first moment.
        adam_beta2: AdamW's decay of the second moment.
        adam_epsilon: What AdamW adds to the root of the second moment.
        weight_decay: Decoupled decay (for sgd an L2 penalty); not on biases and normalization
            weights.
        max_grad_norm: Largest L2 norm of the gradient; longer ones are scaled down. 0: no limit.
        label_smoothing: Share of each label that is spread evenly over all labels.
        class_weights: Weights of the labels in the loss: ``balanced`` gives each label's rows
            together the same weight, as scikit-learn does.
        keep_best: Whether to keep the epoch with the best primary metric instead of the last.
        early_stopping_patience: Epochs in a row without a better one, after which training ends.
            The learning rates are those of the whole course.
        dropout: Dropout rate instead of the checkpoint's own.
        lora_rank: Rank of the adapters that are trained with the head, while all other weights stay
            as they are (LoRA).
        lora_alpha: Scale of the adapters: their product is multiplied by this over the rank.
        lora_dropout: Dropout rate of what goes into the adapters.
        lora_modules: Names of the layers that get adapters, parted by commas, or ``all-linear``.
        gradient_checkpointing: Whether layers are computed a second time when the gradient is
            taken, so that memory holds fewer of their results.
        identity_pooler: Whether a pooler that was never trained starts as the identity.
    """

    epochs: int = setting(
        3,
        help="Passes over the training data.",
        unit="epochs",
        low=1,
        high=1000,
        training=True,
    )
    max_steps: int | None = setting(
        None,
        help="Optimizer steps in all, instead of epochs.",
        unit="steps",
        low=1,
        high=10**7,
        advanced=True,
        training=True,
    )
    batch_size: int = setting(
        32,
        help="Rows per batch.",
        unit="rows",
        low=1,
        high=65536,
        training=True,
    )
    gradient_accumulation_steps: int = setting(
        1,
        help="Batches per optimizer step.",
        unit="batches",
        low=1,
        high=65536,
        advanced=True,
        training=True,
    )
    learning_rate: float = setting(5e-5, help="Peak learning rate.", above=0, high=1, training=True)
    lr_scheduler_type: str = setting(
        "linear",
        help="Course of the learning rate after the warm-up.",
        choices=SCHEDULES,
        advanced=True,
        training=True,
    )
    warmup_ratio: float = setting(
        0.1,
        help="Warm-up, a share of the steps.",
        unit="fraction",
        low=0,
        below=1,
        training=True,
    )
    warmup_steps: int | None = setting(
        None,
        help="Steps of warm-up, instead of a fraction.",
        unit="steps",
        low=0,
        high=10**9,
        advanced=True,
        training=True,
    )
    layerwise_lr_decay: float = setting(
        1.0,
        help="Learning rate of a layer, relative to the layer above.",
        above=0,
        high=1,
        advanced=True,
        training=True,
    )
    optim: str = setting(
        ADAMW, help="Optimizer.", choices=(ADAMW, ADAFACTOR, SGD), advanced=True, training=True
    )
    adam_beta1: float = setting(
        0.9, help="AdamW's decay of the first moment.", low=0, below=1, advanced=True, training=True
    )
    adam_beta2: float = setting(
        0.999,
        help="AdamW's decay of the second moment.",
        above=0,
        below=1,
        advanced=True,
        training=True,
    )
    adam_epsilon: float = setting(
        1e-8,
        help="What AdamW adds to the root of the second moment.",
        low=SMALLEST,
        high=1,
        advanced=True,
        training=True,
    )
    weight_decay: float = setting(
        0.01,
        help="Weight decay.",
        low=0,
        below=1,
        training=True,
    )
    max_grad_norm: float = setting(
        1.0,
        help="Largest norm of the gradient; 0: no limit.",
        low=0,
        high=1e9,
        advanced=True,
        training=True,
    )
    label_smoothing: float = setting(
        0.0,
        help="Share of each label that is spread over all labels.",
        unit="fraction",
        low=0,
        below=1,
        advanced=True,
        training=True,
    )
    class_weights: str | None = setting(
        None,
        help="Weights of the labels in the loss: balanced, or LABEL=WEIGHT,LABEL=WEIGHT.",
        advanced=True,
        training=True,
    )
    keep_best: bool = setting(
        True, help="Keep the best epoch, not the last.", advanced=True, training=True
    )
    early_stopping_patience: int | None = setting(
        None,
        help="Stop when so many epochs in a row were not better than the best.",
        unit="epochs",
        low=1,
        high=1000,
        advanced=True,
        training=True,
    )
    dropout: float | None = setting(
        None,
        help="Dropout rate instead of the checkpoint's own.",
        low=0,
        below=1,
        advanced=True,
        training=True,
    )
    lora_rank: int | None = setting(
        None,
        help="Train low-rank adapters (LoRA) of this rank and the head, instead of all weights.",
        low=1,
        high=4096,
        advanced=True,
        training=True,
    )
    lora_alpha: int = setting(
        16,
        help="Scale of the adapters, times their rank.",
        low=1,
        high=2**16,
        advanced=True,
        training=True,
    )
    lora_dropout: float = setting(
        0.0, help="Dropout rate before adapters.", low=0, below=1, advanced=True, training=True
    )
    lora_modules: str | None = setting(
        None,
        help="Layers that get adapters: all-linear, or names such as query,value; else those that "
        "peft takes for such a model.",
        advanced=True,
        training=True,
    )
    gradient_checkpointing: bool = setting(
        False,
        help="Use less memory and more time: layers are computed again for their gradient.",
        advanced=True,
        training=True,
    )
    identity_pooler: bool = setting(
        True,
        help="Begin with the identity where the checkpoint's pooler was never trained.",
        advanced=True,
        training=True,
    )

    @property
    def rows_a_step(self) -> int:
        """Rows an optimiser step."""
        return self.batch_size * self.gradient_accumulation_steps

    @property
    def betas(self) -> tuple[float, float]:
        """AdamW's decay of both moments."""
        return self.adam_beta1, self.adam_beta2

    def __post_init__(self) -> None:
        """Refuse values that contradict each other.

        Raises:
            ValueError: It names the settings and their units.
        """
        rows = self.rows_a_step
        if rows > 2**20:
            raise ValueError(
                f"--batch-size {self.batch_size} (rows) times --gradient-accumulation-steps "
                f"{self.gradient_accumulation_steps} (batches) is {rows} rows per step; "
                f"at most {2**20}"
            )
        if 0 < self.max_grad_norm < SMALLEST:
            raise ValueError(
                f"--max-grad-norm {self.max_grad_norm} must be at least {SMALLEST}, or 0 for no "
                "limit"
            )
        if self.lr_scheduler_type == POLYNOMIAL and self.learning_rate <= POLYNOMIAL_END:
            raise ValueError(
                f"--learning-rate {self.learning_rate}: the schedule polynomial ends at "
                f"{POLYNOMIAL_END}, and must begin above it"
            )
        if self.early_stopping_patience is not None and not self.keep_best:
            raise ValueError(
                "--early-stopping-patience looks at the best epoch; it needs --keep-best"
            )

    def overruled(self) -> dict[str, str]:
        """The settings that others leave without effect, and because of what."""
        found = {}
        if self.max_steps is not None:
            found["epochs"] = f"--max-steps is {self.max_steps}"
        if self.lr_scheduler_type == CONSTANT:
            why = f"the schedule {CONSTANT} has no warm-up; {CONSTANT_AFTER_WARMUP} has"
            found |= {"warmup_ratio": why, "warmup_steps": why}
        elif self.warmup_steps is not None:
            found["warmup_ratio"] = f"--warmup-steps is {self.warmup_steps}"
        if self.optim != ADAMW:
            found |= dict.fromkeys(_ADAMS_OWN, f"it is for AdamW, and --optim is {self.optim}")
        if self.lora_rank is None:
            found |= dict.fromkeys(_LORAS_OWN, "it is about LoRA's adapters, and needs --lora-rank")
        return found

    def in_effect(self) -> Self:
        """The settings that compute the same, in the one form that stands for all of them.

        What is overruled is at its default, and of several ways to say the same thing it is the
        plainest.
        """
        defaults: dict[str, Any] = {item.name: item.default for item in dataclasses.fields(self)}
        changes = {name: defaults[name] for name in self.overruled()}
        schedule, warmup = self.lr_scheduler_type, self.warmup_steps
        if warmup == 0 and schedule != CONSTANT:
            changes |= {"warmup_steps": None, "warmup_ratio": 0.0}
        if schedule == COSINE_WITH_RESTARTS:  # it has one cycle, and restarts where that ends
            changes["lr_scheduler_type"] = COSINE
        if schedule == CONSTANT_AFTER_WARMUP and not (
            self.warmup_ratio if warmup is None else warmup
        ):
            changes |= {name: defaults[name] for name in ("warmup_steps", "warmup_ratio")}
            changes["lr_scheduler_type"] = CONSTANT
        if self.max_steps is None:
            # The first epoch is the best so far: with a patience of n, the last one that can be
            # left out is epoch n + 2.
            if (self.early_stopping_patience or 0) >= self.epochs - 1:
                changes["early_stopping_patience"] = None
            if self.epochs == 1:  # the best is the last
                changes["keep_best"] = True
        return dataclasses.replace(self, **changes)
