"""The settings of fine-tuning, under the names that tutorials and papers use."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the settings' types are read when they are listed

from glueharness import setting

ADAMW, ADAFACTOR, SGD = "adamw", "adafactor", "sgd"
LINEAR, POLYNOMIAL, CONSTANT = "linear", "polynomial", "constant"
SCHEDULES = (
    LINEAR, "cosine", "cosine_with_restarts", POLYNOMIAL, CONSTANT, "constant_with_warmup",
    "inverse_sqrt",
)  # fmt: skip
"""The schedules of ``transformers.get_scheduler`` that need no settings of their own."""
POLYNOMIAL_END = 1e-7
"""Where that of transformers ends."""
_ADAMS_OWN = ("adam_beta1", "adam_beta2", "adam_epsilon")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneSettings:
    """Settings of every fine-tuned encoder.

    Attributes:
        epochs: Passes over the training data.
        batch_size: Rows that go through the model at once, in training.
        gradient_accumulation_steps: Batches per optimizer step; the gradient is that of a single
            batch with all of their rows.
        learning_rate: Peak of the schedule.
        lr_scheduler_type: Course of the learning rate after the warm-up, by the name that
            ``transformers.get_scheduler`` has for it.
        layerwise_lr_decay: Factor of the learning rate from a layer to the one below it, from the
            head to the embeddings. 1: one rate for all.
        warmup_ratio: Fraction of the steps that are warm-up.
        warmup_steps: Steps of warm-up instead of that fraction.
        max_steps: Optimizer steps in all, instead of ``epochs``: as many passes as they take, the
            last one cut off.
        optim: The optimizer: AdamW; Adafactor with the learning rates of the schedule, as
            ``Trainer`` has it; or stochastic gradient descent without momentum.
        adam_beta1: AdamW's decay of the first moment.
        adam_beta2: AdamW's decay of the second moment.
        adam_epsilon: What AdamW adds to the root of the second moment.
        weight_decay: Decoupled decay (for sgd an L2 penalty); not on biases and normalization
            weights.
        max_grad_norm: Largest L2 norm of the gradient; longer ones are scaled down. 0: no limit.
        max_length: Longest input; of a pair, the longer text is cut first.
        keep_best: Whether to keep the epoch with the best primary metric instead of the last.
        dropout: Dropout rate instead of the checkpoint's own.
        identity_pooler: Whether a pooler that was never trained starts as the identity.
        weights: Folder with the pretrained weights, instead of the hub.
        precision: ``auto`` uses bf16 if the processor or GPU has it.
        device: ``auto`` uses a CUDA GPU if there is one.
        engine: What computes the encoder: ``torch``, an engine of another plugin by its name, or
            ``auto``, the first that can and is not slower.
        threads: Processor threads; None uses all cores.
        evaluation_tokens: Tokens per batch when predicting, padding included.
        checkpoint_minutes: Time between checkpoints within an epoch; 0: only at its end.
        auto_batch: Whether to use half as many rows at once if a GPU runs out of memory; the
            gradient of a step remains that of all its rows.
        length_buckets: Whether rows of similar length are grouped into batches.
        fast_dropout: Whether dropout on a processor uses sixteen random bits per element.
        short_attention: Whether attention is computed as plain matrix products.
        trim_last_layer: Whether the last layer is computed only for the position that is read.
        fused_layers: Whether encoder layers are computed as one operation in training, if possible.
        lazy_embedding: Whether word vectors that are not in a batch are updated later.
        token_cache: Whether tokenized texts are kept on disk.
        head_labels: What the outputs of the checkpoint's head stand for, in their order and parted
            by commas, instead of the names that the checkpoint gives them.
        trust_remote_code: Whether code that comes with a checkpoint may run.
    """

    epochs: int = setting(
        3, help="Passes over the training data.", unit="epochs", low=1, high=1000, training=True
    )
    batch_size: int = setting(
        32,
        help="Rows that go through the model at once.",
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
    layerwise_lr_decay: float = setting(
        1.0,
        help="Learning rate of a layer, relative to the layer above.",
        above=0,
        high=1,
        advanced=True,
        training=True,
    )
    warmup_ratio: float = setting(
        0.1,
        help="Warm-up, as a fraction of the steps.",
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
    max_steps: int | None = setting(
        None,
        help="Optimizer steps in all, instead of epochs.",
        unit="steps",
        low=1,
        high=10**7,
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
        above=0,
        high=1,
        advanced=True,
        training=True,
    )
    weight_decay: float = setting(
        0.01,
        help="Weight decay (none on biases and normalization).",
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
    max_length: int = setting(128, help="Longest input.", unit="tokens", low=8, high=512)
    keep_best: bool = setting(True, help="Keep the best epoch, not the last.", training=True)
    dropout: float | None = setting(
        None, help="Dropout rate instead of the checkpoint's own.", low=0, below=1, training=True
    )
    identity_pooler: bool = setting(
        True,
        help="Begin with the identity where the checkpoint's pooler was never trained.",
        advanced=True,
        training=True,
    )
    weights: Path | None = setting(
        None,
        help="Folder with the pretrained weights, in the place of the hub.",
        changes_result=False,
        training=True,
    )
    # The four that follow are in a run's identity as they are resolved, not as they are given.
    precision: str = setting(
        "auto",
        help="auto: bf16 where the hardware has it.",
        choices=("auto", "fp32", "bf16"),
        changes_result=False,
    )
    device: str = setting(
        "auto",
        help="auto: a CUDA GPU if there is one.",
        choices=("auto", "cpu", "cuda"),
        changes_result=False,
    )
    engine: str = setting(
        "auto",
        help="What computes: torch, native, or auto, the quicker one.",
        changes_result=False,
    )
    threads: int | None = setting(
        None,
        help="Processor threads; all cores if not given.",
        unit="threads",
        low=1,
        high=1024,
        changes_result=False,
    )
    evaluation_tokens: int = setting(
        8192,
        help="Tokens per batch when predicting.",
        unit="tokens",
        low=512,
        high=2**24,
        advanced=True,
    )
    checkpoint_minutes: float = setting(
        10.0,
        help="Time between checkpoints within an epoch; 0: none.",
        unit="minutes",
        low=0,
        changes_result=False,
        advanced=True,
        training=True,
    )
    auto_batch: bool = setting(
        False,
        help="If a GPU runs out of memory, use half as many rows at once; same result.",
        advanced=True,
        training=True,
    )
    length_buckets: bool = setting(
        True, help="Group rows of similar length into batches.", advanced=True, training=True
    )
    fast_dropout: bool = setting(
        True, help="Faster dropout on a CPU, with the same rate.", advanced=True, training=True
    )
    short_attention: bool = setting(True, help="Attention as plain matrix products.", advanced=True)
    fused_layers: bool = setting(
        True,
        help="Compute each encoder layer as one operation, if it is built like BERT's.",
        advanced=True,
        training=True,
    )
    trim_last_layer: bool = setting(
        True,
        help="Compute the last layer only for the position that the classifier reads.",
        advanced=True,
    )
    lazy_embedding: bool = setting(
        True,
        help="Update word vectors that are not in a batch later, with the same result.",
        advanced=True,
        training=True,
    )
    token_cache: bool = setting(
        True, help="Keep tokenized texts on disk.", changes_result=False, advanced=True
    )
    head_labels: str | None = setting(
        None,
        help="Labels of a fine-tuned checkpoint's outputs, in their order, if it does not name "
        "them: entailment,not_entailment.",
        advanced=True,
    )
    trust_remote_code: bool = setting(
        False,
        help="Run code that comes with the checkpoint: only if you trust its author.",
        consent=True,
        advanced=True,
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
        if self.auto_batch and self.device == "cpu":
            raise ValueError("--auto-batch is for a GPU; --device is cpu")
        rows = self.rows_a_step
        if rows > 2**20:
            raise ValueError(
                f"--batch-size {self.batch_size} (rows) times --gradient-accumulation-steps "
                f"{self.gradient_accumulation_steps} (batches) is {rows} rows per step; "
                f"at most {2**20}"
            )
        if self.lr_scheduler_type == CONSTANT and self.warmup_steps:
            raise ValueError(
                f"--warmup-steps {self.warmup_steps}: the schedule constant has no warm-up; "
                "constant_with_warmup has"
            )
        if self.lr_scheduler_type == POLYNOMIAL and self.learning_rate <= POLYNOMIAL_END:
            raise ValueError(
                f"--learning-rate {self.learning_rate}: the schedule polynomial ends at "
                f"{POLYNOMIAL_END}, and must begin above it"
            )
        if self.optim != ADAMW:
            for item in dataclasses.fields(self):
                if item.name in _ADAMS_OWN and getattr(self, item.name) != item.default:
                    flag = "--" + item.name.replace("_", "-")
                    raise ValueError(f"{flag} is for AdamW; --optim is {self.optim}")
        if self.evaluation_tokens < self.max_length:
            raise ValueError(
                f"--evaluation-tokens {self.evaluation_tokens} must hold at least one input of "
                f"--max-length {self.max_length} tokens"
            )
