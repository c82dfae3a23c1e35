"""What a plugin tells of a model, and what its factory is told."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the fields' types are read by tools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glueharness.settings.fields import DEFAULT, RECIPE_OF

if TYPE_CHECKING:
    from collections.abc import Callable

    from glueharness.protocols import Model
    from glueharness.specs.task import TaskSpec


@dataclass(frozen=True, slots=True)
class NoSettings:
    """The settings of a model that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContext:
    """What a model's factory is given.

    Attributes:
        task: The task to be learnt.
        settings: An instance of the spec's ``settings`` class, resolved and checked.
        seed: Seed of everything random in the model.
        origins: Setting name to the place its value came from.
        argument: What stands behind the colon in ``hf:NAME``; empty for other models.
        offline: Whether the network must not be touched.
    """

    task: TaskSpec
    settings: Any
    seed: int
    origins: Mapping[str, str] = field(default_factory=dict)
    argument: str = ""
    offline: bool = False

    def chosen_by_user(self, name: str) -> bool:
        """Whether a setting's value is the user's, and not a default or the model's recipe."""
        origin = self.origins.get(name, DEFAULT)
        return origin != DEFAULT and not origin.startswith(RECIPE_OF)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model: its facts and how to make it.

    Attributes:
        name: The name on the command line. A family such as ``hf`` is asked for as ``hf:NAME``.
        description: One sentence.
        factory: Makes the untrained model.
        settings: Frozen dataclass of the model's settings, its fields made with
            :func:`glueharness.setting`; each becomes an option of ``run``.
        recipe: The model's own defaults for some of these settings.
        family: Whether the name needs an argument behind a colon.
        checkpoint: Hub id of the pretrained checkpoint, if any.
        revision: Its pinned revision.
        parameters: Number of parameters, if fixed.
        citation: Paper or page.
    """

    name: str
    description: str
    factory: Callable[[ModelContext], Model]
    settings: type[Any] = NoSettings
    recipe: Mapping[str, Any] = field(default_factory=dict)
    family: bool = False
    checkpoint: str = ""
    revision: str = ""
    parameters: int | None = None
    citation: str = ""
