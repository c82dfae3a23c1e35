"""``evaluate``: models that are there already, scored and kept like a run."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from glueharness import (
    ACCURACY,
    ConfigError,
    DataOrigin,
    ModelError,
    ModelSpec,
    PluginError,
    RunFolderError,
    SourceSpec,
    SplitSpec,
    Table,
    TaskSpec,
    hookimpl,
)
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.registry import Registry
from glueharness.record.run_file import RUN_FILE, read_record
from glueharness.record.store import RunStore
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.evaluate import EvaluationRequest, evaluate
from glueharness.run.one_run import run
from glueharness.run.predictions import read_predictions
from glueharness.settings.fields import Layer
from glueharness.testing import ModelConformance
from tests.docs_project import blocks_of
from tests.finetune_tools import LABELS, colour_rows, colour_task, write_checkpoint
from tests.installing import ROOT
from tests.small_task import LABELS as PARITY
from tests.small_task import MemoryData, SmallPlugin, parity, small_plugins

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from glueharness import DataOptions, FloatArray, ModelContext, Split
    from glueharness.record.record import RunRecord
    from glueharness.run.one_run import RunResult


@dataclasses.dataclass
class Rows:
    """A source with the rows that it is made with."""

    splits: Mapping[str, Table]

    def open(self, task: TaskSpec, options: DataOptions) -> MemoryData:
        """Always there."""
        assert task.name
        assert options
        return MemoryData(DataOrigin(source="memory", location="made in a test"), self.splits)


def source(**splits: Table) -> tuple[SourceSpec, ...]:
    return (SourceSpec(name="memory", description="rows", factory=lambda: Rows(splits), order=1),)


def numbers(start: int, count: int, column: str = "text") -> Table:
    """Numbers as text, labelled by whether they are even."""
    found = range(start, start + count)
    return Table(
        {
            "index": list(range(count)),
            column: [f"number {number}" for number in found],
            "label": [PARITY[number % 2] for number in found],
        }
    )


def large(**changes: Any) -> TaskSpec:
    """Parity of large numbers: no training rows, another column, the labels the other way round."""
    facts: dict[str, Any] = {
        "name": "large",
        "title": "Large",
        "description": "Parity of large numbers.",
        "columns": ("digits",),
        "labels": PARITY[::-1],
        "splits": (SplitSpec(name="dev", role="dev", rows=9),),
        "metrics": (ACCURACY,),
        "sources": source(dev=numbers(101, 9, "digits")),
        "trained_on": "parity",
    }
    return TaskSpec(**{**facts, **changes})


class Guess:
    """Says the same of every row, and was never trained."""

    def __init__(self, context: ModelContext) -> None:
        self.outputs = context.task.num_outputs

    def predict(self, split: Split) -> FloatArray:
        """One for the first label."""
        scores = np.zeros((len(split), self.outputs), dtype=np.float32)
        scores[:, 0] = 1.0
        return scores[:, 0] if self.outputs == 1 else scores


GUESS = ModelSpec(name="guess", description="Guesses.", factory=Guess, trains=False)


class Tasks(SmallPlugin):
    """The small plugin with more tasks, and a model that does not train."""

    def __init__(self, *tasks: TaskSpec) -> None:
        super().__init__()
        self.tasks = [parity(), large(), *tasks]

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """All of them."""
        return self.tasks

    @hookimpl
    def glueharness_models(self) -> list[ModelSpec]:
        """The oracle and the other one."""
        return [*SmallPlugin.glueharness_models(self), GUESS]


def registry_with(*tasks: TaskSpec) -> Registry:
    return Registry(small_plugins(Tasks(*tasks)))


def train(folder: Path, registry: Registry, task: str = "parity", **values: Any) -> RunRecord:
    given = {"model": "oracle", "runs_dir": str(folder), **values}
    return run(build_config(task, [Layer(origin=COMMAND_LINE, values=given)], registry),
               registry).record  # fmt: skip


def score(
    folder: Path, registry: Registry, task: str, run_id: str = "", **values: Any
) -> RunResult:
    layer = Layer(origin=COMMAND_LINE, values={"runs_dir": str(folder), **values})
    return evaluate(EvaluationRequest(task=task, layers=[layer], run=run_id), registry)


def test_a_run_gets_its_score_again_and_keeps_no_second_model(tmp_path: Path) -> None:
    registry = registry_with()
    trained = train(tmp_path, registry, error_every="5", seed="7")
    result = score(tmp_path, registry, "parity", trained.id)
    record = result.record
    assert (record.kind, record.status, record.seed) == ("evaluation", "completed", 7)
    assert record.metrics == trained.metrics == {"dev": {"accuracy": 0.8}}
    assert record.parent is not None
    assert (record.parent.id, record.parent.identity) == (trained.id, trained.identity)
    assert record.identity != trained.identity
    assert list(record.data.splits) == ["dev"]
    assert not (result.folder / "model").exists()
    assert read_record(result.folder) == record
    assert read_predictions(result.folder, record, "dev").values[:2] == ["odd", "odd"]
    assert score(tmp_path, registry, "parity", trained.id).reused
    assert train(tmp_path, registry, error_every="5", seed="7").id == trained.id


def test_another_model_under_the_same_id_is_another_evaluation(tmp_path: Path) -> None:
    registry = registry_with()
    trained = train(tmp_path, registry)
    first = score(tmp_path, registry, "parity", trained.id).record
    again = run(
        build_config(
            "parity",
            [Layer(origin="test", values={"model": "oracle", "runs_dir": str(tmp_path)})],
            registry,
            rerun=True,
        ),
        registry,
    ).record
    # The same computation with the same files: the same model, whichever run it is taken from.
    assert score(tmp_path, registry, "parity", again.id).record.id == first.id
    file = tmp_path / again.id / "model" / "oracle.txt"
    file.write_text("knows\n\n", encoding="utf-8")
    with pytest.raises(RunFolderError, match="the seal is broken"):
        score(tmp_path, registry, "parity", again.id)


def test_what_the_kind_says_follows_from_what_was_computed(tmp_path: Path) -> None:
    registry = registry_with()
    record = train(tmp_path, registry)
    path = tmp_path / record.id / RUN_FILE
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "kind": "evaluation"}), encoding="utf-8")
    assert read_record(tmp_path / record.id).kind == "training"


def test_a_task_without_training_rows_is_scored_with_a_run_of_another(tmp_path: Path) -> None:
    registry = registry_with()
    trained = train(tmp_path, registry)
    record = score(tmp_path, registry, "large").record
    # By name: the labels stand the other way round, and the column has another name.
    assert record.metrics == {"dev": {"accuracy": 1.0}}
    assert record.parent is not None
    assert record.parent.id == trained.id
    assert read_predictions(tmp_path / record.id, record, "dev").values[0] == "odd"


def test_evaluations_are_never_the_best_run(tmp_path: Path) -> None:
    registry = registry_with()
    worse = train(tmp_path, registry, error_every="5")
    score(tmp_path, registry, "parity", worse.id)
    (tmp_path / worse.id / "model" / "oracle.txt").unlink()
    (tmp_path / worse.id / "model").rmdir()
    with pytest.raises(RunFolderError, match=r"no run of parity to evaluate \(1 without a model\)"):
        score(tmp_path, registry, "parity")


def test_an_evaluation_has_no_model_of_its_own(tmp_path: Path) -> None:
    registry = registry_with()
    trained = train(tmp_path, registry)
    record = score(tmp_path, registry, "parity", trained.id).record
    with pytest.raises(RunFolderError, match=f"name run {trained.id}, whose model it scored"):
        score(tmp_path, registry, "parity", record.id)


def test_marks_of_the_run_are_marks_of_its_evaluation(tmp_path: Path) -> None:
    registry = registry_with()
    trained = train(tmp_path, registry, limit_train="4")
    assert score(tmp_path, registry, "parity", trained.id).record.marks == ("limited parent",)


def test_a_run_is_evaluated_with_its_own_settings(tmp_path: Path) -> None:
    registry = registry_with()
    trained = train(tmp_path, registry, error_every="5")
    with pytest.raises(ConfigError, match="--error-every is given, which the model of run"):
        score(tmp_path, registry, "parity", trained.id, error_every="2")
    with pytest.raises(ConfigError, match="--run and --model exclude each other"):
        score(tmp_path, registry, "parity", trained.id, model="guess")


def test_other_labels_or_columns_are_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    three = large(
        name="three", trained_on="", labels=("even", "odd", "neither"), splits=parity().splits
    )
    registry = registry_with(three)
    trained = train(tmp_path, registry)
    with pytest.raises(ConfigError, match="the labels of three are even, odd, neither, those of"):
        score(tmp_path, registry, "three", trained.id)
    assert len(RunStore(tmp_path).all()) == 1


def test_a_task_without_labelled_rows_says_what_can_be_done(tmp_path: Path) -> None:
    registry = registry_with()
    with pytest.raises(ConfigError, match="ax has no labelled rows") as caught:
        score(tmp_path, registry, "ax")
    assert "glueharness submit ax" in caught.value.remedy


def test_a_model_that_only_predicts_is_scored_and_not_trained(tmp_path: Path) -> None:
    registry = registry_with()
    record = score(tmp_path, registry, "parity", model="guess").record
    assert (record.model, record.kind, record.primary) == ("guess", "evaluation", 0.5)
    assert record.computation is not None
    assert record.computation.data.keys() == {"dev"}
    with pytest.raises(ConfigError, match="does not train") as caught:
        train(tmp_path, registry, model="guess")
    assert "glueharness evaluate parity --model guess" in caught.value.remedy


def test_a_model_that_must_be_trained_first_says_so(tmp_path: Path) -> None:
    registry = registry_with()
    with pytest.raises(ConfigError, match="knows nothing before it is trained"):
        score(tmp_path, registry, "parity", model="oracle")


def test_a_model_that_claims_to_train_and_cannot_is_its_plugins_fault(tmp_path: Path) -> None:
    class Claims(Tasks):
        @hookimpl
        def glueharness_models(self) -> list[ModelSpec]:
            return [dataclasses.replace(GUESS, trains=True)]

    registry = Registry(small_plugins(Claims()))
    with pytest.raises(PluginError, match="has no fit, save and load"):
        train(tmp_path, registry, model="guess")


def test_the_suite_takes_a_model_that_does_not_train() -> None:
    from glueharness.testing.checking import run_suite

    given = {"model": GUESS, "registry": registry_with()}
    found = {each.check: each for each in run_suite("model guess", ModelConformance, given)}
    assert not [each for each in found.values() if each.result == "failed"]
    assert found["saved and loaded it is the same"].reason == (
        "a model that does not train saves nothing"
    )
    claims = {**given, "model": dataclasses.replace(GUESS, trains=True)}
    failed = {
        each.check: each.reason
        for each in run_suite("model guess", ModelConformance, claims)
        if each.result == "failed"
    }
    assert "says trains=False" in failed["its methods are there"]


# -- checkpoints that were fine-tuned elsewhere ------------------------------------------------


def colours(labels: Sequence[str] = LABELS) -> TaskSpec:
    return colour_task(
        labels=tuple(labels), sources=source(train=colour_rows(400), dev=colour_rows(200, seed=3))
    )


QUICK = {"precision": "fp32", "threads": "1", "offline": "true"}


@pytest.fixture(scope="module")
def fine_tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunRecord]:
    """A run of a small encoder, which has learnt something and not everything."""
    folder = tmp_path_factory.mktemp("fine-tuned")
    encoder = write_checkpoint(folder / "encoder")
    registry = registry_with(colours())
    record = train(
        folder / "runs", registry, "colours", model=f"hf:{encoder}", learning_rate="3e-3",
        epochs="4", batch_size="16", **QUICK,
    )  # fmt: skip
    return folder / "runs", record


@pytest.mark.parametrize("order", [LABELS, LABELS[::-1]])
def test_a_saved_model_gets_the_score_of_its_run_to_the_last_digit(
    fine_tuned: tuple[Path, RunRecord], tmp_path: Path, order: Sequence[str]
) -> None:
    runs, trained = fine_tuned
    assert 0.5 < (trained.primary or 0) < 1
    folder = tmp_path / "copy"
    folder.mkdir()
    for file in (runs / trained.id / "model").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    registry = registry_with(colours(order))
    record = score(tmp_path, registry, "colours", model=f"hf:{folder}", **QUICK).record
    assert record.metrics == trained.metrics
    before, now = (
        read_predictions(path, each, "dev").values
        for path, each in ((runs / trained.id, trained), (tmp_path / record.id, record))
    )
    assert before == now
    assert record.computation is not None
    assert record.computation.model.weights.startswith("files ")
    assert "learning_rate" not in record.computation.model.settings
    assert "learning_rate" not in record.settings


def test_the_run_itself_is_evaluated_without_its_pretrained_weights(
    fine_tuned: tuple[Path, RunRecord],
) -> None:
    runs, trained = fine_tuned
    (runs.parent / "encoder").rename(runs.parent / "elsewhere")
    try:
        registry = registry_with(colours())
        record = score(runs, registry, "colours", trained.id, device="cpu").record
    finally:
        (runs.parent / "elsewhere").rename(runs.parent / "encoder")
    assert record.metrics == trained.metrics
    assert record.computation is not None
    assert trained.computation is not None
    assert record.computation.model == trained.computation.model
    assert record.computation.system == trained.computation.system


def relabelled(folder: Path, names: Mapping[str, str] | None) -> Path:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["id2label"] = names
    config["label2id"] = {name: int(number) for number, name in (names or {}).items()}
    path.write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"0": "good", "1": "bad"}, "names other labels: good, bad; the labels of colours are"),
        ({"0": "LABEL_0", "1": "LABEL_1"}, "does not say what its outputs stand for"),
        ({"0": "entailment", "1": "neutral"}, "names other labels: entailment, neutral"),
    ],
)
def test_labels_that_do_not_fit_are_refused_in_a_sentence(
    tmp_path: Path, names: Mapping[str, str], said: str
) -> None:
    folder = relabelled(write_checkpoint(tmp_path / "model", labels=LABELS), names)
    with pytest.raises(ModelError, match=said) as caught:
        score(tmp_path, registry_with(colours()), "colours", model=f"hf:{folder}", **QUICK)
    assert "--head-labels" in caught.value.remedy
    assert not RunStore(tmp_path).all()


def test_the_user_can_say_what_unnamed_outputs_stand_for(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", labels=LABELS)
    registry = registry_with(colours())
    named = score(tmp_path, registry, "colours", model=f"hf:{folder}", **QUICK).record
    relabelled(folder, {"0": "LABEL_0", "1": "LABEL_1"})
    told = {"model": f"hf:{folder}", "head_labels": ", ".join(LABELS), **QUICK}
    assert score(tmp_path, registry, "colours", **told).record.metrics == named.metrics
    swapped = {**told, "head_labels": ",".join(LABELS[::-1])}
    other = score(tmp_path, registry, "colours", **swapped).record
    assert other.primary == pytest.approx(1 - (named.primary or 0))
    with pytest.raises(ModelError, match="names 3 outputs, and the checkpoint has 2"):
        score(tmp_path, registry, "colours", **{**told, "head_labels": "a,b,c"})


def test_an_encoder_that_was_never_fine_tuned_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "encoder")
    with pytest.raises(ModelError, match=r"is not fine-tuned: it has no classifier\.") as caught:
        score(tmp_path, registry_with(colours()), "colours", model=f"hf:{folder}", **QUICK)
    assert "glueharness run colours" in caught.value.remedy


def test_a_head_with_more_outputs_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "model", labels=(*LABELS, "neutral"))
    with pytest.raises(ModelError, match="has 3 outputs, the task 2"):
        score(tmp_path, registry_with(colours()), "colours", model=f"hf:{folder}", **QUICK)


def test_weights_that_are_away_are_no_fresh_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ModelError, match="could not be found"):
        score(tmp_path, registry_with(colours()), "colours", model="bert-tiny", **QUICK)


# -- several commands ----------------------------------------------------------------------------


def command(folder: Path, registry: Registry, *words: str, code: int = 0) -> None:
    with pytest.raises(SystemExit) as end:
        main([*words, "--runs-dir", str(folder)], App(registry))
    assert (end.value.code or 0) == code


def test_no_command_sends_the_user_in_a_circle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = registry_with()
    command(tmp_path, registry, "leaderboard", "large")
    assert "glueharness run large" in capsys.readouterr().out
    command(tmp_path, registry, "evaluate", "large", code=1)
    assert "glueharness run parity" in capsys.readouterr().err
    train(tmp_path, registry)
    command(tmp_path, registry, "leaderboard", "large")
    assert "glueharness evaluate large" in capsys.readouterr().out
    command(tmp_path, registry, "run", "large", "--model", "oracle", "--seeds", "42,43")
    out, err = capsys.readouterr()
    assert "large has no training data: it is scored with a run of parity" in err
    assert "100.00 ± 0.00" in out
    command(tmp_path, registry, "evaluate", "large", "--run", "latest", code=1)
    assert "whose model it scored" in capsys.readouterr().err
    command(tmp_path, registry, "predict", "large", "--digits", "number 7")
    assert "odd" in capsys.readouterr().out
    command(tmp_path, registry, "leaderboard", "large", "--json")
    (table,) = json.loads(capsys.readouterr().out)["sections"]
    # One row: the runs of two seeds that learnt parity, each scored on the other task.
    (row,) = table["rows"]
    assert row["seeds"] == [42, 43]


def test_evaluations_stand_among_the_runs_that_were_scored_on_the_same_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = registry_with()
    train(tmp_path, registry, error_every="5")
    score(tmp_path, registry, "parity", model="guess")
    command(tmp_path, registry, "leaderboard", "parity")
    out = capsys.readouterr().out
    assert out.count("Parity · dev · n = 10") == 1
    assert out.index("oracle") < out.index("guess")
    assert "evaluated: it was trained already and only scored" in out


# -- a model behind a server ---------------------------------------------------------------------


class Server(BaseHTTPRequestHandler):
    """Answers as the docs' zero-shot model asks; it reads the number in the text."""

    version = "1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer: dict[str, Any] = {"version": self.version}
        if "texts" in asked:
            right = [PARITY[int(texts[0].split()[1]) % 2] for texts in asked["texts"]]
            answer = {
                "scores": [[float(name == each) for name in asked["labels"]] for each in right]
            }
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


def zero_shot(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The plugin of the page."""
    page = ROOT / "docs" / "evaluate.md"
    (body,) = [block.body for block in blocks_of(page) if block.file == "zero_shot.py"]
    assert len(body.splitlines()) <= 40
    (folder / "zero_shot_of_the_page.py").write_text(body, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "zero_shot_of_the_page", raising=False)
    return importlib.import_module("zero_shot_of_the_page")


def test_a_model_behind_a_server_is_evaluated(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = small_plugins(Tasks())
    plugins.register(zero_shot(tmp_path, monkeypatch), "zero shot")
    registry = Registry(plugins)
    given = {"model": "zero-shot", "url": server}
    first = score(tmp_path, registry, "parity", **given)
    assert first.record.metrics == {"dev": {"accuracy": 1.0}}
    assert first.record.computation is not None
    assert first.record.computation.model.weights == "1"
    assert score(tmp_path, registry, "large", **given).record.primary == 1.0
    assert score(tmp_path, registry, "parity", **given).reused
    monkeypatch.setattr(Server, "version", "2")
    assert not score(tmp_path, registry, "parity", **given).reused


def test_a_server_that_is_away_is_told_before_there_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = small_plugins(Tasks())
    plugins.register(zero_shot(tmp_path, monkeypatch), "zero shot")
    with pytest.raises(ModelError, match="the server gives no answer"):
        score(tmp_path, Registry(plugins), "parity", model="zero-shot", url="http://127.0.0.1:9")
    assert not RunStore(tmp_path).all()
