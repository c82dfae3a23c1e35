"""Metrics of the ``evaluate`` library: any of its modules as a metric of a task, and the reverse.

``evaluate`` is imported only when such a metric is made, since it brings torch and transformers
with it. Nothing is fetched from the network.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glueharness.errors import ConfigError, SpecError
from glueharness.specs import GroupedMetric, MetricSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from glueharness.specs import Metric, TaskSpec


def evaluate_metric(
    module: object,
    name: str,
    title: str,
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    arguments: Mapping[str, Any] | None = None,
) -> MetricSpec:
    """The spec of a metric that is a module of the ``evaluate`` library.

    Modules whose inputs are whole numbers are given a label's position in the task's labels,
    modules whose inputs are texts are given its name.

    Args:
        module: The module: an ``evaluate.Metric``, a class or function that makes one, a file or
            folder (a ``Path``, or a text that begins with ``.`` or ``/``), or a name such as
            ``"f1"``. A name is looked up among the modules that were fetched to this machine
            before; it is never fetched.
        name: The key of the value in the module's result, for instance ``"f1"``.
        title: Column heading.
        bounds: Worst and best value. Higher is better.
        arguments: What else to hand to ``compute``, for instance ``{"average": "macro"}``.
    """
    made = partial(_make, module, name, dict(arguments or {}))
    return MetricSpec(name=name, title=title, factory=made, bounds=bounds)


def as_evaluate_metric(spec: MetricSpec, task: TaskSpec) -> Any:
    """A task's metric as an ``evaluate.Metric``, for programs that expect one.

    It takes label names, or floats for a regression, and keeps everything in memory.

    Args:
        spec: The metric.
        task: The task that it scores.

    Returns:
        An ``evaluate.Metric``; its ``compute`` returns ``{spec.name: value}``.
    """
    import evaluate
    from datasets import Features, Value

    metric = spec.factory(task)
    if isinstance(metric, GroupedMetric):
        raise SpecError(
            f"{spec.name} looks at rows that belong together, which an evaluate.Metric is not told"
        )
    value = Value("float64" if task.regression else "string")

    class TaskMetric(evaluate.Metric):  # type: ignore[misc]  # evaluate has no type information
        """The metric as a module of the library."""

        def _info(self) -> Any:
            return evaluate.MetricInfo(
                description=f"{spec.title} of {task.title}",
                citation=task.citation,
                inputs_description="",
                features=Features({"predictions": value, "references": value}),
            )

        def _build_data_dir(self) -> str:
            # The original makes a folder in the home directory, which may not be writable.
            return str(self._data_dir_root)

        def _compute(self, predictions: list[Any], references: list[Any]) -> dict[str, float]:
            answer = metric.compute(predictions=predictions, references=references)
            return {spec.name: float(answer[spec.name])}

    return TaskMetric(keep_in_memory=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateMetric:
    """A :class:`glueharness.Metric` that asks a module of the ``evaluate`` library.

    Attributes:
        module: The module.
        name: The key of the value in its result.
        arguments: What else ``compute`` is given.
        ids: Label name to what the module is given for it; empty if it takes labels as they are.
    """

    module: Any
    name: str
    arguments: Mapping[str, Any]
    ids: Mapping[str, int] = field(default_factory=dict)

    def compute(self, *, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        """Score predictions; see :meth:`glueharness.Metric.compute`.

        Raises:
            SpecError: The module's result has no such key.
        """
        both = {"predictions": list(predictions), "references": list(references)}
        if self.ids:
            both = {side: [self.ids[label] for label in both[side]] for side in both}
        result = self.module.compute(**both, **self.arguments)
        if not isinstance(result, dict) or self.name not in result:
            keys = ", ".join(result) if isinstance(result, dict) else type(result).__name__
            raise SpecError(
                f"the evaluate module gives no {self.name!r}; it gives {keys}",
                remedy="Name the metric as its key is called: evaluate_metric(MODULE, KEY, TITLE).",
            )
        return {self.name: float(result[self.name])}


def _make(module: object, name: str, arguments: Mapping[str, Any], task: TaskSpec) -> Metric:
    made: Any = module
    if isinstance(module, str | Path):
        made = _load(module)
    elif isinstance(module, type) or not hasattr(module, "compute"):
        made = module() if callable(module) else None
    if not hasattr(made, "compute"):
        raise SpecError(f"{module!r} is neither an evaluate module nor the name of one")
    ids = {label: number for number, label in enumerate(task.labels)} if _wants_ids(made) else {}
    return EvaluateMetric(module=made, name=name, arguments=arguments, ids=ids)


def _wants_ids(module: Any) -> bool:
    """Whether a module's references are numbers, in the first form of its inputs."""
    features = getattr(module, "features", None)
    first = features[0] if isinstance(features, list) else features
    kind = getattr(first.get("references"), "dtype", "") if first else ""
    return "int" in str(kind) or "float" in str(kind)


def _load(module: str | Path) -> Any:
    """The module of a file or folder, or of a name that was fetched before."""
    import evaluate

    if isinstance(module, Path) or module.startswith(".") or Path(module).is_absolute():
        return evaluate.load(str(module), keep_in_memory=True)
    # Not evaluate.load: it asks the hub first, runs what comes, and would also take a folder of
    # that name in the working directory.
    from evaluate.loading import CachedEvaluationModuleFactory, import_main_class

    names = [f"evaluate-{kind}--{module}" for kind in ("metric", "comparison", "measurement")]
    with _without_warnings(evaluate):
        for name in [module.replace("/", "--")] if "/" in module else names:
            try:
                found = CachedEvaluationModuleFactory(name).get_module()
            except FileNotFoundError:
                continue
            return import_main_class(found.module_path)(keep_in_memory=True, hash=found.hash)
    raise ConfigError(
        f"the evaluate module {module!r} is not on this machine",
        remedy="If you trust its author, fetch it once, which needs the network: "
        f'python -c "import evaluate; evaluate.load({module!r})"',
    )


@contextmanager
def _without_warnings(evaluate: Any) -> Iterator[None]:
    """``evaluate`` warns that a module was not looked up on the hub, which is as it should be."""
    verbosity = evaluate.logging.get_verbosity()
    evaluate.logging.set_verbosity_error()
    try:
        yield
    finally:
        evaluate.logging.set_verbosity(verbosity)
