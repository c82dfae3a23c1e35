"""A stand-in for the Hugging Face hub on loopback: as much of its API as the true clients use.

It serves repositories held in memory, tells commits, ETags and sizes as the hub does, answers
ranges, notes what was asked, and can cut a download short.
"""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Repository:
    """One repository at one commit.

    Attributes:
        kind: ``"datasets"`` or ``"models"``.
        name: Its id.
        commit: The only commit, also called ``main``.
        files: Content by path.
    """

    kind: str
    name: str
    commit: str
    files: Mapping[str, bytes]

    def has(self, revision: str) -> bool:
        """Whether that revision is this commit."""
        return revision in {"main", self.commit}

    def entry(self, path: str) -> dict[str, Any]:
        """A file as the API lists it."""
        return {
            "type": "file",
            "path": path,
            "oid": _blob(self.files[path]),
            "size": len(self.files[path]),
        }


@dataclass
class Hub:
    """A running stand-in.

    Attributes:
        repositories: What it serves.
        requests: ``METHOD path`` of every request.
        cut: Path of a file to the number of its bytes after which connections are cut.
        endpoint: Its address, once it runs.
    """

    repositories: tuple[Repository, ...]
    requests: list[str] = field(default_factory=list)
    cut: dict[str, int] = field(default_factory=dict)
    endpoint: str = ""

    def find(self, kind: str, name: str) -> Repository | None:
        """The repository of that name."""
        return next((r for r in self.repositories if (r.kind, r.name) == (kind, name)), None)


@contextmanager
def running(*repositories: Repository) -> Iterator[Hub]:
    """Serve repositories on a free port of loopback until the block ends."""
    hub = Hub(repositories)

    class Bound(_Handler):
        served = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _blob(content: bytes) -> str:
    """The name that git gives to a content."""
    head = b"blob %d\0" % len(content)
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    served: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Write nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path).strip("/")
        self.served.requests.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        words = path.split("/")
        if not path:
            self._send(b"")
        elif words[0] == "api" and len(words) >= 4:
            self._api(words[1], "/".join(words[2:4]), words[4:], (parts.query, body))
        elif "resolve" in words:
            self._resolve(words)
        else:
            self._refuse(404, "EntryNotFound", "no such page")

    def _api(self, kind: str, name: str, rest: list[str], asked: tuple[str, bytes]) -> None:
        repository = self.served.find(kind, name)
        if repository is None:
            self._refuse(404, "RepoNotFound", "Repository not found")
            return
        action = rest[0] if rest else "revision"
        revision = rest[1] if len(rest) > 1 else "main"
        if not repository.has(revision):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif action == "revision":
            self._json(
                {
                    "_id": "0" * 24,
                    "id": name,
                    "sha": repository.commit,
                    "private": False,
                    "gated": False,
                    "tags": [],
                    "siblings": [{"rfilename": path} for path in repository.files],
                }
            )
        elif action == "tree":
            self._tree(repository, "/".join(rest[2:]), "recursive=true" in asked[0].lower())
        elif action == "paths-info":
            self._json(_infos(repository, _paths(asked[1])))
        else:
            self._refuse(404, "EntryNotFound", "no such endpoint")

    def _tree(self, repository: Repository, folder: str, recursive: bool) -> None:
        prefix = f"{folder}/" if folder else ""
        inside = [path for path in repository.files if path.startswith(prefix)]
        if not inside:
            self._refuse(404, "EntryNotFound", f"{folder} does not exist")
            return
        folders: dict[str, dict[str, Any]] = {}
        files = []
        for path in inside:
            first, slash, _ = path.removeprefix(prefix).partition("/")
            if slash:
                folders[first] = _folder(prefix + first)
            if recursive or not slash:
                files.append(repository.entry(path))
        self._json([*folders.values(), *files])

    def _resolve(self, words: list[str]) -> None:
        at = words.index("resolve")
        kind = "datasets" if words[0] == "datasets" else "models"
        name = "/".join(words[1 if kind == "datasets" else 0 : at])
        revision, path = words[at + 1], "/".join(words[at + 2 :])
        repository = self.served.find(kind, name)
        if repository is None:
            self._refuse(404, "RepoNotFound", "Repository not found")
        elif not repository.has(revision):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif path not in repository.files:
            self._refuse(404, "EntryNotFound", "Entry not found", commit=repository.commit)
        else:
            self._file(repository, path)

    def _file(self, repository: Repository, path: str) -> None:
        content = repository.files[path]
        start, status = 0, 200
        headers = {
            "ETag": f'"{_blob(content)}"',
            "X-Repo-Commit": repository.commit,
            "Accept-Ranges": "bytes",
            "Content-Disposition": f'inline; filename="{path.rpartition("/")[2]}"',
        }
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first)
            end = int(last) + 1 if last else len(content)
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
            content, status = content[start:end], 206
        limit = self.served.cut.get(path)
        if limit is not None and self.command == "GET":
            self._send(content, status, headers, only=max(0, limit - start))
            return
        self._send(content, status, headers)

    def _json(self, value: Any) -> None:
        self._send(json.dumps(value).encode(), headers={"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, message: str, commit: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        if commit:
            headers["X-Repo-Commit"] = commit
        self._send(json.dumps({"error": message}).encode(), status, headers)

    def _send(
        self,
        content: bytes,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        only: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content if only is None else content[:only])
        if only is not None:
            # Less than was announced: the client sees a connection that broke.
            self.close_connection = True


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}


def _paths(body: bytes) -> list[str]:
    """The paths of a request, sent as JSON or as a form."""
    text = body.decode()
    if text.startswith("{"):
        found = json.loads(text)["paths"]
        return [found] if isinstance(found, str) else list(found)
    return parse_qs(text).get("paths", [])


def _infos(repository: Repository, paths: list[str]) -> list[dict[str, Any]]:
    found = []
    for path in paths:
        if path in repository.files:
            found.append(repository.entry(path))
        elif any(name.startswith(f"{path}/") for name in repository.files):
            found.append(_folder(path))
    return found
