"""Whether a model can be scored and trained where and how the run means to: tried on a few rows."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from glueharness import ModelError
from glueharness_finetune.cpu.install import quicken, slow_down
from glueharness_finetune.predictor import Predictor
from glueharness_finetune.pretrained.trial_rows import LONG, SHORT, batches_of, in_words, joined
from glueharness_finetune.runtime import AUTO, FP32, choose_runtime, ran_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transformers import PreTrainedModel

    from glueharness_finetune.pretrained.form import Form
    from glueharness_finetune.pretrained.trial import Trial
    from glueharness_finetune.runtime import Runtime
    from glueharness_finetune.settings import FinetuneSettings
    from glueharness_finetune.tokens.batches import Padding
    from glueharness_finetune.tokens.tokenize import Encoded


def set_going(
    trial: Trial, form: Form, settings: FinetuneSettings, *, train: bool
) -> tuple[Runtime, dict[str, bool]]:
    """Put a model where it is to compute, made as quick as it can be, and try it there.

    Args:
        trial: The model.
        form: What :meth:`Trial.find_form` found; it gets warnings.
        settings: Device, precision, and what may be made quicker.
        train: Whether the model is to be trained.

    Returns:
        Where and in what format it computes, and what of the settings for speed is done.

    Raises:
        ModelError: It cannot be done in the format that the user asked for, or not at all.
    """
    runtime, asked = choose_runtime(settings), settings.precision != AUTO
    torch.nn.Module.to(trial.model, runtime.device)
    if not runtime.on_processor:  # a GPU has kernels of its own
        return _settle(trial, form, runtime, asked=asked, train=train), {}
    done = quicken(trial.model, settings)
    told = list(form.warnings)
    try:
        return _settle(trial, form, runtime, asked=asked, train=train), done
    except ModelError:
        if not slow_down(trial.model):
            raise
    # It was the quicker attention that did not suit the model, if it works without.
    form.warnings[:] = told
    return _settle(trial, form, runtime, asked=asked, train=train), dict.fromkeys(done, False)


def _settle(trial: Trial, form: Form, runtime: Runtime, *, asked: bool, train: bool) -> Runtime:
    """Score and train a few rows as the run does, in fp32 where what was chosen does not work."""
    rows = [trial.row(words, form.max_length) for words in (SHORT, LONG)]
    predictor = Predictor(
        model=trial.model, outputs=trial.outputs, padding=form.padding, runtime=runtime,
        tokens=10**4,
    )  # fmt: skip
    try:
        scores = predictor.scores(joined(rows))
        if train:
            _try_training(trial.model, rows, form.padding, runtime)
    except Exception as error:
        if ran_out(error):
            return runtime  # the loop has ways to do with less
        doing = "be trained" if train else "score"
        if runtime.precision == FP32:
            raise trial.misfit(f"{trial.kind} cannot {doing}: {in_words(error)}") from error
        if asked:
            raise trial.misfit(
                f"{trial.kind} cannot {doing} in {runtime.precision}: {in_words(error)}",
                "Use --precision auto or fp32.",
            ) from error
        form.warnings.append(
            f"{trial.kind} has an operation that {runtime.precision} lacks: it computes in {FP32}."
        )
        return _settle(trial, form, replace(runtime, precision=FP32), asked=True, train=train)
    if not np.isfinite(scores).all() and runtime.precision != FP32 and not asked:
        form.warnings.append(
            f"{trial.kind} overflows in {runtime.precision}: it computes in {FP32}."
        )
        return replace(runtime, precision=FP32)
    return runtime


def _try_training(
    model: PreTrainedModel, rows: Sequence[Encoded], padding: Padding, runtime: Runtime
) -> None:
    """Take the gradient of a small batch as training does; raises what its code raises."""
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    try:
        with _random_numbers_kept(runtime), torch.enable_grad():
            model.train()
            for batch in batches_of(rows, padding):
                placed = {name: value.to(runtime.device) for name, value in batch.items()}
                with runtime.autocast():
                    logits = model(**placed).logits
                torch.autograd.backward(logits.float().square().mean())
    finally:
        model.zero_grad(set_to_none=True)
        model.train(mode=False)
        for name, buffer in model.named_buffers():
            buffer.copy_(buffers[name])


@contextmanager
def _random_numbers_kept(runtime: Runtime) -> Iterator[None]:
    """A region after which the random numbers to come are those that they were before."""
    devices = [runtime.device] if runtime.on_gpu else []
    with torch.random.fork_rng(devices=devices):
        yield
