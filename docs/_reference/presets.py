"""The sections on presets, and on what plugins build on besides the core: the engine."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import glueharness_finetune
from docs._reference.markdown import attributes_of, fields_table, markdown, summary_of, table

if TYPE_CHECKING:
    from glueharness import PresetSpec
    from glueharness.plugin.registry import Registry


def presets_section(registry: Registry) -> str:
    """Every preset: its settings, those that differ by task, and what it is not."""
    introduction = (
        "Recipes for `run TASK --preset NAME`. Options override them. A preset may also name the "
        "seeds (`--seeds` overrides them), the task that others start from (`--init-from "
        "pretrained` overrides it), and whether the mean or the median of the seeds counts."
    )
    parts = ["## Presets", "", introduction, ""]
    for spec in registry.presets:
        parts += _preset(spec)
    return "\n".join(parts)


def _preset(spec: PresetSpec) -> list[str]:
    parts = [f"### `--preset {spec.name}`", "", markdown(spec.description), ""]
    if spec.citation:
        parts += [f"From {markdown(spec.citation)}", ""]
    rows = [[_flag(name), _shown(value)] for name, value in spec.settings.items()]
    rows += [
        [_flag(name), "each of " + ", ".join(map(_shown, values))]
        for name, values in spec.grid.items()
    ]
    if spec.seeds:
        rows.append(["`--seeds`", f"`{','.join(map(str, spec.seeds))}`"])
    if spec.init_from:
        rows.append(["`--init-from`", f"`{spec.init_from}`"])
    if len(spec.seeds) > 1:
        rows.append(["of the seeds counts", f"the {spec.choose}"])
    parts += [table(["option", "value"], rows), ""]
    if spec.tasks:
        names = list(dict.fromkeys(name for each in spec.tasks.values() for name in each))
        rows = [
            [task, *(_shown(settings[name]) if name in settings else "" for name in names)]
            for task, settings in spec.tasks.items()
        ]
        parts += [table(["task", *map(_flag, names)], rows), ""]
    if spec.lacks:
        parts += ["Not as in its source:", "", *(f"- {markdown(lack)}" for lack in spec.lacks), ""]
    return parts


def _flag(name: str) -> str:
    return f"`--{name.replace('_', '-')}`"


def _shown(value: Any) -> str:
    return "the checkpoint's own" if value is None else f"`{value}`"


def engine_section() -> str:
    """What a plugin needs that describes an encoder of its own."""
    introduction = (
        "Imported from `glueharness_finetune`, by plugins that give an encoder a name and a recipe."
    )
    parts = ["## Building on the engine", "", introduction, ""]
    for name in glueharness_finetune.__all__:
        value = getattr(glueharness_finetune, name)
        if inspect.isclass(value):
            if value is glueharness_finetune.FinetuneSettings:
                text = "The settings of every fine-tuned encoder: see [Settings](#settings)."
                parts += [f"### `{name}`", "", text, ""]
                continue
            parts += [f"### `{name}`", "", summary_of(value.__doc__), "", fields_table(value), ""]
            continue
        signature = str(inspect.signature(value)).replace("'", "")
        rows = [
            [f"`{argument}`", markdown(meaning)]
            for argument, meaning in attributes_of(value.__doc__ or "").items()
        ]
        parts += [f"### `{name}{signature}`", "", summary_of(value.__doc__), ""]
        parts += [table(["argument", "meaning"], rows), ""]
    return "\n".join(parts)
