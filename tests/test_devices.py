"""Several processes learn together what one learns alone: every row once, and no process left."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from glueharness import Table
from glueharness.cli import main
from glueharness.cli.app import App
from glueharness.errors import ConfigError, ModelError
from glueharness.plugin.registry import Registry
from glueharness_finetune.parallel.demands import require_devices
from glueharness_finetune.parallel.joining import _plain_environment
from glueharness_finetune.predictor import Predictor
from glueharness_finetune.settings import FinetuneSettings
from tests.choice_task import choice_rows, choice_task
from tests.devices_tools import DEV_ROWS, Outcome, Trainer, helpers_of
from tests.finetune_tools import LABELS, colour_task
from tests.small_task import small_plugins

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness import Progress

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("there is one processor")
    return Trainer(tmp_path, monkeypatch)


def kill_helper_at(step: int) -> Callable[[Progress], None]:
    """Kills the helper of this process when so many steps are done."""

    def hear(progress: Progress) -> None:
        if progress.phase == "train" and progress.done == step:
            (helper,) = helpers_of(os.getpid())
            os.kill(helper, signal.SIGKILL)

    return hear


def test_two_processes_learn_what_one_learns(trainer: Trainer) -> None:
    from accelerate import PartialState

    PartialState()  # as a tracker does before training begins
    one, two = trainer.fit("one", epochs=7), trainer.fit("two", epochs=7, devices=2)
    assert len(one.losses) > 100
    assert np.abs(np.subtract(one.losses, two.losses)).max() <= 1e-5
    assert one.scores(trainer.dev).shape == (DEV_ROWS, 2)
    np.testing.assert_allclose(one.scores(trainer.dev), two.scores(trainer.dev), atol=1e-5)
    for (_, alone, _), (_, together, _) in zip(
        one.listener.epochs, two.listener.epochs, strict=True
    ):
        assert alone.metrics["dev"] == pytest.approx(together.metrics["dev"], abs=1e-6)
    assert two.listener.notes["devices"] == 2
    assert "devices" not in one.listener.notes
    assert two.model.fingerprint().devices == 2
    assert helpers_of(os.getpid()) == []
    assert PartialState().num_processes == 1


def test_a_killed_helper_costs_a_step_and_no_bit_of_the_result(trainer: Trainer) -> None:
    settings: dict[str, Any] = {"dropout": 0.1, "devices": 2, "epochs": 2}
    undisturbed = trainer.fit("undisturbed", **settings)
    model = trainer.model(**settings)
    disturbed = trainer.listener("disturbed", on_report=kill_helper_at(20))
    with pytest.raises(
        ModelError, match=r"stopped after step 20 of 32: .*killed by SIGKILL"
    ) as told:
        model.fit(trainer.train, {"dev": trainer.dev}, disturbed)
    assert "the same command goes on from here" in told.value.remedy
    assert helpers_of(os.getpid()) == []
    resumed = trainer.model(**settings)
    listener = trainer.listener("disturbed", resume=True)
    resumed.fit(trainer.train, {"dev": trainer.dev}, listener)
    assert next(report.done for report in listener.reports if report.phase == "train") == 21
    assert listener.epochs == undisturbed.listener.epochs
    scores = undisturbed.scores(trainer.dev)
    np.testing.assert_array_equal(resumed.predict(trainer.dev), scores)
    for name, values in undisturbed.weights().items():
        assert resumed._classifier is not None
        assert torch.equal(values, resumed._classifier.model.state_dict()[name]), name


REFUSED = [
    ("--devices 0", "--devices must be a whole number (1 to 1024, devices)"),
    ("--devices 2 --engine native", "--engine native: --devices 2 is for PyTorch"),
    ("--devices 2 --model tfidf", "'tfidf' has no setting 'devices'"),
    ("--devices 2 --device mps", "--devices 2: there is one Apple GPU"),
    ("--devices 1000", "--devices 1000: this process"),
    ("WORLD_SIZE=two", "WORLD_SIZE is 'two' and RANK is ''"),
    ("WORLD_SIZE=2 RANK=2", "WORLD_SIZE is '2' and RANK is '2'"),
    ("WORLD_SIZE=2 RANK=0 --devices 3", "--devices 3: 2 processes were started"),
    ("WORLD_SIZE=2 RANK=0 --jobs 2", "--executor and --jobs do not go"),
    ("WORLD_SIZE=2 RANK=0 --model tfidf", "tfidf does not train in several"),
    ("WORLD_SIZE=2 RANK=1 --model tfidf", "if it was: unset WORLD_SIZE RANK"),
]


@pytest.mark.parametrize(("words", "told"), REFUSED)
def test_what_cannot_be_is_one_message(
    words: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    given = ["run", "parity", "--runs-dir", str(tmp_path / "runs")]
    for word in words.split():
        name, is_variable, value = word.partition("=")
        if is_variable:
            monkeypatch.setenv(name, value)
        else:
            given.append(word)
    with pytest.raises(SystemExit) as ended:
        main(given, App(Registry(small_plugins())))
    errors = capsys.readouterr().err
    assert ended.value.code == 1
    assert told in " ".join(errors.split())
    assert "Traceback" not in errors
    assert not list(tmp_path.glob("runs/*/run.json"))


def test_other_processes_do_not_repeat_a_refusal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "of torchrun")
    with pytest.raises(SystemExit) as ended:
        main(
            ["run", "parity", "--model", "tfidf", "--runs-dir", str(tmp_path)],
            App(Registry(small_plugins())),
        )
    assert ended.value.code in {0, None}
    assert capsys.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("threads", ["abc", "1,2", "0", ""])
def test_accelerate_finds_no_environment_that_it_stumbles_over(
    threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    given = {
        "OMP_NUM_THREADS": threads, "ACCELERATE_USE_DEEPSPEED": "true", "FSDP_OFFLOAD_PARAMS": "x",
        "MASTER_ADDR": "nowhere", "MASTER_PORT": "abc", "ACCELERATE_USE_CPU": "rubbish",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with _plain_environment():
        assert int(os.environ["OMP_NUM_THREADS"]) == 1
        assert not [name for name in os.environ if name.startswith(("ACCELERATE_", "FSDP_"))]
    assert {name: os.environ[name] for name in given} == given


def test_accelerate_is_asked_for_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ConfigError, match="--devices 2 needs the library accelerate") as told:
        require_devices(FinetuneSettings(devices=2))
    assert told.value.remedy == "pip install 'glueharness[devices]'"


def test_one_device_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    monkeypatch.setenv("WORLD_SIZE", "rubbish")
    require_devices(FinetuneSettings())


@pytest.mark.slow
def test_weights_that_come_apart_are_noticed(trainer: Trainer) -> None:
    model = trainer.model(devices=2)

    def alter(progress: Progress) -> None:
        if progress.phase == "train" and progress.done == 5:
            assert model._classifier is not None
            with torch.no_grad():
                next(iter(model._classifier.model.parameters())).flatten()[7] += 1e-6

    listener = trainer.listener("altered", on_report=alter)
    with pytest.raises(ModelError, match="the weights of process 1 have come apart"):
        model.fit(trainer.train, {"dev": trainer.dev}, listener)
    assert helpers_of(os.getpid()) == []


@pytest.mark.slow
def test_a_row_that_two_processes_score_is_noticed(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = Predictor.share_of_scores

    def everything(self: Predictor, encoded: Any, *_: Any) -> Any:
        return share(self, encoded, (0, 1))

    monkeypatch.setattr(Predictor, "share_of_scores", everything)
    with pytest.raises(ModelError, match="some rows were scored twice or not at all"):
        trainer.fit("twice", devices=2)


@pytest.mark.slow
def test_adapters_are_learnt_together(trainer: Trainer) -> None:
    pytest.importorskip("peft", reason="needs glueharness[lora]")
    one, two = assert_alike(trainer, lora_rank=4, epochs=6, learning_rate=1e-2)
    assert two.listener.notes["lora"] == one.listener.notes["lora"]
    for outcome, name in ((one, "one"), (two, "two")):
        (trainer.folder / f"{name}-model").mkdir()
        outcome.model.save(trainer.folder / f"{name}-model")
    for file in ("model.safetensors", "adapter/adapter_model.safetensors"):
        alone = load_file(trainer.folder / "one-model" / file)
        together = load_file(trainer.folder / "two-model" / file)
        assert alone.keys() == together.keys()
        for weight, values in alone.items():
            np.testing.assert_allclose(values, together[weight], atol=1e-4, err_msg=weight)


@pytest.mark.slow
def test_adapters_go_on_after_a_killed_helper(trainer: Trainer) -> None:
    pytest.importorskip("peft", reason="needs glueharness[lora]")
    settings: dict[str, Any] = {
        "dropout": 0.1, "lora_rank": 2, "lora_dropout": 0.1, "lora_modules": "all-linear",
        "devices": 2, "epochs": 2,
    }  # fmt: skip
    undisturbed = trainer.fit("undisturbed", **settings)
    with pytest.raises(ModelError, match="killed by SIGKILL"):
        trainer.model(**settings).fit(
            trainer.train,
            {"dev": trainer.dev},
            trainer.listener("disturbed", on_report=kill_helper_at(20)),
        )
    resumed = trainer.model(**settings)
    resumed.fit(trainer.train, {"dev": trainer.dev}, trainer.listener("disturbed", resume=True))
    np.testing.assert_array_equal(resumed.predict(trainer.dev), undisturbed.scores(trainer.dev))
    for name, model in (("undisturbed", undisturbed.model), ("resumed", resumed)):
        (trainer.folder / f"{name}-model").mkdir()
        model.save(trainer.folder / f"{name}-model")
    for file in ("model.safetensors", "adapter/adapter_model.safetensors"):
        first, second = (
            (trainer.folder / f"{name}-model" / file).read_bytes()
            for name in ("undisturbed", "resumed")
        )
        assert first == second, file


VARIANTS: dict[str, dict[str, Any]] = {
    "weights": {"class_weights": "balanced", "label_smoothing": 0.1},
    "accumulated": {"batch_size": 5, "gradient_accumulation_steps": 3, "max_grad_norm": 0.1},
    "adafactor": {"optim": "adafactor", "learning_rate": 1e-3},
    "sgd": {"optim": "sgd", "learning_rate": 1e-2},
    "a row a step": {"batch_size": 1, "max_steps": 60, "learning_rate": 1e-4},
    "plain": {"plain_math": True, "layerwise_lr_decay": 0.8},
    "stopped early": {"max_steps": 40, "early_stopping_patience": 1, "keep_best": True},
    "last epoch": {"keep_best": False},
    "recomputed": {"gradient_checkpointing": True},
    "three": {"devices": 3},
    "adapters of every layer": {
        "lora_rank": 4,
        "lora_modules": "all-linear",
        "devices": 3,
        "batch_size": 5,
        "gradient_accumulation_steps": 2,
    },
    "half precision": {"precision": "fp16"},
}


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_whatever_is_learnt_is_learnt_together(
    trainer: Trainer, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    assert_alike(trainer, **VARIANTS[variant])


@pytest.mark.slow
def test_scores_are_learnt_together(trainer: Trainer) -> None:
    trainer.task = colour_task(labels=(), score_range=(0.0, 5.0))
    trainer.train, trainer.dev = scored(trainer.train), scored(trainer.dev)
    assert_alike(trainer)


def scored(rows: Table) -> Table:
    """Rows with numbers for labels."""
    columns: dict[str, Any] = {name: rows[name] for name in rows.column_names}
    return Table({**columns, "label": [5.0 * LABELS.index(label) for label in rows["label"]]})


@pytest.mark.slow
def test_choices_are_learnt_together(trainer: Trainer) -> None:
    trainer.task = choice_task()
    trainer.train, trainer.dev = choice_rows(121, 1), choice_rows(DEV_ROWS, 2)
    assert_alike(trainer)


def assert_alike(trainer: Trainer, **settings: Any) -> tuple[Outcome, Outcome]:
    """Train alone and together, and compare everything."""
    one = trainer.fit("one", **{**settings, "devices": 1})
    two = trainer.fit("two", **{"devices": 2, **settings})
    assert len(one.losses) == len(two.losses)
    # Rows of another batch are rounded otherwise: by the number format's last digits.
    tolerance = 2e-5 if settings.get("precision", "fp32") == "fp32" else 2e-3
    assert np.abs(np.subtract(one.losses, two.losses)).max() <= tolerance
    alone_scores, together_scores = one.scores(trainer.dev), two.scores(trainer.dev)
    if trainer.task.choices:
        # What all choices have in common has no gradient: Adam makes steps of its rounding.
        alone_scores -= alone_scores.mean(1, keepdims=True)
        together_scores -= together_scores.mean(1, keepdims=True)
    np.testing.assert_allclose(alone_scores, together_scores, atol=5 * tolerance)
    for (_, alone, _), (_, together, _) in zip(
        one.listener.epochs, two.listener.epochs, strict=True
    ):
        assert alone.metrics["dev"] == pytest.approx(together.metrics["dev"], abs=1e-4)
    return one, two
