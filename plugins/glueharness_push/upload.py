"""Sends files to the hub in one commit, with the hub's own client and its token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glueharness import GlueharnessError, RunFolderError
from glueharness.record.record import MODEL_FOLDER
from glueharness.record.seals import check_model_seal
from glueharness_hub import (
    check_environment,
    endpoint,
    explain,
    quiet_client,
    why_not_asked,
    why_unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from glueharness.record.record import RunRecord
    from glueharness.record.store import RunStore

_CARD = "README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where files go.

    Attributes:
        repository: ``owner/name``.
        revision: Branch; empty for the main one.
        private: Whether a new repository is private.
    """

    repository: str
    revision: str = ""
    private: bool = False


def files_of(record: RunRecord, store: RunStore) -> dict[str, Path]:
    """The files of a run's model by their paths in it, all as they were when it was completed.

    Raises:
        RunFolderError: There are none, one has changed since, or they have no seal.
    """
    folder = store.path(record)
    store.refuse_links(record)
    check_model_seal(folder, record)
    inside = f"{MODEL_FOLDER}/"
    names = [name for name in record.seals if name.startswith(inside)]
    if not names:
        raise RunFolderError(
            f"run {record.id} has no sealed model",
            where=str(folder),
            remedy="Repeat the run: glueharness run --rerun seals what it saves.",
        )
    return {name.removeprefix(inside): folder / name for name in names}


def upload(
    files: Mapping[str, Path], card: str, destination: Destination, run: str
) -> dict[str, Any]:
    """Make the repository and the branch if needed, and add all files in one commit.

    Args:
        files: Path in the repository to the file.
        card: Text of the model card.
        destination: Where they go.
        run: The run, for the commit's message.

    Returns:
        ``url``, ``commit`` and ``files`` of what was pushed.

    Raises:
        GlueharnessError: The hub cannot be reached, or does not take it.
    """
    refusal = why_not_asked(offline=False)
    if refusal:
        raise GlueharnessError(f"nothing was pushed: {refusal}")
    check_environment()
    absent = why_unreachable()
    if absent:
        raise GlueharnessError(
            f"nothing was pushed: {endpoint()} cannot be reached: {absent}",
            remedy="Check the connection, HTTPS_PROXY and HF_ENDPOINT.",
        )
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi()
    name, branch = destination.repository, destination.revision or None
    try:
        with quiet_client():
            api.create_repo(name, private=destination.private or None, exist_ok=True)
            if branch is not None:
                api.create_branch(name, branch=branch, exist_ok=True)
            operations = [
                CommitOperationAdd(path, file) for path, file in files.items() if path != _CARD
            ]
            operations.append(CommitOperationAdd(_CARD, card.encode("utf-8")))
            done = api.create_commit(
                name, operations, revision=branch, commit_message=f"Model of run {run}"
            )
    except Exception as error:
        raise _in_words(error, name) from error
    return {
        "url": f"{endpoint()}/{name}" + (f"/tree/{branch}" if branch else ""),
        "commit": done.oid,
        "files": sorted({*files, _CARD}),
    }


def _in_words(error: Exception, name: str) -> GlueharnessError:
    """What the hub's client raised, with what to do."""
    told = explain(error, name)
    remedy = told.remedy
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 403:
        owner = name.partition("/")[0]
        remedy = (
            f"Take a token that may write to the repositories of {owner}: HF_TOKEN, or hf auth "
            "login."
        )
    return GlueharnessError(f"{name} was not pushed: {told.what}", remedy=remedy)
