"""Modules of the ``evaluate`` library as metrics of a task, and the reverse."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import (
    ACCURACY,
    F1,
    PEARSON,
    ConfigError,
    Metric,
    SpecError,
    as_evaluate_metric,
    evaluate_metric,
)
from glueharness_glue.mnli import MNLI
from glueharness_glue.mrpc import MRPC
from glueharness_glue.stsb import STSB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE = '''
import datasets
import evaluate


class Agreement(evaluate.Metric):
    """Counts equal values; every input is noted."""

    def _info(self):
        forms = FORMS
        return evaluate.MetricInfo(
            description="d", citation="", inputs_description="",
            features=[datasets.Features(form) for form in forms] if len(forms) > 1
            else datasets.Features(forms[0]),
        )

    def _compute(self, predictions, references, weight=1.0):
        equal = sum(a == b for a, b in zip(predictions, references))
        return {
            "agreement": weight * equal / len(references),
            "kinds": type(references[0]).__name__,
            "total": 0.0 if isinstance(references[0], str) else float(sum(references)),
        }
'''


def form(kind: str) -> str:
    value = f"datasets.Value('{kind}')"
    return f"{{'predictions': {value}, 'references': {value}}}"


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where ``evaluate`` keeps its copies of modules, which it imports from there."""
    from evaluate import config

    folder = tmp_path_factory.mktemp("evaluate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "HF_MODULES_CACHE", str(folder / "modules"))
        patch.setattr(config, "HF_METRICS_CACHE", str(folder / "metrics"))
        patch.setattr(sys, "path", list(sys.path))
        for name in [name for name in sys.modules if name.split(".")[0] == "evaluate_modules"]:
            patch.delitem(sys.modules, name)
        yield folder


def write_module(folder: Path, *kinds: str) -> str:
    """Write a module whose inputs are of these types, in the order of preference."""
    place = folder / "agreement"
    place.mkdir()
    forms = ", ".join(map(form, kinds))
    (place / "agreement.py").write_text(MODULE.replace("FORMS", f"[{forms}]"))
    return str(place)


PREDICTIONS = [*MNLI.labels, MNLI.labels[0]]
REFERENCES = [*MNLI.labels, MNLI.labels[2]]


@pytest.mark.parametrize(
    ("kinds", "total"),
    [(("int32",), 5.0), (("int32", "string"), 5.0), (("string",), 0.0), (("float64",), 5.0)],
)
def test_labels_become_what_the_module_wants(
    tmp_path: Path, kinds: tuple[str, ...], total: float
) -> None:
    place = write_module(tmp_path, *kinds)
    scored = evaluate_metric(place, "agreement", "Agreement").factory(MNLI)
    answer = scored.compute(predictions=PREDICTIONS, references=REFERENCES)
    assert answer == {"agreement": 0.75}
    summed = evaluate_metric(place, "total", "Total", bounds=(0.0, 9.0)).factory(MNLI)
    # Positions in the task's labels: 0 + 1 + 2 + 2.
    assert summed.compute(predictions=PREDICTIONS, references=REFERENCES) == {"total": total}


def test_scores_of_a_regression_stay_numbers(tmp_path: Path) -> None:
    spec = evaluate_metric(write_module(tmp_path, "float64"), "total", "Total")
    answer = spec.factory(STSB).compute(predictions=[1.0, 2.5], references=[0.5, 4.25])
    assert answer == {"total": 4.75}


def test_further_arguments_are_handed_on(tmp_path: Path) -> None:
    place = write_module(tmp_path, "string")
    spec = evaluate_metric(place, "agreement", "Agreement", arguments={"weight": 0.5})
    answer = spec.factory(MNLI).compute(predictions=PREDICTIONS, references=PREDICTIONS)
    assert answer == {"agreement": 0.5}


def test_an_object_a_class_and_a_function(tmp_path: Path) -> None:
    import evaluate

    made = evaluate.load(write_module(tmp_path, "int32"), keep_in_memory=True)
    kind = type(made)
    for module in (made, kind, lambda: kind(keep_in_memory=True)):
        metric = evaluate_metric(module, "agreement", "Agreement").factory(MNLI)
        assert isinstance(metric, Metric)
        answer = metric.compute(predictions=PREDICTIONS, references=REFERENCES)
        assert answer == {"agreement": 0.75}


def test_what_is_no_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="neither an evaluate module nor"):
        evaluate_metric(7, "seven", "Seven").factory(MNLI)
    spec = evaluate_metric(write_module(tmp_path, "string"), "agreemnt", "Agreement")
    with pytest.raises(SpecError, match=r"gives no 'agreemnt'; it gives agreement, kinds, total"):
        spec.factory(MNLI).compute(predictions=PREDICTIONS, references=REFERENCES)


def test_a_name_is_found_where_it_was_fetched_and_never_fetched(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where a folder of that name lies in the working directory."""
    write_module(tmp_path, "string")
    monkeypatch.chdir(tmp_path)
    asked = []

    def no_network(*arguments: Any, **_: Any) -> Any:
        asked.append(arguments)
        raise OSError("the network was asked")

    monkeypatch.setattr("socket.create_connection", no_network)
    monkeypatch.setattr("socket.getaddrinfo", no_network)
    spec = evaluate_metric("agreement", "agreement", "Agreement")
    with pytest.raises(ConfigError, match="'agreement' is not on this machine") as refused:
        spec.factory(MNLI)
    assert "evaluate.load('agreement')" in refused.value.remedy
    fetched = cache / "modules/evaluate_modules/metrics/evaluate-metric--agreement" / ("a" * 64)
    fetched.mkdir(parents=True)
    (fetched / "agreement.py").write_text(MODULE.replace("FORMS", f"[{form('int32')}]"))
    answer = spec.factory(MNLI).compute(predictions=PREDICTIONS, references=REFERENCES)
    assert answer == {"agreement": 0.75}
    assert not asked
    assert evaluate_metric("./agreement", "kinds", "K").factory(MNLI)


def test_a_metric_of_a_task_as_a_module() -> None:
    import evaluate

    module = as_evaluate_metric(F1, MRPC)
    assert isinstance(module, evaluate.Metric)
    no, yes = MRPC.labels
    truth, guess = [yes, no, no, no], [yes, yes, no, no]
    assert module.compute(predictions=guess, references=truth) == {"f1": pytest.approx(2 / 3)}
    module.add_batch(predictions=guess[:2], references=truth[:2])
    module.add_batch(predictions=guess[2:], references=truth[2:])
    assert module.compute() == {"f1": pytest.approx(2 / 3)}
    both = evaluate.combine([module, as_evaluate_metric(ACCURACY, MRPC)])
    answer = both.compute(predictions=guess, references=truth)
    assert answer == {"f1": pytest.approx(2 / 3), "accuracy": 0.75}
    scores = as_evaluate_metric(PEARSON, STSB)
    answer = scores.compute(predictions=[1.0, 2.0, 3.0], references=[2.0, 4.0, 6.0])
    assert answer == {"pearson": pytest.approx(1.0)}


def test_there_and_back() -> None:
    spec = evaluate_metric(as_evaluate_metric(F1, MRPC), "f1", "F1")
    no, yes = MRPC.labels
    answer = spec.factory(MRPC).compute(predictions=[yes, yes], references=[yes, no])
    assert answer == {"f1": pytest.approx(2 / 3)}


def test_a_task_with_such_a_metric_is_listed_without_the_library() -> None:
    program = (
        "import sys; from glueharness import evaluate_metric; "
        "evaluate_metric('f1', 'f1', 'F1'); "
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"evaluate", "datasets", "torch", "numpy"} & set(answer.stdout.split())


def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    """The home is a file, so that nothing can be written there whoever runs the test."""
    home = tmp_path / "home"
    home.write_text("")
    program = (
        "from glueharness import ACCURACY, as_evaluate_metric\n"
        "from glueharness_glue.qnli import QNLI\n"
        "both = list(QNLI.labels)\n"
        "metric = as_evaluate_metric(ACCURACY, QNLI)\n"
        "assert metric.compute(predictions=both, references=both) == {'accuracy': 1.0}\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={"HOME": str(home), "HF_HUB_OFFLINE": "1", "PATH": ""},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
