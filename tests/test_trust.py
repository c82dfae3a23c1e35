"""A number is what it says: what sets a run apart is told wherever the run is used."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from glueharness import (
    FRESH,
    DataOptions,
    DataOrigin,
    Fingerprint,
    MetricSpec,
    PluginError,
    SpecError,
    SplitSpec,
    Table,
    TaskSpec,
    hookimpl,
)
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.data.table import fingerprint
from glueharness.plugin.registry import Registry
from glueharness.record.run_file import RUN_FILE, read_record, write_record
from glueharness.record.store import RunStore
from glueharness.run.config import COMMAND_LINE, build_config
from glueharness.run.many_runs import run_plan
from glueharness.run.new_record import describe_split
from glueharness.run.one_run import run
from glueharness.run.plan import PlanRequest, build_plan
from glueharness.run.prepare import UsedSplit
from glueharness.run.resume import settings_of_run
from glueharness.run.trained_model import load_trained
from glueharness.settings.fields import Layer
from glueharness_glue.tasks import TASKS
from tests.small_task import SmallPlugin, parity, rows, small_plugins
from tests.test_identity import Trial
from tests.toy_group import GroupPlugin

if TYPE_CHECKING:
    from pathlib import Path

    from glueharness.record.record import RunRecord

# Data are what they claim -------------------------------------------------------------------


def standing(split: Table, true: Table, *, known: bool = True, **origin_facts: Any) -> str:
    """What is said of a split where ``true`` are the official rows."""
    print_of = fingerprint(true, parity()) if known else ""
    dev = SplitSpec(name="dev", role="dev", rows=len(true), fingerprint=print_of)
    train, _, test = parity().splits
    task = parity(splits=(train, dev, test))
    origin = DataOrigin(source="made", location="here", **origin_facts)
    return describe_split(task, "dev", UsedSplit(whole=split, used=split), origin).standing


def altered(table: Table) -> Table:
    texts = ["number 0 ", *list(table["text"])[1:]]
    return Table({**{name: table[name] for name in table.column_names}, "text": texts})


def test_what_the_rows_are_is_judged_by_their_fingerprint() -> None:
    official = rows(10)
    assert standing(rows(10), official) == "official"
    assert standing(altered(rows(10)), official) == "altered"
    assert standing(rows(9), official) == "partial"
    assert standing(rows(10), official, sample=True) == "sample"
    assert standing(rows(10), official, known=False) == "not known"
    assert standing(rows(10), official, known=False, official=True) == "official"
    # The source may vouch for what nobody knows, and for nothing that is known to be otherwise.
    assert standing(altered(rows(10)), official, official=True) == "altered"


KNOWN = {
    "qnli": (1, 1), "rte": (1, 2), "cola": (1, 2), "stsb": (1, 2), "mnli": (0, 1), "ax": (1, 0),
}  # fmt: skip


@pytest.mark.real_data
def test_the_official_files_are_official(glue_data: Path) -> None:
    registry = Registry()
    from glueharness.data.opening import open_data

    checked = 0
    for task in TASKS:
        options = DataOptions(source="dir", folder=glue_data, offline=True)
        if not (glue_data / {"cola": "CoLA", "stsb": "STS-B"}.get(task.name, task.title)).is_dir():
            continue
        opened = open_data(task, options, registry.sources_for(task))
        for split in task.splits:
            if split.fingerprint and split.name in opened.data.available:
                found = opened.load(split.name)
                if len(found) == split.rows:
                    assert fingerprint(found, task) == split.fingerprint, (task.name, split.name)
                    checked += 1
    assert checked >= 10


def test_every_fingerprint_has_the_form_of_one() -> None:
    known = [split.fingerprint for task in TASKS for split in task.splits if split.fingerprint]
    assert len(set(known)) == len(known) == 22
    assert all(len(text) == 16 and int(text, 16) for text in known)


# Marks ---------------------------------------------------------------------------------------


def do_run(runs: Path, plugin: SmallPlugin, task: str = "parity", **given: Any) -> RunRecord:
    registry = Registry(small_plugins(plugin))
    values = {"model": "oracle", "runs_dir": str(runs), **given}
    config = build_config(task, [Layer(origin=COMMAND_LINE, values=values)], registry)
    return run(config, registry).record


def command(words: list[str], plugin: SmallPlugin, capsys: Any, code: int = 0) -> tuple[str, str]:
    with pytest.raises(SystemExit) as end:
        main(words, App(Registry(small_plugins(plugin))))
    out, err = capsys.readouterr()
    assert (end.value.code or 0) == code, out + err
    return out, err


def test_a_fresh_run_is_marked_and_not_submitted_of_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLUEHARNESS_RUNS", str(tmp_path / "runs"))
    fresh = Trial(fingerprint=Fingerprint(weights=FRESH))
    record = do_run(tmp_path / "runs", fresh)
    assert record.marks == ("fresh",)
    assert "fresh" in command(["runs"], fresh, capsys)[0]
    out, _ = command(["leaderboard", "parity", "--format", "csv"], fresh, capsys)
    assert "fresh" in out
    output = str(tmp_path / "out")
    _, err = command(["submit", "parity", "--output", output], fresh, capsys, code=1)
    assert "1 from fresh weights" in err
    assert "--run ID" in err
    _, err = command(["submit", "parity", "--run", record.id, "--output", output], fresh, capsys)
    assert "marked fresh" in err
    weights = Trial(fingerprint=Fingerprint(weights="files 1"))
    better = do_run(tmp_path / "runs", weights, error_every="3")
    out, _ = command(["submit", "parity", "--output", output], weights, capsys)
    assert better.id in out  # though the fresh one has a higher score
    assert "1 from fresh weights" in " ".join(out.split())
    out, _ = command(["leaderboard", "parity", "--format", "csv", "--by", "run"], weights, capsys)
    ranked = {line.split(",")[0] for line in out.splitlines()[1:]}
    assert ranked  # fresh and pretrained runs stand in tables of their own
    found = json.loads(command(["leaderboard", "parity", "--json"], weights, capsys)[0])
    assert len(found["sections"]) == 2


def test_altered_data_are_told_when_the_run_begins_and_wherever_it_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLUEHARNESS_RUNS", str(tmp_path / "runs"))
    task = parity()
    splits = tuple(
        dataclasses.replace(split, fingerprint="0" * 16) if split.role == "dev" else split
        for split in task.splits
    )
    plugin = Trial(parity(splits=splits))
    _, err = command(["run", "parity", "--model", "oracle"], plugin, capsys)
    assert "The rows of dev are not the official ones" in " ".join(err.split())
    out, _ = command(["runs", "show", "latest"], plugin, capsys)
    assert "altered" in out
    out, _ = command(["leaderboard", "parity", "--format", "csv"], plugin, capsys)
    assert "altered" in out
    _, err = command(["submit", "parity", "--output", str(tmp_path / "out")], plugin, capsys)
    assert "marked altered" in err


def test_a_metric_that_is_not_a_number_ends_the_run(tmp_path: Path) -> None:
    class NoNumber:
        def compute(self, *, predictions: Any, references: Any) -> dict[str, float]:
            return {"accuracy": float("nan") * len(predictions) * len(references)}

    metric = MetricSpec(name="accuracy", title="Accuracy", factory=lambda _task: NoNumber())
    with pytest.raises(PluginError, match="gave nan, outside of its bounds"):
        do_run(tmp_path, Trial(parity(metrics=(metric,))))
    (record,) = RunStore(tmp_path).all()
    assert record.status == "failed"


# Where another run is taken ------------------------------------------------------------------


class Pair(SmallPlugin):
    """Two tasks, of which one starts from the other, and a model that takes weights."""

    @hookimpl
    def glueharness_tasks(self) -> list[TaskSpec]:
        """The small task twice."""
        return [parity(), parity(name="parity2", starts_from="parity", sources=_second().sources)]


def _second() -> TaskSpec:
    from tests.small_task import MemoryData, MemorySource

    class Second(MemorySource):
        def open(self, task: Any, options: Any) -> MemoryData:
            assert task.name == "parity2"
            return super().open(parity(), options)

    spec = dataclasses.replace(parity().sources[0], factory=Second)
    return parity(sources=(spec,))


def test_the_marks_of_a_parent_are_the_childs_too(tmp_path: Path) -> None:
    from glueharness import ModelSpec, setting
    from tests.small_task import Oracle, OracleSettings

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class WithWeights(OracleSettings):
        weights: str = setting("", help="Folder to start from.", changes_result=False)

    class Starting(Pair):
        @hookimpl
        def glueharness_models(self) -> list[ModelSpec]:
            return [
                ModelSpec(
                    name="oracle", description="Knows.", settings=WithWeights,
                    factory=lambda context: Oracle(context.settings),
                )
            ]  # fmt: skip

    registry = Registry(small_plugins(Starting()))
    values = {"model": "oracle", "runs_dir": str(tmp_path)}
    layers = [Layer(origin=COMMAND_LINE, values={**values, "limit_train": "10"})]
    run(build_config("parity", layers, registry), registry)
    said: list[str] = []
    request = PlanRequest(
        names=["parity2"], layers=[Layer(origin=COMMAND_LINE, values=values)], init_from="parity"
    )
    plan = build_plan(request, registry)
    (outcome,) = run_plan(plan, registry, lambda _place, _config: None, said.append)
    assert outcome.record is not None, outcome.error
    assert outcome.record.marks == ("limited parent",)
    assert outcome.record.parent is not None
    assert "starts from run" in said[0]
    assert "marked limited" in said[0]


def test_of_a_group_one_model_is_submitted_unless_told_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLUEHARNESS_RUNS", str(tmp_path / "runs"))
    plugins = small_plugins()
    plugins.register(GroupPlugin(), "toys")
    registry = Registry(plugins)

    def call(*words: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as end:
            main(list(words), App(registry))
        assert (end.value.code or 0) == code, capsys.readouterr()
        out, err = capsys.readouterr()
        return " ".join((out + err).split())

    call("run", "evenness", "--model", "oracle")
    call("run", "evenness", "--model", "majority")
    call("run", "height", "--model", "majority")
    output = ("--output", str(tmp_path / "out"))
    said = call("submit", "toys", *output)
    assert "all files come from majority, which has runs of 2 of 2 tasks" in said
    assert "evenness-oracle" not in said
    assert "filler" not in said
    said = call("submit", "toys", "--mix", *output)
    assert "run evenness-oracle" in said
    assert "run height-majority" in said
    said = call("submit", "toys", "--model", "oracle", *output)
    assert "filler Height.tsv: there is no run of height with oracle" in said
    assert "with oracle and seed 7" in call(
        "submit", "evenness", "--model", "oracle", "--seed", "7", *output, code=1
    )


# Consent -------------------------------------------------------------------------------------


def test_consent_is_never_taken_from_a_record(tmp_path: Path) -> None:
    from glueharness import ModelContext, ModelSpec, setting
    from tests.small_task import Oracle, OracleSettings

    seen: list[bool] = []

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Daring(OracleSettings):
        run_its_code: bool = setting(False, help="Run what came with it.", consent=True)

    class Plugin(SmallPlugin):
        @hookimpl
        def glueharness_models(self) -> list[ModelSpec]:
            def make(context: ModelContext) -> Oracle:
                seen.append(context.settings.run_its_code)
                return Oracle(context.settings)

            return [ModelSpec(name="oracle", description="Dares.", settings=Daring, factory=make)]

    record = do_run(tmp_path, Plugin(), run_its_code="true")
    assert record.settings["run_its_code"].value is True
    registry, store = Registry(small_plugins(Plugin())), RunStore(tmp_path)
    load_trained(store, record, registry)
    load_trained(store, record, registry, consents={"run_its_code": True})
    assert seen == [True, False, True]
    layers = settings_of_run(record, registry)
    assert not any("run_its_code" in layer.values for layer in layers)


# Old records ---------------------------------------------------------------------------------


def test_a_record_of_schema_1_is_read_and_says_what_it_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLUEHARNESS_RUNS", str(tmp_path))
    record = do_run(tmp_path, Trial())
    file = tmp_path / record.id / RUN_FILE
    values = json.loads(file.read_text(encoding="utf-8"))
    for name in ("computation", "seals", "parent"):
        del values[name]
    for split in values["data"]["splits"].values():
        del split["standing"]
    values |= {"schema": 1, "identity": "0123456789abcdef"}
    values["notes"]["checkpoint"] = {"fresh": True}
    file.write_text(json.dumps(values), encoding="utf-8")
    old = read_record(tmp_path / record.id)
    assert old.computation is None
    assert old.metrics == record.metrics
    assert old.marks == ("fresh",)
    out, _ = command(["runs", "show", "latest"], Trial(), capsys)
    assert "of schema 1" in " ".join(out.split())
    assert "not sealed" in command(["runs", "verify", "latest"], Trial(), capsys)[0]
    assert do_run(tmp_path, Trial()).id != record.id  # nobody knows whether it is the same
    write_record(tmp_path / record.id, old)
    assert read_record(tmp_path / record.id) == old


def test_predictions_whose_seal_was_taken_out_of_the_record_are_told_by_the_board(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLUEHARNESS_RUNS", str(tmp_path))
    record = do_run(tmp_path, Trial())
    with pytest.raises(SystemExit):
        main(["leaderboard", "--by", "run"])
    assert "seal" not in capsys.readouterr().err
    file = tmp_path / record.id / RUN_FILE
    values = json.loads(file.read_text(encoding="utf-8"))
    del values["seals"]["predictions/dev.parquet"]
    file.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["leaderboard", "--by", "run"])
    err = " ".join(capsys.readouterr().err.split())
    assert "the seal is broken: that of predictions/dev.parquet is gone from the record" in err


# Specs that contradict themselves -------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "my task"}, "one lower-case word"),
        ({"labels": (0, 1)}, "a label must be a str, not the int 0"),
        ({"labels": (["a"], ["b"])}, "a label must be a str, not the list"),
        ({"splits": ({"name": "dev"},)}, "a split must be a SplitSpec, not the dict"),
        ({"metrics": ("accuracy",)}, "a metric must be a MetricSpec, not the str"),
    ],
)
def test_a_spec_that_cannot_be_meant_is_refused_when_it_is_made(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        parity(**changes)


def test_a_task_that_leans_on_what_is_not_there_is_refused_and_told() -> None:
    test = SplitSpec(name="test", role="test", rows=6)
    registry = Registry(small_plugins(Trial(parity(trained_on="mnly", splits=(test,)))))
    status = registry.plugins.statuses["small"]
    assert "parity" not in registry.tasks.items
    assert "trained on 'mnly', which is no task, did you mean 'mnli'?" in status.problems[0].what
    registry = Registry(small_plugins(Trial(parity(group="gleu", starts_from="nowhere"))))
    told = [problem.what for problem in registry.plugins.statuses["small"].problems]
    assert any("names the group 'gleu', did you mean 'glue'?" in what for what in told)
    assert any("starts from 'nowhere', which is no task" in what for what in told)
    assert "parity" in registry.tasks.items


def test_a_stranger_takes_no_task_out_of_use(capsys: pytest.CaptureFixture[str]) -> None:
    plugin = Trial(parity(name="qnli"))
    registry = Registry(small_plugins(plugin))
    assert registry.task("qnli").title == "QNLI"
    (problem,) = registry.plugins.statuses["small"].problems
    assert "the task 'qnli' is not in use: plugin 'glue'" in problem.what
    assert problem.remedy == "To take this one instead: --prefer small"
    assert not registry.plugins.statuses["glue"].problems
    preferring = Registry(small_plugins(plugin), prefer=("small",))
    assert preferring.task("qnli").title == "Parity"
    assert "--prefer glue" in preferring.plugins.statuses["glue"].problems[0].remedy
    with pytest.raises(SystemExit):
        main(["--prefer", "glue", "tasks", "show", "qnli"])
    assert "QNLI" in capsys.readouterr().out


def test_the_sample_is_announced_by_one_panel_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SystemExit):
        main(["run", "rte", "wnli", "cola", "--model", "majority", "--runs-dir", str(tmp_path)])
    err = capsys.readouterr().err
    assert err.count("This run uses the bundled sample") == 1
    assert err.count("data: the bundled sample") == 2


def test_a_score_on_the_training_rows_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "both.csv"
    file.write_text("text,label\n" + "".join(f"row {n},{'ab'[n % 2]}\n" for n in range(20)))
    with pytest.raises(SystemExit) as end:
        main(["run", "--train-file", str(file), "--dev-file", str(file), "--model", "majority",
              "--runs-dir", str(tmp_path / "runs")])  # fmt: skip
    assert end.value.code == 1
    assert not list(tmp_path.glob("runs/*/run.json"))
