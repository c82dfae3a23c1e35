"""From a checkpoint's files, or from nothing, to a classifier with the task's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glueharness import ModelError
from glueharness_finetune.pretrained.auto_class import (
    auto_class,
    check_architecture,
    outputs_of,
    plan_choice_head,
    take_sequences,
)
from glueharness_finetune.pretrained.classifier import Classifier, quiet
from glueharness_finetune.pretrained.config import read_config
from glueharness_finetune.pretrained.dropout_rates import set_dropout
from glueharness_finetune.pretrained.explained import explained
from glueharness_finetune.pretrained.files import check_contents, check_folder
from glueharness_finetune.pretrained.head import (
    HeadPlan,
    arrange_outputs,
    begin_with_identity,
    name_outputs,
    output_layer,
    plan_head,
    renew_outputs,
    untrained_pooler,
)
from glueharness_finetune.pretrained.tensors import (
    check_complete,
    check_layers,
    check_parts,
    check_sizes,
    check_stored,
    check_values,
)
from glueharness_finetune.pretrained.tokenizer import (
    check_size,
    learn_vocabulary,
    load_tokenizer,
)
from glueharness_finetune.tokens.cache import TokenCache

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from transformers import PretrainedConfig, PreTrainedModel

    from glueharness import TaskSpec
    from glueharness_finetune.pretrained.find import Checkpoint, FreshStart
    from glueharness_finetune.settings import FinetuneSettings


def load_pretrained(
    folder: Path, task: TaskSpec, settings: FinetuneSettings, checkpoint: Checkpoint | None = None
) -> Classifier:
    """A classifier from a checkpoint; its head is kept, rearranged or made anew by its labels.

    Args:
        folder: The checkpoint's files.
        task: The task.
        settings: Dropout, if it is set, how an untrained pooler begins, and whether code of the
            checkpoint may run.
        checkpoint: What is known of it besides; None: nothing.

    Raises:
        ModelError: The files are damaged, do not belong together, or are of a model that cannot
            classify.
    """
    import torch

    check_contents(folder)
    trusted = {"trust_remote_code": settings.trust_remote_code, "local_files_only": True}
    with explained(folder), quiet():
        check_stored(folder)
        config, other = _configuration(folder, checkpoint, trusted)
        check_architecture(config, task, folder)
        tokenizer = load_tokenizer(folder, config, **trusted)
        if task.choices:
            head = plan_choice_head(config, settings)
        else:
            head = plan_head(_output_names(config, settings, folder), task)
        name_outputs(config, task)
        dropout = set_dropout(config, settings.dropout)
        model, report = auto_class(task).from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **trusted,
        )
        layer_name, _ = output_layer(model, outputs_of(task))
        take_sequences(model, task)
    check_sizes(report, {f"{layer_name}.weight", f"{layer_name}.bias"}, folder)
    check_size(tokenizer, model, folder)
    absent, missing = _check_weights(model, report, layer_name, folder, whole=not other)
    found = Classifier(
        model=model, tokenizer=tokenizer, dropout=dropout, head=head, absent=frozenset(absent)
    )
    _settle_head(found, head, task, settings)
    check_values(model, folder)
    if head.warning:
        found.warnings.append(head.warning)
    if missing:
        found.warnings.append(
            f"{len(missing)} weights of the encoder are not in the checkpoint and are fresh, "
            f"for instance {missing[0]}."
        )
    if not any(folder.glob("*.safetensors")):
        found.facts["format"] = "pickle, of which only tensors are read (weights_only)"
    return found


def _check_weights(
    model: PreTrainedModel, report: Mapping[str, Any], layer_name: str, folder: Path, *, whole: bool
) -> tuple[set[str], list[str]]:
    """Compare what a checkpoint holds with what the model needs.

    Args:
        model: The model, its weights loaded.
        report: What transformers said of the loading.
        layer_name: The output layer.
        folder: The checkpoint, for messages.
        whole: Whether the encoder must be there as a whole, and nothing else.

    Returns:
        Names of the parameters that the checkpoint lacks, and of those the encoder's.

    Raises:
        ModelError: They do not belong together.
    """
    absent = {*report["missing_keys"], *(str(key[0]) for key in report["mismatched_keys"])}
    # A pooler that pretraining did not need is part of the head in all but name.
    missing = sorted(
        key
        for key in absent
        if key.startswith(f"{model.base_model_prefix}.")
        and ".pooler." not in key
        and key not in {f"{layer_name}.weight", f"{layer_name}.bias"}
    )
    if whole:
        check_complete(model, missing, report["unexpected_keys"], folder)
        check_layers(model, report["unexpected_keys"], folder)
        check_parts(model, report["unexpected_keys"], folder)
    return absent, missing


def _settle_head(
    found: Classifier, head: HeadPlan, task: TaskSpec, settings: FinetuneSettings
) -> None:
    """Keep, rearrange or renew the output layer, and say how an untrained pooler begins."""
    name, layer = output_layer(found.model, outputs_of(task))
    absent = f"{name}.weight" in found.absent
    pooler = None if head.keep and not absent else untrained_pooler(found.model, found.absent)
    if pooler is not None and settings.identity_pooler:
        begin_with_identity(pooler)
        found.facts["pooler"] = "begins as the identity: it was never trained"
    if absent:
        found.facts["head"] = "fresh: the checkpoint has none for the task"
    elif not head.keep:
        renew_outputs(layer, found.model.config)
        found.facts["head"] = f"fresh: {head.reason}"
    else:
        if head.order is not None:
            arrange_outputs(layer, head.order)
            found.facts["head_order"] = dict(zip(task.labels, head.order, strict=True))
        found.facts["head"] = f"kept: {head.reason}"


def _configuration(
    folder: Path, checkpoint: Checkpoint | None, trusted: Mapping[str, bool]
) -> tuple[PretrainedConfig, bool]:
    """A checkpoint's configuration, and whether it is for another architecture than its own."""
    from transformers import AutoConfig

    wanted = checkpoint.model_type if checkpoint is not None else ""
    fresh = checkpoint.fresh if checkpoint is not None else None
    config = read_config(folder, wanted or (fresh.model_type if fresh else ""), **trusted)
    other = bool(wanted) and wanted != config.model_type
    if other:
        config = AutoConfig.for_model(wanted, **_sizes_of(config))
    _take_charge(config)
    return config, other


def _take_charge(config: PretrainedConfig) -> None:
    """Leave to this program what is its business: what a model returns, and by which means."""
    config.return_dict, config.output_hidden_states = True, False
    config.output_attentions = False
    # In pieces a layer computes the same, with less memory, and only some lengths can be cut so.
    config.chunk_size_feed_forward = 0
    # A kernel that was chosen on another machine may be missing on this one.
    if getattr(config, "_attn_implementation", None) not in {None, "eager", "sdpa"}:
        config._attn_implementation = None  # noqa: SLF001 - its public name only sets another


def _sizes_of(config: PretrainedConfig) -> dict[str, Any]:
    """A configuration without what names its architecture."""
    named = {"model_type", "architectures", "transformers_version", "auto_map"}
    return {name: value for name, value in config.to_dict().items() if name not in named}


def load_saved(folder: Path, task: TaskSpec, settings: FinetuneSettings) -> Classifier:
    """A classifier that :func:`save` wrote.

    Raises:
        ModelError: There is none, it is damaged, or its weights are not in safetensors.
    """
    import torch

    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            "there are no weights in the safetensors format",
            where=str(folder),
            remedy="Other formats can carry code and are not read here.",
        )
    check_folder(folder)
    trusted = {"trust_remote_code": settings.trust_remote_code, "local_files_only": True}
    with explained(folder), quiet():
        model = auto_class(task).from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, **trusted
        )
        take_sequences(model, task)
        tokenizer = load_tokenizer(folder, model.config, **trusted)
    return Classifier(model=model, tokenizer=tokenizer)


def make_fresh(
    start: FreshStart, texts: Iterable[str], task: TaskSpec, settings: FinetuneSettings
) -> Classifier:
    """A classifier with fresh weights and a vocabulary learnt from texts.

    Args:
        start: Architecture and size of the vocabulary.
        texts: The training texts.
        task: The task.
        settings: Dropout, if it is set; whether vocabularies are kept.
    """
    from transformers import AutoConfig

    cache = TokenCache() if settings.token_cache else None
    tokenizer = learn_vocabulary(texts, start.vocabulary, cache)
    config = AutoConfig.for_model(
        start.model_type,
        **{**start.architecture, "vocab_size": len(tokenizer)},
        pad_token_id=tokenizer.pad_token_id,
    )
    name_outputs(config, task)
    dropout = set_dropout(config, settings.dropout)
    model = auto_class(task).from_config(config)
    take_sequences(model, task)
    return Classifier(
        model=model,
        tokenizer=tokenizer,
        facts={"head": "fresh: all weights are", "vocabulary": len(tokenizer)},
        dropout=dropout,
    )


def make_empty(folder: Path, task: TaskSpec, settings: FinetuneSettings) -> Classifier:
    """The classifier of what :func:`save_frame` wrote; its weights mean nothing.

    Args:
        folder: The folder.
        task: The task.
        settings: Dropout, if it is set, and whether code of the checkpoint may run.

    Raises:
        ModelError: The files are damaged.
    """
    from transformers import AutoConfig

    trusted = {"trust_remote_code": settings.trust_remote_code}
    with explained(folder), quiet():
        config = AutoConfig.from_pretrained(folder, local_files_only=True, **trusted)
        dropout = set_dropout(config, settings.dropout)
        model = auto_class(task).from_config(config, **trusted)
        take_sequences(model, task)
        tokenizer = load_tokenizer(folder, config, local_files_only=True, **trusted)
    return Classifier(model=model, tokenizer=tokenizer, dropout=dropout)


def label_names(config: PretrainedConfig) -> Mapping[int, str]:
    """The names that a checkpoint gives its outputs, by their number."""
    return {int(number): str(name) for number, name in (config.id2label or {}).items()}


def _output_names(
    config: PretrainedConfig, settings: FinetuneSettings, folder: Path
) -> Mapping[int, str]:
    """The names of a checkpoint's outputs: those that the user gives, or its own.

    Raises:
        ModelError: The user names more or fewer outputs than there are.
    """
    own = label_names(config)
    if settings.head_labels is None:
        return own
    given = [name.strip() for name in settings.head_labels.split(",")]
    if len(given) != len(own):
        raise ModelError(
            f"--head-labels names {len(given)} outputs, and the checkpoint has {len(own)}",
            where=str(folder),
        )
    return dict(enumerate(given))
