"""``Computation``: what was computed, and on what. Two runs are the same if all of it is equal."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from glueharness.system.printable import storable_json

if TYPE_CHECKING:
    from collections.abc import Iterator

Name = Annotated[str, Meta(min_length=1, max_length=2_000)]
LARGEST_NUMBER = 1e15
"""The largest score, loss or time that a record keeps."""
Number = Annotated[float, Meta(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]
Fact = (
    Annotated[str, Meta(max_length=10_000)]
    | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    | Annotated[float, Meta(ge=-1e300, le=1e300)]
    | bool
    | None
)
"""A value of a setting."""
Kind = Literal["training", "evaluation"]
"""Whether a run trained its model, or scored one that was there already."""
_FRESH = "fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskComputed:
    """The task as it was defined.

    Attributes:
        name: Its name.
        version: Version of its data.
        columns: Its text columns, in order.
        labels: Its label names, in order; empty for a regression.
        score_range: Lowest and highest score of a regression: predictions are clipped to it.
        metrics: Names of its metrics, the primary one first.
        code: What scores it: distribution and version, or the hash of the files.
    """

    name: Name
    version: Annotated[str, Meta(max_length=200)] = ""
    columns: tuple[Name, ...] = ()
    labels: tuple[Name, ...] = ()
    score_range: tuple[Number, Number] | None = None
    metrics: tuple[Name, ...] = ()
    code: Annotated[str, Meta(max_length=500)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelComputed:
    """The model, its settings and what it began with.

    Attributes:
        name: Model name; of a family that knows its weights without the argument, since what lies
            in a place may change.
        seed: The seed.
        weights: Commit on the hub, hash of the files, ``fresh`` where it began without
            the weights that it is meant to begin with, or empty for a model that needs none.
        settings: Those settings that change the result, after all recipes.
        code: Whose code it is: distribution and version, or the hash of the files.
    """

    name: Name
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    weights: Annotated[str, Meta(max_length=500)] = ""
    settings: dict[Name, Fact] = field(default_factory=dict)
    code: Annotated[str, Meta(max_length=500)] = ""

    @property
    def fresh(self) -> bool:
        """Whether it began without the weights that it is meant to begin with."""
        return self.weights == _FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class Computation:
    """What was computed on what.

    Attributes:
        task: The task.
        data: Fingerprint of the rows used, by split.
        model: The model.
        system: What the numbers depend on besides: engine, device kind, precision as resolved,
            major versions of libraries and of glueharness.
        kind: Whether the model was trained, or only evaluated.
        learnt: The task of the run whose model was evaluated; empty for another model.
        trained: Hash of the files of that run's model, which its training made.
    """

    task: TaskComputed
    data: dict[Name, Name]
    model: ModelComputed
    system: dict[Name, Annotated[str, Meta(max_length=500)]]
    kind: Kind = "training"
    learnt: Annotated[str, Meta(max_length=2_000)] = ""
    trained: Annotated[str, Meta(max_length=500)] = ""

    @property
    def identity(self) -> str:
        """A hash that is equal if, and only if, all of it is."""
        try:
            content = msgspec.json.encode(self, order="sorted")
        except UnicodeEncodeError:  # a path that is no text: as it will be read from the file
            text = json.dumps(dataclasses.asdict(self), ensure_ascii=False)
            values = msgspec.json.decode(storable_json(text))
            content = msgspec.json.encode(values, order="sorted")
        return hashlib.sha256(content).hexdigest()[:16]

    def facts(self) -> dict[str, object]:
        """All of it as one level: names such as ``weights`` or ``learning_rate`` to values."""
        return dict(self._facts())

    def _facts(self) -> Iterator[tuple[str, object]]:
        for field_ in dataclasses.fields(self.task):
            value = getattr(self.task, field_.name)
            words = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            yield f"task {field_.name}".replace("_", " "), words
        for name, fingerprint in self.data.items():
            yield f"data of {name}", fingerprint
        if self.kind != "training":
            yield "kind", self.kind
            yield "learnt", self.learnt
            yield "trained", self.trained
        yield "model", self.model.name
        yield "seed", self.model.seed
        yield "weights", self.model.weights
        yield "model code", self.model.code
        yield from self.model.settings.items()
        yield from self.system.items()


def differences(before: Computation, now: Computation) -> dict[str, tuple[object, object]]:
    """The facts that differ, by name: what it was before and what it is now; None: not there."""
    old, new = before.facts(), now.facts()
    return {
        name: (old.get(name), new.get(name))
        for name in (*old, *(name for name in new if name not in old))
        if old.get(name) != new.get(name)
    }
