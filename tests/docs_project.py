"""A reader's project, in which the blocks of a page are run one after the other.

A comment above a block, which no reader sees, says what a test must know of it::

    <!-- file: NAME -->                       the block is that file
    <!-- test: quick model: REASON -->        the encoders learn nothing, at once
    <!-- test: interrupt: REASON -->          the first run is stopped by Ctrl-C in its first epoch
    <!-- test: checked, not run: REASON -->   commands that are not glueharness are only checked

``test_docs_pages.py`` counts those of the second kind: they cannot grow unseen.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from glueharness import Progress, hookimpl
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.plugin.registry import Registry
from glueharness.record.store import RunStore
from glueharness_glue.sample import generate
from glueharness_glue.tasks import TASKS
from tests.glue_official import write_official
from tests.installing import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from glueharness import FitContext, FloatArray, ModelContext, Split

KINDS = ("quick model", "interrupt", "checked, not run")
PLACEHOLDERS = ("RUN_A", "RUN_B", "RUN_ID")
QNLI_TEST_ROWS = 5463
INSTALLATIONS = {
    "uv pip install --torch-backend cpu .",
    "uv pip install --torch-backend auto .",
    "uv tool install .",
    "pipx install .",
    "pipx inject glueharness ./glueharness-word-order",
}
"""Ways to install that need other programs, and another index, than a test has."""
_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>file|test): (?P<text>[^\n]*) -->\n)?^```(?P<kind>\w*)\n(?P<body>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of a page.

    Attributes:
        kind: What stands behind the backquotes.
        body: Its text.
        file: The file that it is; empty if it is none.
        exception: How it is run otherwise than by a reader: one of ``KINDS``, or empty.
        reason: Why.
    """

    kind: str
    body: str
    file: str = ""
    exception: str = ""
    reason: str = ""


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        mark, said = match["mark"], match["text"] or ""
        exception, _, reason = said.partition(": ") if mark == "test" else ("", "", "")
        assert exception in {"", *KINDS}, f"{page.name}: {said!r} says nothing that is known"
        assert not exception or len(reason) > 10, f"{page.name}: {exception!r} lacks its reason"
        found.append(
            Block(
                kind=match["kind"], body=match["body"], file=said if mark == "file" else "",
                exception=exception, reason=reason,
            )
        )  # fmt: skip
    assert text.count("```") == 2 * len(found), f"{page.name}: a block that cannot be read"
    assert text.count("<!-- test:") == sum(bool(block.exception) for block in found)
    return found


def commands_of(body: str) -> Iterator[list[str]]:
    """The words of each command of a bash block; nothing but plain commands and ``&&``."""
    for line in body.replace("\\\n", " ").splitlines():
        words: list[str] = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            assert not set(word) & set("|;$`") or " " in word, f"{line}: teach this test shell"
            if word != "&&":
                words.append(word)
            elif words:
                yield words
                words = []


def write_glue_data(folder: Path) -> None:
    """All tasks in the official layout, a few made-up rows each, QNLI's test split complete."""
    for task in TASKS:
        for split, made in generate(task.name).items():
            rows = made[: 24 if split == "train" else 12]
            if (task.name, split) == ("qnli", "test"):
                rows = [rows[number % len(rows)] for number in range(QNLI_TEST_ROWS)]
            write_official(folder, task, split, rows)


def write_hub_cache(cache: Path) -> None:
    """A hub's cache that holds BERT-tiny's repository, with random weights in small."""
    import torch
    from transformers import BertConfig, BertModel

    from glueharness_bert import REVISIONS, checkpoint
    from glueharness_finetune.pretrained.tokenizer import learn_vocabulary

    rows = generate("qnli")["train"]
    texts = [str(row[name]) for row in rows for name in ("question", "sentence")]
    tokenizer = learn_vocabulary(texts, 500)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64,
    )  # fmt: skip
    name = checkpoint(2, 128).name.replace("/", "--")
    snapshot = cache / f"models--{name}" / "snapshots" / REVISIONS[2, 128]
    BertModel(config).save_pretrained(snapshot)
    tokenizer.save_pretrained(str(snapshot))


class QuickModel:
    """Takes an encoder's settings and learns nothing; its scores depend on the texts."""

    def __init__(self, context: ModelContext) -> None:
        self._task, self._seed = context.task, context.seed

    def fit(self, train: Split, dev: Mapping[str, Split], context: FitContext) -> None:
        """Report an epoch."""
        context.report(Progress(phase="train", done=len(train), total=len(train)))
        evaluation = context.score({name: self.predict(split) for name, split in dev.items()})
        context.epoch(1, evaluation, {})

    def predict(self, split: Split) -> FloatArray:
        """Scores drawn from seed and length of the first text."""
        lengths = [len(text) + self._seed for text in split[self._task.columns[0]]]
        shape = (self._task.num_outputs,)
        drawn = [np.random.default_rng(length).random(shape) for length in lengths]
        scores = np.array(drawn, dtype=np.float32).reshape(-1, *shape)
        return scores[:, 0] if self._task.regression else scores

    def save(self, folder: Path) -> None:
        """Leave a file, so that there is something."""
        (folder / "model.txt").write_text("nothing was learnt\n", encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Nothing to read."""
        assert (folder / "model.txt").is_file()


def quick_registry() -> Registry:
    """What is installed, but the encoders are quick."""
    registry = Registry()
    for name in ("bert-tiny", "bert-mini"):
        ((spec, owner),) = registry.models.items[name]
        registry.models.items[name] = [(dataclasses.replace(spec, factory=QuickModel), owner)]
    return registry


class _Stop:
    """Presses Ctrl-C when a run has finished its first epoch."""

    @hookimpl
    def glueharness_run_evaluated(self, event: object) -> None:
        raise KeyboardInterrupt(event)


@dataclass
class Project:
    """A folder in which a reader works.

    Attributes:
        folder: The folder, which is the working directory.
        capsys: What the commands print goes there.
        said: Each glueharness command with what it wrote to stdout and stderr.
        names: What the Python blocks have made.
    """

    folder: Path
    capsys: pytest.CaptureFixture[str]
    said: list[tuple[list[str], str, str]] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)

    def do(self, block: Block) -> None:
        """Run, parse or write a block, whatever its kind asks for.

        Raises:
            AssertionError: It does not work, or its kind is not known.
        """
        if block.file:
            (self.folder / block.file).write_text(block.body, encoding="utf-8")
        if block.kind == "bash":
            for number, words in enumerate(commands_of(block.body)):
                self._command(words, block, first=number == 0)
        elif block.kind == "toml":
            assert tomllib.loads(block.body)
        elif block.kind == "text" and block.file.endswith((".csv", ".jsonl")):
            pass  # a later block reads it
        elif block.kind == "json":
            assert json.loads(block.body)
        elif block.kind == "python":
            code = self._filled(block.body)
            exec(compile(code, "docs", "exec"), self.names)  # noqa: S102 - our own page
        else:
            raise AssertionError(f"a block of {block.kind!r} that no test runs")

    def _command(self, words: list[str], block: Block, *, first: bool) -> None:
        program = words[0].removeprefix(".venv/bin/")
        if program != "glueharness":
            assert block.exception == "checked, not run", f"{' '.join(words)} is not run"
            check_command([program, *words[1:]])
            return
        arguments = [self._filled(word) for word in words[1:]]
        interrupted = first and block.exception == "interrupt"
        app = None
        if block.exception in {"quick model", "interrupt"}:
            app = App(quick_registry())
        if app is not None and interrupted:
            app.registry.plugins.register(_Stop(), "stop")
        self.glueharness(arguments, app, code=130 if interrupted else 0)

    def glueharness(self, words: list[str], app: App | None = None, code: int = 0) -> str:
        """Run the command, check how it ends, return what it printed."""
        with pytest.raises(SystemExit) as end:
            main(words, app)
        out, err = self.capsys.readouterr()
        assert (end.value.code or 0) == code, f"glueharness {' '.join(words)}\n{out}{err}"
        assert "Traceback" not in err
        told = out.strip() or ("--output" in words and err.strip())
        assert code or told, f"glueharness {' '.join(words)} prints nothing"
        self.said.append((words, out, err))
        return out

    def _filled(self, text: str) -> str:
        """``text`` with the placeholders replaced by runs of QNLI, made if they are missing."""
        for position, placeholder in enumerate(PLACEHOLDERS):
            if placeholder in text:
                text = text.replace(placeholder, self._run(position % 2))
        return text

    def _run(self, position: int) -> str:
        while len(found := self.runs("qnli")) <= position:
            seed = str(len(found) + 100)
            self.glueharness(["run", "qnli", "--model", "majority", "--seed", seed])
        return found[position]

    def runs(self, task: str = "") -> list[str]:
        """Ids of the completed runs."""
        store = RunStore(self.folder / "runs")
        records, problems = store.all(), store.problems
        assert not problems
        return [
            record.id
            for record in records
            if record.status == "completed" and task in {"", record.task}
        ]


def check_command(words: list[str]) -> None:
    """Check a command that cannot be run in a test against what it works on.

    Raises:
        AssertionError: It names what is not there, or the CI does not run it.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    match words:
        case ["python3", "-m", "venv", ".venv"] | ["source", ".venv/bin/activate"] | ["uv", "venv"]:
            return
        case ["uv" | "pipx", *_] | ["pip", "install", "torch", *_]:
            assert shlex.join(words) in INSTALLATIONS
        case ["pip", "install", *rest]:
            if rest[0] == "-c":
                assert (ROOT / rest[1]).is_file(), rest[1]
                rest = rest[2:]
            assert len(rest) == 1 or rest[0] == "-e", rest
            target = re.fullmatch(r"\.(?:\[(\w+)\])?", rest[-1])
            assert target is not None, rest
            assert target[1] is None or target[1] in extras, f"no extra {target[1]}"
        case ["python", "-m", module, *rest]:
            source = ROOT / (module.replace(".", "/") + ".py")
            assert source.is_file(), source
            for option in rest:
                if option.startswith("--"):
                    assert f'"{option}"' in source.read_text(encoding="utf-8"), option
        case ["pytest" | "ruff" | "mypy" | "lint-imports" as tool, *_]:
            steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
            assert shlex.join(words) in steps, f"the CI does not run {shlex.join(words)}"
            wanted = {"lint-imports": "import-linter"}.get(tool, tool)
            assert any(item.startswith(f"{wanted}>") for item in [*extras["dev"], *extras["test"]])
        case _:
            raise AssertionError(f"{shlex.join(words)}: teach this test to check it")
