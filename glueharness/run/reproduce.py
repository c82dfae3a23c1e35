"""Does a run again from its record, and tells whether the numbers are the same."""

from __future__ import annotations

import dataclasses
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness.errors import GlueharnessError, Interrupted, UnknownNameError
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.environment_difference import environment_differences
from glueharness.run.evaluate import EvaluationRequest, prepare_request
from glueharness.run.new_record import new_record
from glueharness.run.one_run import compute_anew
from glueharness.run.predictions import SplitDifference, differing_predictions, read_predictions
from glueharness.run.prepare import prepare
from glueharness.run.recorded_task import knowing
from glueharness.run.resume import settings_of_run
from glueharness.run.same import refusal, require_same
from glueharness.settings.fields import Layer, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore
    from glueharness.run.one_run import RunResult
    from glueharness.run.prepare import Prepared

_OPTION = re.compile(r"--[a-z][a-z-]*")
_OPTIONS = frozenset({"--data-dir", "--runs-dir", "--plugin", "--no-plugin", "--prefer"})
"""Options that may help somebody who does a run again with its own settings."""
_OF_THIS_COMMAND = frozenset({"data", "data_dir", "runs_dir", "offline", "track"})
"""Settings that say where things are, or who listens: the present command's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """A run that was done again.

    Attributes:
        first: The run.
        result: The same computation, done now.
        splits: What differs in the predictions, by dev split.
        environment: What differs in the environment, by name: then and now.
    """

    first: RunRecord
    result: RunResult
    splits: Mapping[str, SplitDifference]
    environment: Mapping[str, tuple[str, str]]

    @property
    def again(self) -> RunRecord:
        """The record of the run that was done now."""
        return self.result.record

    @property
    def identical(self) -> bool:
        """Whether every prediction, score of a label and metric is the same, bit by bit."""
        same = all(split.identical for split in self.splits.values())
        return same and self.first.metrics == self.again.metrics

    @property
    def same_model(self) -> bool:
        """Whether the files of the two models are the same; also true where neither has one."""
        return _model_seals(self.first) == _model_seals(self.again)


def reproduce(
    name: str,
    store: RunStore,
    registry: Registry,
    *,
    data_dir: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Reproduction:
    """Do a run again, into a folder of its own that names the first.

    The run has the settings, seed, weights, engine, precision and threads of the first, and reads
    its data from the same source. It never takes the first one's place, and whoever ranks runs
    leaves it out where the first one is there.

    Args:
        name: The run, as :meth:`RunStore.find` takes it.
        store: Where it is, and the new run will be.
        registry: Where names are looked up; its plugins hear the run's events.
        data_dir: Where its data lie now; None for where they lay.
        tell: Hears in one line what is being done.

    Raises:
        RunFolderError: Something that the run followed from is no longer there, or the run is not
            complete.
        Interrupted: The user stopped it.
        GlueharnessError: The run failed.
    """
    first = store.find(name)
    _require_complete(first, store)
    if data_dir is not None and not data_dir.is_dir():
        raise refusal(first, "there is no such folder", str(data_dir))
    with _refusing(first):
        registry = knowing(first, registry, data_dir)
        prepared = _prepare(first, store, registry, data_dir)
        record = new_record(prepared, registry)
    require_same(first, record)
    tell(f"reproducing run {first.id}")
    result = compute_anew(prepared, record, registry)
    there, here = store.path(first), result.folder
    return Reproduction(
        first=first,
        result=result,
        splits={
            split: differing_predictions((there, first), (here, result.record), split)
            for split in first.dev_rows()
        },
        environment=environment_differences(first, result.record),
    )


def _require_complete(first: RunRecord, store: RunStore) -> None:
    """Make sure that there is something to compare with, before anything is computed.

    Raises:
        RunFolderError: It says what is missing.
    """
    folder = str(store.path(first))
    if first.status != "completed":
        raise refusal(first, f"it is not complete, its status is {store.state(first)}", folder)
    if first.computation is None:
        why = "its record, of an older version, does not say what it computed"
        raise refusal(first, why, folder)
    for split in first.dev_rows():
        with _refusing(first):
            read_predictions(store.path(first), first, split)


@contextmanager
def _refusing(first: RunRecord) -> Iterator[None]:
    """Say of what is missing that the run cannot be reproduced for it."""
    try:
        yield
    except Interrupted:
        raise
    except GlueharnessError as error:
        # Settings come from the record, whoever gave them then: no command line is at fault.
        of_settings = error.where in {COMMAND_LINE, f"run {first.id}"}
        remedy = "" if _asks_for_what_is_not_there(error.remedy) else error.remedy
        raise refusal(first, error.what, "" if of_settings else error.where, remedy) from error


def _asks_for_what_is_not_there(remedy: str) -> bool:
    """Whether a remedy is an option that only the commands have in which settings are chosen."""
    return "glueharness " not in remedy and bool({*_OPTION.findall(remedy)} - _OPTIONS)


def _prepare(
    first: RunRecord, store: RunStore, registry: Registry, data_dir: Path | None
) -> Prepared:
    chosen = [
        dataclasses.replace(
            layer,
            values={
                name: value for name, value in layer.values.items() if name not in _OF_THIS_COMMAND
            },
        )
        for layer in settings_of_run(first, registry)
    ]
    layers = [Layer(origin=f"run {first.id}", values=_pinned(first, store, registry)), *chosen]
    if data_dir is not None:
        layers.insert(0, Layer(origin=COMMAND_LINE, values={"data_dir": str(data_dir)}))
    if first.kind == "training":
        config = build_config(first.task, layers, registry)
        config = dataclasses.replace(config, reproduces=first, parent=first.parent)
        return prepare(config, registry)
    if first.parent is not None:
        layers = [_without_own(layer, first, registry) for layer in layers]
    run = _whose_model(first, store) if first.parent is not None else ""
    prepared = prepare_request(EvaluationRequest(task=first.task, layers=layers, run=run), registry)
    config = dataclasses.replace(prepared.config, reproduces=first)
    return dataclasses.replace(prepared, config=config)


def _pinned(first: RunRecord, store: RunStore, registry: Registry) -> dict[str, Any]:
    """Where the data lay, and what ``auto`` was resolved to, here and now or elsewhere then."""
    folder = first.settings.get("data_dir")
    pinned: dict[str, Any] = {
        "data": first.data.source,
        "runs_dir": str(store.folder),
        "model": first.model,
        "seed": first.seed,
    }
    if folder is not None and folder.value is not None:
        pinned["data_dir"] = folder.value
    known = {item.name for item in settings_of(registry.model(first.model).spec.settings)}
    system = first.computation.system if first.computation is not None else {}
    resolved = {
        "engine": system.get("engine"),
        "precision": system.get("precision"),
        "device": system.get("device"),
        "threads": first.notes.get("threads"),
    }
    return pinned | {
        name: value
        for name, value in resolved.items()
        if name in known and isinstance(value, str | int) and value
    }


def _without_own(layer: Layer, first: RunRecord, registry: Registry) -> Layer:
    """What an evaluation takes besides what its model was trained with."""
    kind = registry.model(first.model).spec.settings
    fixed = {item.name for item in settings_of(kind) if item.info.changes_result}
    kept = {n: v for n, v in layer.values.items() if n not in {*fixed, "model", "seed"}}
    return dataclasses.replace(layer, values=kept)


def _whose_model(first: RunRecord, store: RunStore) -> str:
    """The run whose model an evaluation scored, whatever it is called by now."""
    assert first.parent is not None  # noqa: S101 - the caller asked
    try:
        return store.find(first.parent.id).id
    except UnknownNameError:
        for record in store.all():
            if record.identity == first.parent.identity and store.has_model(record):
                return record.id
        raise


def _model_seals(record: RunRecord) -> dict[str, str]:
    return {name: seal for name, seal in record.seals.items() if name.startswith("model/")}
