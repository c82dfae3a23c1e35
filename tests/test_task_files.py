"""Tasks without code: what a TOML file can say, and what is said of one that is wrong."""

from __future__ import annotations

import io
import json
import os
import pickle
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glueharness import CsvForm, DataError, DataOptions, FileForm, SpecError, TaskSpec
from glueharness.data.opening import open_data
from glueharness.plugin.choice import PluginChoice
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry
from glueharness.run.config import build_config
from glueharness.run.one_run import run
from glueharness.settings.fields import Layer
from glueharness.testing.checking import check_plugin
from tests.hub_runs import NOWHERE, python
from tests.hub_stand_in import Repository, running
from tests.installing import call
from tests.task_files import BOOLQ, COPA, PAIRS, TASKS, facts_of, write_lines, write_task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration folder of the test's own."""
    monkeypatch.setenv("GLUEHARNESS_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("GLUE_DATA_DIR", raising=False)


def registry_of(path: Path) -> Registry:
    return Registry(load_plugins(choice=PluginChoice(files=(path,))))


def task_of(path: Path) -> tuple[TaskSpec, Registry]:
    registry = registry_of(path)
    (name,) = registry.offers(registry.plugins.statuses[path.stem])["tasks"]
    return registry.task(name), registry


def rows_of(path: Path, split: str, folder: Path | None = None) -> dict[str, Sequence[Any]]:
    task, registry = task_of(path)
    data = open_data(task, DataOptions(folder=folder), registry.sources_for(task))
    loaded = data.load(split)
    return {name: loaded[name] for name in loaded.column_names}


def refusal(folder: Path, text: str) -> str:
    path = folder / "task.toml"
    path.write_text(text, encoding="utf-8")
    status = registry_of(path).plugins.statuses["task"]
    assert status.state == "failed"
    return f"{status.error}\n{status.remedy}".replace(str(path), "task.toml")


@pytest.mark.parametrize("name", TASKS)
def test_a_file_of_at_most_25_lines_makes_a_task_that_passes_every_check(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_task(name, tmp_path)
    assert len(path.read_text().splitlines()) <= 25
    task, registry = task_of(path)
    assert pickle.loads(pickle.dumps(task)).name == task.name  # noqa: S301 - made just now
    outcomes = [*check_plugin(registry.plugins.statuses[name], registry)]
    assert [outcome for outcome in outcomes if outcome.result == "failed"] == []
    checked = {outcome.check for outcome in outcomes if outcome.result == "passed"}
    if name != "cb":  # its data are wherever the user says
        assert "every column reaches the model" in checked
    assert "it imports nothing heavy to describe itself" in checked
    monkeypatch.chdir(tmp_path)
    given = {"model": "majority" if name != "similar" else "tfidf", "runs_dir": "runs",
             "data_dir": str(tmp_path)}  # fmt: skip
    record = run(build_config(task.name, [Layer(origin="test", values=given)], registry),
                 registry).record  # fmt: skip
    assert record.status == "completed"
    assert record.computation is not None
    assert record.computation.task.code == registry.plugins.statuses[name].code
    assert record.computation.task.code.startswith("file ")


def test_boolq_has_its_truth_values_as_labels(tmp_path: Path) -> None:
    path = write_task("boolq", tmp_path)
    rows = rows_of(path, "dev")
    assert list(rows["label"]) == ["false", "true"] * 8
    assert rows["question"][1] == "is door 41 open at night"
    assert "label" not in rows_of(path, "test")


def test_wic_shows_the_word_before_its_sentence(tmp_path: Path) -> None:
    rows = rows_of(write_task("wic", tmp_path), "train")
    assert rows["first"][:2] == ["w0: The w0 is old 0.", "w1: The w1 is new 1."]
    assert rows["second"][1] == "A w1 stays alike 1."
    assert rows["label"][:2] == ["different", "same"]


def test_copa_has_two_rows_for_each_question_which_belong_together(tmp_path: Path) -> None:
    path = write_task("pairs", tmp_path)
    rows = rows_of(path, "train")
    assert rows["choice"][:4] == [
        "wet floor 0",
        "dry wall and roof 0",
        "dry wall and roof 1",
        "wet floor 2",
    ]
    assert rows["premise"][0] == "Cup 0 fell. What was the cause?"
    assert rows["label"][:4] == ["right", "wrong", "wrong", "right"]
    assert rows["idx"][:4] == ["0", "0", "1", "1"]
    assert len(rows_of(path, "test")["choice"]) == 16
    assert task_of(path)[0].primary.unit == "idx"


def test_copa_has_choices_whose_names_are_labels(tmp_path: Path) -> None:
    path = write_task("copa", tmp_path)
    task, registry = task_of(path)
    assert (task.choices, task.labels) == (("choice1", "choice2"), ("choice1", "choice2"))
    assert task.context == ("premise",)
    rows = rows_of(path, "train")
    assert rows["label"][:2] == ["choice1", "choice2"]
    assert rows["choice2"][:2] == ["dry wall and roof 0", "wet floor 2"]
    given = {"model": "tfidf", "runs_dir": str(tmp_path / "runs")}
    record = run(build_config("copa", [Layer(origin="test", values=given)], registry),
                 registry).record  # fmt: skip
    table = pq.read_table(tmp_path / "runs" / record.id / "predictions" / "dev.parquet")
    assert table.column_names[-2:] == ["score:choice1", "score:choice2"]
    assert record.primary is not None
    assert record.primary > 0.7


@pytest.mark.parametrize(
    ("text", "old", "new", "said"),
    [
        (COPA, 'choices = ["choice1", "choice2"]\n', "",
         "task.toml: it says neither labels nor score_range"),
        (COPA, 'choices = ["choice1", "choice2"]', 'choices = ["choice2", "choice1"]',
         "task.toml:5: task 'copa': the choices must be the last of the columns"),
        (COPA, 'metrics =', 'labels = ["a", "b", "c"]\nmetrics =', "task.toml:14: the task has no"),
        (COPA, '"choice1", 1 = "choice2"', '"first"',
         "task.toml:13: the task has no label 'first'"),
        (PAIRS, 'unit = "idx"', "", "task.toml:6: exact_match needs to know which rows belong"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_choices_and_units_is_told(
    text: str, old: str, new: str, said: str, tmp_path: Path
) -> None:
    assert text.count(old) == 1
    assert said in refusal(tmp_path, text.replace(old, new))


def test_cb_lies_below_the_folder_that_the_user_gives(tmp_path: Path) -> None:
    path = write_task("cb", tmp_path)
    assert rows_of(path, "dev", tmp_path)["label"][:3] == ["contradiction", "neutral", "entailment"]
    with pytest.raises(DataError, match=r"none of train\.jsonl, val\.jsonl, test\.jsonl is in"):
        rows_of(path, "dev", tmp_path / "CB")


def test_headings_label_words_and_quotes_of_a_csv_file(tmp_path: Path) -> None:
    rows = rows_of(write_task("own", tmp_path), "dev")
    assert rows["text"][1] == 'a "good" day; 1'
    assert list(rows["label"][:2]) == ["unhappy", "happy"]


def test_scores_of_a_parquet_file_and_a_split_with_a_role(tmp_path: Path) -> None:
    path = write_task("similar", tmp_path)
    assert list(rows_of(path, "check")["label"][:2]) == [4.5, 1.5]
    assert task_of(path)[0].split("train").rows == 40
    assert task_of(path)[0].splits_of("dev")[0].name == "check"


def test_a_changed_file_is_another_identity(tmp_path: Path) -> None:
    path = write_task("boolq", tmp_path)
    before = registry_of(path).plugins.statuses["boolq"].code
    assert registry_of(path).plugins.statuses["boolq"].code == before
    path.write_text(path.read_text().replace('["false", "true"]', '["true", "false"]'))
    assert registry_of(path).plugins.statuses["boolq"].code != before


PLAIN = """\
title = "Plain"
description = "A plain task."
columns = ["text"]
labels = ["a", "b"]
metrics = ["accuracy"]
licence = "CC0-1.0"
[source]
kind = "csv"
[splits]
train = "train.csv"
dev = "dev.csv"
"""
_TOLD = "which has the label: a model would be told the answer"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "csv"', 'kind = "csv"\ncolumns = { text = "label" }',
         f"task.toml:9: text is made of the field 'label', {_TOLD}"),
        ('kind = "csv"', 'kind = "csv"\ncolumns = { text = "{text} {label}" }', _TOLD),
        ('kind = "csv"', 'kind = "csv"\ncolumns = { text = "gold", label = "gold" }',
         f"text is made of the field 'gold', {_TOLD}"),
        ('kind = "csv"',
         'kind = "csv"\n[[source.rows]]\ncolumns = { text = "{x} {y}", label = "y" }', _TOLD),
        ("licence", 'unit = "label"\nlicence', "takes rows of one label for rows that belong"),
        ('title = "Plain"', 'name = "all"', "task.toml:1: task 'all': the name 'all' means"),
        ("licence", 'trained_on = "task"\nlicence',
         "it is trained on 'task', which has no training data either"),
        ("licence", 'trained_on = "ax"\nlicence',
         "it is trained on 'ax', which has no training data either"),
        ('"b"]', f'"{"b" * 1001}"]', "has more than 1000 characters"),
        ('dev = "dev.csv"', 'dev = { file = "dev.csv", rows = 99999999999999999 }',
         "cannot have 99999999999999999 rows"),
        ("licence", f'version = "{"v" * 201}"\nlicence', "version has more than 200 characters"),
        ('labels = ["a", "b"]\nmetrics = ["accuracy"]',
         'score_range = [0, inf]\nmetrics = ["pearson"]', "score_range must be two numbers"),
        ('labels = ["a", "b"]\nmetrics = ["accuracy"]',
         'score_range = [-1e16, 1]\nmetrics = ["pearson"]', "score_range must be two numbers"),
    ],
)  # fmt: skip
def test_what_a_task_cannot_be_is_said_before_anything_runs(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "train.csv").write_text("text,label,gold\nx,a,a\ny,b,b\n")
    (tmp_path / "dev.csv").write_text("text,label,gold\nz,a,a\nw,b,b\n")
    assert old in PLAIN
    path = tmp_path / "task.toml"
    path.write_text(PLAIN.replace(old, new))
    plugins = load_plugins(choice=PluginChoice(files=(path,)))
    registry = Registry(plugins)
    assert not {"task", "all"} & set(registry.tasks.items)
    told = [str(problem.what) for _, problem in plugins.reports]
    assert any(said in " ".join(text.split()) for text in told), told


def test_a_text_that_is_the_answer_is_refused_in_python_too() -> None:
    for form, columns in (
        (FileForm, {"text": "label"}),
        (CsvForm, {"text": "gold", "label": "gold"}),
    ):
        with pytest.raises(SpecError, match="would be told the answer"):
            form(columns=columns)
    assert FileForm(columns={"text": "label", "label": "gold"})


def test_of_two_files_with_one_name_the_way_out_is_no_uninstalling(tmp_path: Path) -> None:
    paths = tmp_path / "one.toml", tmp_path / "two.toml"
    for path in paths:
        path.write_text(f'name = "same"\n{PLAIN}')
    plugins = load_plugins(choice=PluginChoice(files=paths))
    Registry(plugins)
    (remedy,) = {problem.remedy for _, problem in plugins.reports}
    assert remedy == "Leave one out: --no-plugin two, or give it another name in its file."


def test_many_labels_do_not_fill_the_screen(tmp_path: Path) -> None:
    labels = [f"label {number}" for number in range(1000)]
    (tmp_path / "train.csv").write_text("text,label\nx,a\n")
    path = tmp_path / "task.toml"
    path.write_text(PLAIN.replace('["a", "b"]', json.dumps(labels)))
    with pytest.raises(DataError) as caught:
        rows_of(path, "train")
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("labels =", "lables =", "task.toml:5: there is no key 'lables', did you mean 'labels'?"),
        ('kind = "jsonl"', 'kind = "json"', "task.toml:10: there is no kind of source called"),
        ('kind = "jsonl"', 'kind = "json"', "did you mean 'jsonl'?\nKinds are csv, tsv, jsonl,"),
        ('folder = "B', 'delimiter = "B', "there is no key 'delimiter' in [source]"),
        ('"accuracy"', '"acuracy"',
         "task.toml:6: there is no metric 'acuracy', did you mean 'accuracy'?"),
        ('"accuracy"', '"pearson"', "task.toml:6: pearson is no metric of a task with labels"),
        ('["accuracy"]', '"accuracy"', 'metrics must be a list of texts: metrics = ["accuracy"]'),
        ('["question", "passage"]', '["question", "my passage"]',
         "task.toml:4: task 'boolq': a column cannot be called 'my passage'; use one word"),
        ('["false", "true"]', '["false"]', "task.toml:5: task 'boolq': labels must be at least"),
        ('["false", "true"]', '[0, 1]', "task.toml:5: labels must be a list of texts"),
        ('title = "BoolQ"', "title = 5", 'task.toml:2: title is 5; it must be a text: title = "'),
        ('dev = "val', 'holdout = "val', "task.toml:15: split 'holdout' has no role"),
        ('dev = "val.jsonl"', 'dev = { file = "v", roll = "dev" }', "did you mean 'role'?"),
        ('dev = "val.jsonl"', 'dev = { rows = 3 }', "task.toml:15: [splits.dev] says no file"),
        ("[splits]", "[split]", "did you mean 'splits'?"),
        ('folder = "BoolQ"', 'columns = { txt = "a" }', "no key 'txt' in [source.columns]"),
        ('folder = "BoolQ"', 'labels = { 0 = "flase" }', "the task has no label 'flase', did you"),
        ('title = "BoolQ"', "title = ", "task.toml:2: not valid TOML: Invalid value"),
        ('title = "BoolQ"', f"x = {'1' * 5000}", "not valid TOML: Exceeds the limit"),
        ('name = "boolq"', 'name = "Bool Q"', "task.toml:1: task 'Bool Q': the name must be"),
        ('kind = "jsonl"', 'kind = "hub"\ndataset = "a/b"\nrevision = "main"', "'folder'"),
        ('folder = "BoolQ"', 'folder = "x"\n[[submission]]\nname = "B.tsv"\nsplit = "tset"',
         "B.tsv is made from split 'tset', which is not listed"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line_and_what_may_be_meant(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    text = BOOLQ.lstrip()
    assert text.count(old) == 1
    assert said in refusal(tmp_path, text.replace(old, new))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "task.toml: there is no [source]"),
        ("a" * (1 << 20) + "b", "task.toml: it has more than 1,048,576 bytes"),
        (f"{'a.' * 5000}b = 1", "task.toml:1: there is no key 'a'"),
        (f"a = {'[' * 9000}", "not valid TOML"),
    ],
)
def test_what_is_no_task_file_is_refused(text: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(tmp_path, text)


def test_a_pipe_and_a_suffix_that_nobody_reads_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "task.toml")
    done = call("--plugin", "task.toml", "tasks", folder=tmp_path)
    assert (done.returncode, "it is no regular file" in done.stderr) == (1, True)
    (tmp_path / "task.tmol").write_text("")
    status = registry_of(tmp_path / "task.tmol").plugins.statuses["task"]
    assert "no plugin reads files with the suffix '.tmol', did you mean 'toml'?" in status.error


@pytest.mark.parametrize(
    ("line", "where", "said"),
    [
        ({"question": "a", "passage": "b", "label": "maybe"}, ":2",
         "the label is 'maybe'; the labels of boolq are false, true"),
        ({"question": "a", "passage": "b", "label": "maybe"}, ":2",
         '"maybe" = "..." below [source.labels] in'),
        ({"question": "a", "passages": "b", "label": True}, ":2",
         "the record lacks passage; it has question, passages, label"),
        ({"question": "a", "passages": "b", "label": True}, ":2",
         'below [source.columns]: passage = "passages"'),
        ({"question": None, "passage": "b", "label": True}, ":2",
         "question is missing (null), which is not text"),
        ({"question": "a", "passage": "b", "label": None}, ":2", "the label is missing (null)"),
        ({"question": "a", "passage": "b", "label": [1]}, ":2", "the label is [1], which is no"),
    ],
)  # fmt: skip
def test_a_record_that_does_not_fit_is_named_with_file_and_line(
    line: dict[str, Any], where: str, said: str, tmp_path: Path
) -> None:
    path = write_task("boolq", tmp_path)
    good = {"question": "a", "passage": "b", "label": True}
    write_lines(tmp_path / "BoolQ" / "val.jsonl", [good, line])
    with pytest.raises(DataError) as caught:
        rows_of(path, "dev")
    assert caught.value.where == f"{tmp_path / 'BoolQ' / 'val.jsonl'}{where}"
    assert said in str(caught.value)


def test_a_template_whose_field_is_missing_is_told_with_the_line(tmp_path: Path) -> None:
    path = write_task("wic", tmp_path)
    write_lines(tmp_path / "WiC" / "val.jsonl", [{"word": "w", "sentence": "s", "label": True}])
    with pytest.raises(DataError, match=r"val\.jsonl:1: the record lacks 'sentence1'; it has word"):
        rows_of(path, "dev")


def test_check_takes_the_file_itself_and_says_what_is_wrong(tmp_path: Path) -> None:
    path = write_task("own", tmp_path)
    done = call("plugins", "check", str(path), folder=tmp_path)
    assert (done.returncode, "0 failed" in done.stdout) == (0, True), done.stdout + done.stderr
    path.write_text(path.read_text().replace("[splits]", "[split]"))
    done = call("plugins", "check", "own.toml", folder=tmp_path)
    assert (done.returncode, "did you mean" in done.stdout) == (1, True)


def test_a_trusted_folder_may_hold_task_files(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    write_task("own", tmp_path / "plugins")
    (tmp_path / "plugins" / "pyproject.toml").write_text("[project]\n")
    assert call("tasks", "show", "own", folder=tmp_path).returncode == 1
    assert call("plugins", "trust", folder=tmp_path).returncode == 0
    done = call("tasks", "show", "own", folder=tmp_path)
    assert (done.returncode, "Mood" in done.stdout, done.stderr) == (0, True, "")


def test_a_distribution_may_consist_of_task_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.metadata import EntryPoint, entry_points

    package = tmp_path / "site" / "glueharness_moods"
    package.mkdir(parents=True)
    write_task("own", package)
    write_task("boolq", package)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    point = EntryPoint("moods", "glueharness_moods", "glueharness")
    points = [*entry_points(group="glueharness"), point]
    registry = Registry(load_plugins(points, PluginChoice()))
    status = registry.plugins.statuses["moods"]
    assert status.reports == []
    assert registry.offers(status) == {"tasks": ["boolq", "own"]}
    before = status.code
    (package / "own.toml").write_text((package / "own.toml").read_text() + "# changed\n")
    again = Registry(load_plugins(points, PluginChoice())).plugins.statuses["moods"]
    assert again.code != before


HUB = f"""{
    facts_of(
        "Tone",
        description="Is the headline friendly?",
        columns=["text", "where"],
        labels=["friendly", "unfriendly"],
    )
}
[source]
kind = "hub"
dataset = "somebody/headlines"
revision = "{"a1" * 20}"
columns = {{ text = "Headline", where = "In {{paper}}.", label = "tone" }}
labels = {{ neg = "unfriendly", pos = "friendly" }}

[splits]
train = "train"
dev = "validation"
test = "test"
"""
READ = """
import json, sys
from pathlib import Path
from glueharness import DataOptions
from glueharness.data.opening import open_data
from glueharness.plugin.choice import PluginChoice
from glueharness.plugin.loading import load_plugins
from glueharness.plugin.registry import Registry

registry = Registry(load_plugins(choice=PluginChoice(files=(Path(sys.argv[1]),))))
task = registry.task("tone")
opened = open_data(task, DataOptions(), registry.sources_for(task))
origin = opened.data.origin
found = {"where": [origin.source, origin.location, origin.revision, origin.official]}
for split in opened.data.available:
    table = opened.load(split)
    found[split] = {name: list(table[name]) for name in table.column_names}
print(json.dumps(found))
"""


def headlines() -> Repository:
    """A data set in the hub's usual form: numbered labels, one configuration, a folder data."""
    files = {}
    for split, count in (("train", 6), ("validation", 4), ("test", 2)):
        buffer = io.BytesIO()
        columns = {
            "Headline": [f"headline {n}" for n in range(count)],
            "paper": ["Post"] * count,
            "tone": [-1 if split == "test" else n % 2 for n in range(count)],
        }
        pq.write_table(pa.table(columns), buffer)
        files[f"data/{split}-00000-of-00001.parquet"] = buffer.getvalue()
    names = {"class_label": {"names": {"0": "neg", "1": "pos"}}}
    features = [{"name": "Headline", "dtype": "string"}, {"name": "paper", "dtype": "string"},
                {"name": "tone", "dtype": names}]  # fmt: skip
    splits = [{"name": split, "num_bytes": 0, "num_examples": count}
              for split, count in (("train", 6), ("validation", 4), ("test", 2))]  # fmt: skip
    data_files = [{"split": split["name"], "path": f"data/{split['name']}-*"} for split in splits]
    card = {
        "configs": [{"config_name": "default", "data_files": data_files}],
        "dataset_info": {"features": features, "splits": splits},
    }
    files["README.md"] = f"---\n{json.dumps(card)}\n---\n".encode()
    return Repository("datasets", "somebody/headlines", "a1" * 20, files)


def test_a_data_set_of_the_hub_online_and_then_from_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "tone.toml"
    path.write_text(HUB)
    with running(headlines()) as hub:
        online = python("-c", READ, str(path), endpoint=hub.endpoint, home=tmp_path / "home")
    assert online.returncode == 0, online.stderr
    found = json.loads(online.stdout)
    assert found["where"] == ["hub", "somebody/headlines/default", "a1" * 20, True]
    assert found["dev"]["label"] == ["unfriendly", "friendly"] * 2
    assert found["train"]["text"][5] == "headline 5"
    assert found["test"] == {"index": [0, 1], "text": ["headline 0", "headline 1"],
                             "where": ["In Post."] * 2}  # fmt: skip
    offline = python("-c", READ, str(path), endpoint=NOWHERE, home=tmp_path / "home")
    assert offline.stdout == online.stdout, offline.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a1" * 20, "main", "the revision is 'main', which is no commit"),
        ("somebody/headlines", "../up/down", "is no data set's name"),
        ('kind = "hub"', 'kind = "hub"\nfolder = "x"', "there is no key 'folder' in [source]"),
    ],
)
def test_a_hub_data_set_must_be_named_and_pinned(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    assert said in refusal(tmp_path, HUB.replace(old, new))


ADVERSARIAL = f"""{
    facts_of(
        "Adversarial mood",
        name="adversarial",
        description="Is the customer happy, whatever was done to the text?",
        columns=["text"],
        labels=["unhappy", "happy"],
        trained_on="own",
    )
}
[source]
kind = "csv"

[splits]
dev = "adversarial.csv"
"""


def test_a_task_without_training_data_is_evaluated_with_another_tasks_model(tmp_path: Path) -> None:
    write_task("own", tmp_path)
    (tmp_path / "adversarial.toml").write_text(ADVERSARIAL)
    lines = [f"a vary {('bad', 'good')[n % 2]} dey,{('unhappy', 'happy')[n % 2]}" for n in range(9)]
    (tmp_path / "adversarial.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    files = ("--plugin", "own.toml", "--plugin", "adversarial.toml")
    done = call(*files, "run", "own", "--model", "tfidf", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    done = call(*files, "evaluate", "adversarial", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"] == {"dev": {"accuracy": 1.0}}
