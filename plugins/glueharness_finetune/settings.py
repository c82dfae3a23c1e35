"""The settings of fine-tuning: how an encoder learns, and what computes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the settings' types are read when they are listed

from glueharness import setting
from glueharness_finetune.learning_settings import LearningSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneSettings(LearningSettings):
    """Settings of every fine-tuned encoder.

    Attributes:
        max_length: Longest input; of a pair, the longer text is cut first.
        weights: Folder with the pretrained weights, instead of the hub.
        precision: ``auto`` uses bf16 if the processor or GPU has it. ``fp16`` scales the loss, so
            that small gradients are not rounded to zero.
        device: ``auto`` uses a CUDA GPU if there is one; an Apple GPU (``mps``) only if asked.
        engine: What computes the encoder: ``torch``, an engine of another plugin by its name, or
            ``auto``, the first that can and is not slower.
        threads: Processor threads of a process; None uses all cores.
        devices: Processes that train together, each with its part of every batch, on a GPU of its
            own or with its part of the cores.
        evaluation_tokens: Tokens per batch when predicting, padding included.
        checkpoint_minutes: Time between checkpoints within an epoch; 0: only at its end.
        auto_batch: Whether to use half as many rows at once if a GPU runs out of memory; the
            gradient of a step remains that of all its rows.
        length_buckets: Whether rows of similar length are grouped into batches.
        plain_math: Whether PyTorch computes step by step as transformers does. Without it, dropout
            on a processor draws sixteen random bits per element, attention is plain matrix
            products, an encoder layer is one operation in training, the last layer is computed
            only for the position that is read, and word vectors that are not in a batch are
            updated later.
        token_cache: Whether tokenized texts are kept on disk.
        head_labels: What the outputs of the checkpoint's head stand for, in their order and parted
            by commas, instead of the names that the checkpoint gives them.
        trust_remote_code: Whether code that comes with a checkpoint may run.
    """

    max_length: int = setting(128, help="Longest input.", unit="tokens", low=8, high=2**17)
    weights: Path | None = setting(
        None,
        help="Folder with the pretrained weights, in the place of the hub.",
        changes_result=False,
        training=True,
        advanced=True,
    )
    # The four that follow are in a run's identity as they are resolved, not as they are given.
    precision: str = setting(
        "auto",
        help="auto: bf16 where the hardware has it.",
        choices=("auto", "fp32", "bf16", "fp16"),
        changes_result=False,
    )
    device: str = setting(
        "auto",
        help="auto: a CUDA GPU if there is one.",
        choices=("auto", "cpu", "cuda", "mps"),
        changes_result=False,
    )
    engine: str = setting(
        "auto",
        help="What computes: torch, native, or auto, the quicker one.",
        changes_result=False,
        advanced=True,
    )
    threads: int | None = setting(
        None,
        help="Processor threads; all cores if not given.",
        unit="threads",
        low=1,
        high=1024,
        changes_result=False,
    )
    devices: int = setting(
        1,
        help="Train with so many GPUs, or processes on a processor, each with a part of a batch.",
        unit="devices",
        low=1,
        high=1024,
        changes_result=False,
        advanced=True,
        training=True,
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
    plain_math: bool = setting(
        False,
        help="Compute step by step as transformers does, at a lower speed.",
        advanced=True,
        replaces=(
            "fast_dropout", "short_attention", "fused_layers", "trim_last_layer", "lazy_embedding",
        ),
    )  # fmt: skip
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

    def __post_init__(self) -> None:
        """Refuse values that contradict each other.

        Raises:
            ValueError: It names the settings and their units.
        """
        LearningSettings.__post_init__(self)
        if self.devices > 1 and self.device == "mps":
            raise ValueError(f"--devices {self.devices}: there is one Apple GPU, --device mps")
        if self.evaluation_tokens < self.max_length:
            raise ValueError(
                f"--evaluation-tokens {self.evaluation_tokens} must hold at least one input of "
                f"--max-length {self.max_length} tokens"
            )

    def overruled(self) -> dict[str, str]:
        """The settings that others leave without effect, and because of what."""
        found = LearningSettings.overruled(self)
        if self.device == "cpu":
            found["auto_batch"] = "it is for a GPU, and --device is cpu"
        return found
