"""How the stand-in takes uploads: repositories, branches, large files by Git LFS, commits.

As strict as the true hub: a token must be one of an account and may write to that account's
namespaces only; a commit names large files that have arrived at the storage, whole and under their
hash; a card's metadata is checked before anything is sent.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any, Protocol

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.hub_stand_in import Hub, Repository

_LARGEST_REGULAR = 10 * 1024 * 1024


class Connection(Protocol):
    """The part of the stand-in's handler that is used here."""

    served: Hub
    headers: Any

    def _json(self, value: Any, headers: Mapping[str, str] | None = None, *, status: int = 200
              ) -> None: ...  # fmt: skip

    def _refuse(
        self, status: int, code: str, message: str, more: Mapping[str, str] | None = None
    ) -> None: ...


class RefusedError(Exception):
    """What is wrong with an upload.

    Args:
        status: The status that is answered.
        message: The hub's words.
        code: Its error code.
    """

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


def take(connection: Connection, words: Sequence[str], body: bytes) -> bool:
    """Answer a request if it is one of an upload."""
    try:
        match list(words):
            case ["api", "repos", "create"]:
                answer = _create(connection, json.loads(body))
            case ["api", "validate-yaml"]:
                answer = _validated(json.loads(body))
            case ["api", "models", owner, name, "branch", branch]:
                answer = _branch(connection, f"{owner}/{name}", branch)
            case ["api", "models", owner, name, "preupload", revision]:
                answer = _modes(_writable(connection, f"{owner}/{name}", revision), body)
            case ["api", "models", owner, name, "commit", revision]:
                repository = _writable(connection, f"{owner}/{name}", revision)
                answer = _commit(connection, repository, body)
            case [owner, git, "info", "lfs", "objects", "batch"] if git.endswith(".git"):
                _writable(connection, f"{owner}/{git.removesuffix('.git')}")
                answer = _batch(connection, f"{owner}/{git}", json.loads(body))
            case [owner, git, "info", "lfs", "objects", "verify"] if git.endswith(".git"):
                _writable(connection, f"{owner}/{git.removesuffix('.git')}")
                answer = _verified(connection, json.loads(body))
            case _:
                return False
    except RefusedError as refusal:
        connection._refuse(refusal.status, refusal.code, refusal.message)
        return True
    status = answer.pop("status", 200)
    connection._json(answer, status=status)
    return True


def _account(connection: Connection) -> frozenset[str]:
    """The namespaces that the request's token may write to."""
    given = str(connection.headers.get("Authorization") or "")
    if not given:
        raise RefusedError(401, "Invalid username or password.")
    namespaces = connection.served.accounts.get(given.removeprefix("Bearer "))
    if namespaces is None:
        raise RefusedError(401, "Invalid credentials in Authorization header")
    return frozenset(namespaces)


def _writable(connection: Connection, name: str, revision: str = "main") -> Repository:
    namespaces = _account(connection)
    repository = connection.served.find("models", name, revision)
    if repository is None:
        raise RefusedError(404, "Repository not found", "RepoNotFound")
    if name.partition("/")[0] not in namespaces:
        raise RefusedError(403, "You don't have the rights to write to this repository")
    if not repository.has(revision):
        raise RefusedError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return repository


def _create(connection: Connection, asked: dict[str, Any]) -> dict[str, Any]:
    from tests.hub_stand_in import Repository

    namespaces = _account(connection)
    owner = asked.get("organization") or min(namespaces)
    name, hub = f"{owner}/{asked['name']}", connection.served
    if owner not in namespaces:
        raise RefusedError(
            403, f'You don\'t have the rights to create a model under the namespace "{owner}"'
        )
    url = f"{hub.endpoint}/{name}"
    if hub.find("models", name) is not None:
        return {"status": 409, "error": "You already created this model repo", "url": url}
    private = asked.get("visibility") == "private" or asked.get("private") is True
    attributes = {".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"}
    new = Repository("models", name, _oid(name, attributes), attributes, private=private)
    hub.repositories = (*hub.repositories, new)
    return {"url": url, "name": name, "id": "0" * 24}


def _branch(connection: Connection, name: str, branch: str) -> dict[str, Any]:
    main, hub = _writable(connection, name), connection.served
    found = hub.find("models", name, branch)
    if found is not None and found.has(branch):
        raise RefusedError(409, f"Reference already exists: {branch}")
    hub.repositories = (*hub.repositories, dataclasses.replace(main, branch=branch))
    return {}


def _validated(asked: dict[str, Any]) -> dict[str, Any]:
    """The metadata's faults, as the hub lists them; those of a model card."""
    errors = []
    parts = str(asked["content"]).split("---\n")
    try:
        data = yaml.safe_load(parts[1]) if len(parts) > 2 else {}
    except yaml.YAMLError as error:
        data, errors = {}, [f"YAML: {error}"]
    base = data.get("base_model", "owner/name")
    if not isinstance(base, str) or base.count("/") != 1:
        errors.append('"base_model" must be a model id')
    for model in data.get("model-index", []):
        for result in model.get("results", ["none"] if "name" not in model else []):
            try:
                data_set = result["dataset"]
                facts = [result["task"]["type"], data_set["type"], data_set["name"]]
                facts += [metric["type"] for metric in result["metrics"]]
                assert all(facts)
                assert all(isinstance(each["value"], float) for each in result["metrics"])
            except (KeyError, TypeError, AssertionError) as error:
                errors.append(f'"model-index" is malformed: {error!r}')
    told = [{"message": error} for error in errors]
    return {"status": 400 if errors else 200, "errors": told, "warnings": []}


def _modes(repository: Repository, body: bytes) -> dict[str, Any]:
    """Which of the files go by way of Git LFS."""
    from tests.hub_stand_in import git_blob, is_large

    files = []
    for file in json.loads(body)["files"]:
        path = file["path"]
        large = is_large(path) or file["size"] > _LARGEST_REGULAR
        there = repository.files.get(path)
        if there is not None:
            named = hashlib.sha256(there).hexdigest() if large else git_blob(there)
        entry = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
        files.append(entry if there is None else {**entry, "oid": named})
    return {"files": files}


def _batch(connection: Connection, git: str, asked: dict[str, Any]) -> dict[str, Any]:
    if "git-lfs" not in str(connection.headers.get("Accept")) or asked["operation"] != "upload":
        raise RefusedError(406, "This is the Git LFS API")
    hub = connection.served
    objects = []
    for item in asked["objects"]:
        entry: dict[str, Any] = {"oid": item["oid"], "size": item["size"], "authenticated": True}
        if item["oid"] not in hub.storage.objects:
            verify = f"{hub.endpoint}/{git}/info/lfs/objects/verify"
            upload = f"{hub.storage.address}/put/{item['oid']}?X-Amz-Signature=0123"
            entry["actions"] = {"upload": {"href": upload}, "verify": {"href": verify}}
        objects.append(entry)
    return {"transfer": "basic", "objects": objects}


def _verified(connection: Connection, asked: dict[str, Any]) -> dict[str, Any]:
    content = connection.served.storage.objects.get(asked["oid"])
    if content is None or len(content) != asked["size"]:
        raise RefusedError(404, "Object not found")
    return {}


def _commit(connection: Connection, repository: Repository, body: bytes) -> dict[str, Any]:
    if connection.headers.get("Content-Type") != "application/x-ndjson":
        raise RefusedError(400, "A commit is sent as application/x-ndjson")
    lines = [json.loads(line) for line in body.splitlines()]
    header, operations = lines[0], lines[1:]
    if header["key"] != "header" or not header["value"]["summary"] or not operations:
        raise RefusedError(400, "A commit needs a summary and something to commit")
    files = dict(repository.files)
    for operation in operations:
        value = operation["value"]
        if operation["key"] == "file":
            content = base64.b64decode(value["content"], validate=True)
            if len(content) > _LARGEST_REGULAR:
                raise RefusedError(400, "Your push was rejected because it contains large files")
        elif operation["key"] == "lfsFile":
            found = connection.served.storage.objects.get(value["oid"])
            if found is None or len(found) != value["size"]:
                raise RefusedError(400, "LFS pointer pointed to a file that does not exist")
            content = found
        else:
            raise RefusedError(400, f"unknown operation {operation['key']}")
        files[value["path"]] = content
    hub, oid = connection.served, _oid(repository.name, files)
    new = dataclasses.replace(repository, files=files, commit=oid)
    hub.repositories = tuple(new if each is repository else each for each in hub.repositories)
    url = f"{hub.endpoint}/{repository.name}/commit/{oid}"
    return {"success": True, "commitUrl": url, "commitOid": oid, "hookOutput": ""}


def _oid(name: str, files: Mapping[str, bytes]) -> str:
    """A commit's name."""
    content = repr((name, sorted(files.items()))).encode()
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
