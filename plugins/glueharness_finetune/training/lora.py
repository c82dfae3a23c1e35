"""Low-rank adapters (LoRA, Hu et al. 2021, https://arxiv.org/abs/2106.09685) through peft.

The encoder's weights stay as they are; chosen layers learn a small sum beside them, and the head
learns whole. The sum is added to the weights wherever the model is scored, so that the scores of an
epoch are those of the plain checkpoint that is saved in the end.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from glueharness import ConfigError, ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import torch

    from glueharness_finetune.pretrained.classifier import Classifier
    from glueharness_finetune.settings import FinetuneSettings

ADAPTER = "adapter"
"""The folder of the adapter, in that of the model."""
WHOLE = "learns_whole"
"""The fact of a classifier that names the parts which learn whole, beside the adapters."""
_ALL_LINEAR = "all-linear"


def require_peft(settings: FinetuneSettings) -> None:
    """Refuse LoRA where peft is not installed.

    Raises:
        ConfigError: With the command that installs it.
    """
    if settings.lora_rank is not None and find_spec("peft") is None:
        raise ConfigError(
            f"--lora-rank {settings.lora_rank} needs the library peft, which is not installed",
            remedy="pip install 'glueharness[lora]'",
        )


class Lora:
    """The adapters of a classifier, whose model they are put into.

    Args:
        classifier: The classifier; its model gets the adapters in place. Its facts say which parts
            learn whole.
        settings: Rank, scale, dropout and layers.
        name: Name of the checkpoint, for whoever loads the adapter alone.

    Attributes:
        facts: What the run record keeps.
        warnings: What peft has to say.

    Raises:
        ModelError: The model has no such layers, or the rank is too high for them.
    """

    def __init__(self, classifier: Classifier, settings: FinetuneSettings, name: str) -> None:
        import peft

        model: Any = classifier.model
        config = peft.LoraConfig(
            task_type=peft.TaskType.SEQ_CLS,
            r=settings.lora_rank or 1,
            lora_alpha=settings.lora_alpha,
            lora_dropout=settings.lora_dropout,
            target_modules=_targets(settings, model.config.model_type),
            modules_to_save=classifier.facts.get(WHOLE) or whole_parts(classifier),
        )
        self.warnings: list[str] = []
        with _heard(self.warnings):
            try:
                self._peft: Any = peft.get_peft_model(model, config)
            except ValueError as error:
                raise ModelError(
                    f"--lora-modules {settings.lora_modules or ''}: {error}",
                    where=name,
                    remedy=f"Name layers of the model, or give {_ALL_LINEAR}.",
                ) from error
        config.base_model_name_or_path = name
        self._config = config
        named = {
            name: part
            for name, part in model.named_modules()
            if isinstance(part, peft.tuners.lora.LoraLayer)
        }
        _check_rank(config.r, named, name)
        self._layers: list[Any] = list(named.values())
        self._learnt: Mapping[str, torch.Tensor] = {}
        learns = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.facts = {
            "peft": peft.__version__,
            "modules": sorted({name.rpartition(".")[2] for name in named}),
            "layers": len(named),
            "whole": list(config.modules_to_save or ()),
            "trainable_parameters": sum(parameter.numel() for parameter in learns),
        }

    @contextmanager
    def merged(self) -> Iterator[None]:
        """A region in which the adapters are part of the weights, as in what will be saved."""
        import torch

        weights = [layer.get_base_layer().weight for layer in self._layers]
        before = [weight.detach().clone() for weight in weights]
        with _heard([]):
            for layer in self._layers:
                layer.merge()
        try:
            yield
        finally:
            with _heard([]):
                for layer in self._layers:
                    layer.unmerge()
            # What was added and taken away again is not what it was, to the last bit.
            with torch.no_grad():
                for weight, values in zip(weights, before, strict=True):
                    weight.copy_(values)

    def finish(self) -> None:
        """Make a plain model of it, and keep the adapter for :meth:`save`."""
        from peft import get_peft_model_state_dict

        with _heard([]):
            learnt = get_peft_model_state_dict(self._peft)
            self._learnt = {name: value.detach().clone().cpu() for name, value in learnt.items()}
            self._peft.merge_and_unload()

    def save(self, folder: Path) -> None:
        """Write the adapter, as ``PeftModel.from_pretrained`` takes it."""
        from safetensors.torch import save_file

        folder.mkdir()
        self._config.inference_mode = True
        self._config.save_pretrained(str(folder))
        save_file(dict(self._learnt), folder / "adapter_model.safetensors", {"format": "pt"})


@contextmanager
def _heard(told: list[str]) -> Iterator[None]:
    """Keep what libraries warn of off the terminal, where it would come with paths and code.

    Args:
        told: Gets each warning once; not those that are about their own code of the future.
    """
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        yield
    for each in found:
        about_code = issubclass(each.category, DeprecationWarning | FutureWarning)
        text = "peft: " + " ".join(str(each.message).split())
        if not about_code and text not in told:
            told.append(text)


def _check_rank(rank: int, layers: Mapping[str, Any], where: str) -> None:
    """Refuse adapters that have more to learn than the weights beside which they stand.

    Raises:
        ModelError: With the layer that has the shortest side.
    """
    sides = {name: min(layer.get_base_layer().weight.shape) for name, layer in layers.items()}
    least = min(sides, key=sides.__getitem__)
    if rank > sides[least]:
        raise ModelError(
            f"--lora-rank {rank}: the weights of {least.removeprefix('base_model.model.')} have "
            f"only {sides[least]} rows or columns, and no product of adapters has a higher rank",
            where=where,
            remedy=f"Give a rank up to {sides[least]}; 8 is usual.",
        )


def usual_layers(model_type: str) -> list[str]:
    """The layers that peft takes in such a model, or all."""
    from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as KNOWN

    return list(KNOWN.get(model_type, ())) or [_ALL_LINEAR]


def _targets(settings: FinetuneSettings, model_type: str) -> Any:
    """The layers that the user names; else the usual ones."""
    if settings.lora_modules is None:
        names = usual_layers(model_type)
    else:
        names = [name.strip() for name in settings.lora_modules.split(",")]
    return _ALL_LINEAR if names == [_ALL_LINEAR] else names


def whole_parts(classifier: Classifier) -> list[str]:
    """What learns whole: all that is not the encoder, and a pooler that was never trained."""
    model = classifier.model
    found = [
        name
        for name, part in model.named_children()
        if name != model.base_model_prefix and next(part.parameters(), None) is not None
    ]
    inner = {name for name, _ in model.named_modules() if name.endswith(".pooler")}
    fresh = "pooler" in classifier.facts or any(".pooler." in name for name in classifier.absent)
    return [*found, *sorted(inner)] if fresh else found
