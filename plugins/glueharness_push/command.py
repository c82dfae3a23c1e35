"""``glueharness push``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from glueharness import ConfigError
from glueharness.cli import complete
from glueharness.cli.app import App, json_option, runs_dir_option
from glueharness.cli.app import runs_dir as find_runs_dir
from glueharness.cli.output import print_json, stderr, stdout
from glueharness.errors import RunFolderError
from glueharness.record.store import RunStore
from glueharness.run.recorded_task import task_of
from glueharness.run.rescore import Rescorer
from glueharness_push.card import Facts, render
from glueharness_push.intervals import interval_of
from glueharness_push.upload import Destination, files_of, upload

if TYPE_CHECKING:
    from glueharness.plugin.registry import Registry
    from glueharness.record.record import RunRecord

# The hub's own rule: https://huggingface.co/docs/hub/repositories-settings
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_UNFIT = ("sample", "fresh")


@click.command(name="push")
@click.argument("run", shell_complete=complete.runs)
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="Let nobody else see the repository, if it is new.")
@click.option(
    "--revision", default="", metavar="BRANCH", help="Push to this branch; it is made if needed."
)
@click.option(
    "--marked",
    is_flag=True,
    help="Push a model that is marked sample or fresh, too; its card says so.",
)
@runs_dir_option
@json_option
@click.pass_context
def command(
    ctx: click.Context, /, run: str, repository: str, *, marked: bool, as_json: bool,
    **where: Any,
) -> None:  # fmt: skip
    """Put the model of RUN on the Hugging Face hub as OWNER/NAME, with a model card.

    RUN is a run's id or a part of it, or `latest`. The card says what the scores are worth: task,
    data, seed, settings and marks. The token is that of the hub's own client: HF_TOKEN, or
    hf auth login.

    \b
    glueharness push latest me/bert-tiny-qnli --private
    """  # noqa: D301 - click's mark against re-wrapping
    store = RunStore(find_runs_dir(where.pop("runs_dir")))
    record = store.find(run)
    _refuse(record, repository, marked=marked)
    files = files_of(record, store)
    registry = App.of(ctx).registry
    _check_scores(record, store, registry)
    interval = interval_of(record, registry, store.folder)
    task = task_of(record, registry)
    facts = Facts(record=record, task=task, interval=interval, files=frozenset(files))
    destination = Destination(repository=repository, **where)
    stderr().print(f"pushing {len(files)} files of {record.id} to {repository}", soft_wrap=True)
    pushed = upload(files, render(facts, repository), destination, record.id)
    if as_json:
        print_json({"run": record.id, "repository": repository, **pushed})
    else:
        stdout().print(f"pushed  {record.id}\nto      {pushed['url']}", soft_wrap=True)


def _check_scores(record: RunRecord, store: RunStore, registry: Registry) -> None:
    """Refuse to publish scores that do not follow from the run's own predictions.

    Raises:
        RunFolderError: It says which, and what they should be.
    """
    wrong = Rescorer(store, registry).check(record).wrong
    if wrong:
        raise RunFolderError(
            f"run {record.id} contradicts itself: {wrong[0]}",
            where=str(store.path(record)),
            remedy=f"glueharness runs verify {record.id} says more.",
        )


def _refuse(record: RunRecord, repository: str, *, marked: bool) -> None:
    """Refuse what is no model to show.

    Raises:
        ConfigError: The name is none, the run has no model of its own, or it is marked.
    """
    if not _NAME.fullmatch(repository):
        raise ConfigError(
            f"{repository!r} is no name of a repository",
            remedy="Write OWNER/NAME, for instance me/bert-tiny-qnli: letters, digits, - _ and .",
        )
    if record.kind != "training" or record.status != "completed":
        what = "is an evaluation" if record.kind != "training" else f"is {record.status}"
        raise ConfigError(
            f"run {record.id} {what}: it has no trained model of its own",
            remedy="Name a completed training: glueharness runs lists them.",
        )
    unfit = [mark for mark in record.marks if mark.partition(" ")[0] in _UNFIT]
    if unfit and not marked:
        raise ConfigError(
            f"run {record.id} is marked {', '.join(unfit)}: its model says nothing about the task",
            remedy="Train on real data and from pretrained weights; or push it all the same, with "
            "the marks on its card: --marked",
        )
