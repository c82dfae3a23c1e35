"""A stand-in for the Hugging Face hub on loopback: as much of its API as the true clients use.

It serves repositories held in memory and is no easier than the true hub: files of git come by way
of a redirect on the hub itself (307), large files from another host with signed addresses (302) or,
if asked for, from the chunk store of Xet; uploads are taken by way of Git LFS; lists come in pages;
commits, ETags, sizes and error codes are told in its headers. It can want a token, ask clients to
wait, fail, be slow, and cut a download short.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.hub_storage import Storage, StorageHandler
from tests.hub_uploads import take

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LARGE = (".parquet", ".safetensors", ".bin", ".msgpack", ".h5")


@dataclass(frozen=True)
class Repository:
    """One repository at one commit.

    Attributes:
        kind: ``"datasets"`` or ``"models"``.
        name: Its id.
        commit: The commit at the head of its branch.
        files: Content by path.
        gated: Whether access must be asked for.
        private: Whether only those see it who may write to it.
        branch: The branch whose head it is.
    """

    kind: str
    name: str
    commit: str
    files: Mapping[str, bytes]
    gated: bool = False
    private: bool = False
    branch: str = "main"

    def has(self, revision: str) -> bool:
        """Whether that revision is this commit."""
        return revision in {self.branch, self.commit}

    def entry(self, path: str, *, xet: bool) -> dict[str, Any]:
        """A file as the API lists it."""
        content = self.files[path]
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content)}
        if not is_large(path):
            return {**entry, "oid": git_blob(content)}
        sha256 = hashlib.sha256(content).hexdigest()
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\n"
        pointer += f"size {len(content)}\n"
        entry["oid"] = git_blob(pointer.encode())
        entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": len(pointer)}
        return {**entry, "xetHash": xet_hash(content)} if xet else entry


@dataclass
class Fault:
    """What the hub answers in place of the truth.

    Attributes:
        status: The status.
        where: A part of the paths that it is for; empty for all.
        times: How many times, before all is well again.
        headers: Headers besides.
    """

    status: int
    where: str = ""
    times: int = 1_000_000
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Hub:
    """A running stand-in.

    Attributes:
        repositories: What it serves.
        requests: ``METHOD path`` of every request, those to its storage too.
        cut: Path of a file to the number of its bytes after which connections are cut.
        changed: Paths of files that arrive with another content of the same size.
        token: What it wants to see; empty if it serves everybody.
        granted: Whether the token may read repositories that are gated.
        delay: Seconds before each answer.
        faults: What goes wrong; the first that fits.
        page: Entries on a page of a list.
        xet: Whether large files are in the chunk store.
        endpoint: Its address, once it runs.
        storage: The other host, where large files lie.
        accounts: Token to the namespaces that it may write to.
    """

    repositories: tuple[Repository, ...]
    requests: list[str] = field(default_factory=list)
    cut: dict[str, int] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    token: str = ""
    granted: bool = False
    delay: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    page: int = 2
    xet: bool = False
    endpoint: str = ""
    storage: Storage = field(default_factory=Storage)
    accounts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, kind: str, name: str, revision: str = "main") -> Repository | None:
        """The repository of that name, at that revision if it has it."""
        found = [r for r in self.repositories if (r.kind, r.name) == (kind, name)]
        return next((r for r in found if r.has(revision)), found[0] if found else None)

    def fault(self, path: str) -> Fault | None:
        """What goes wrong with this request, if anything."""
        for fault in self.faults:
            if fault.where in path and fault.times > 0:
                fault.times -= 1
                return fault
        return None


@contextmanager
def running(*repositories: Repository) -> Iterator[Hub]:
    """Serve repositories on two free ports of loopback until the block ends."""
    hub = Hub(repositories)
    hub.storage.requests, hub.storage.cut = hub.requests, hub.cut
    for repository in repositories:
        for path, content in repository.files.items():
            hub.storage.chunks[xet_hash(content)] = (path, content)
    with ExitStack() as stack:
        hub.endpoint = stack.enter_context(serving(type("Bound", (_Handler,), {"served": hub})))
        bound = type("BoundStorage", (StorageHandler,), {"served": hub.storage})
        hub.storage.address = stack.enter_context(serving(bound))
        yield hub


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that did not wait for the answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run a server on a free port; its address."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def is_large(path: str) -> bool:
    """Whether a file is kept outside of git."""
    return path.endswith(_LARGE)


def git_blob(content: bytes) -> str:
    """The name that git gives to a content."""
    head = b"blob %d\0" % len(content)
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()


def xet_hash(content: bytes) -> str:
    """A name for a content in the chunk store; the true one is a hash too, of another kind."""
    return hashlib.blake2b(content, digest_size=32).hexdigest()


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
        time.sleep(self.served.delay)
        words = path.split("/")
        fault = self.served.fault(path)
        if fault is not None:
            self._refuse(fault.status, "", "as the test wants it", fault.headers)
        elif not path:
            self._send(b"")
        elif self.command == "POST" and take(self, words, body):
            pass
        elif words[0] == "api" and words[1] == "resolve-cache":
            self._file(words[2], "/".join(words[3:5]), words[5], "/".join(words[6:]))
        elif words[0] == "api" and len(words) >= 4:
            self._api(words[1], "/".join(words[2:4]), words[4:], (parts.query, body))
        elif "resolve" in words:
            at = words.index("resolve")
            kind = "datasets" if words[0] == "datasets" else "models"
            name = "/".join(words[1 if kind == "datasets" else 0 : at])
            self._resolve(kind, name, words[at + 1], "/".join(words[at + 2 :]))
        else:
            self._refuse(404, "EntryNotFound", "no such page")

    def _found(self, kind: str, name: str, revision: str) -> Repository | None:
        """The repository, if this client may see it; otherwise the refusal is sent."""
        wanted, given = self.served.token, self.headers.get("Authorization")
        repository = self.served.find(kind, name, revision)
        if repository is not None and repository.private and not self._may_write(name):
            repository = None
        if wanted and given is None:
            self._refuse(401, "", "Invalid username or password.")
        elif wanted and given != f"Bearer {wanted}":
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif repository is None:
            self._refuse(404, "RepoNotFound", "Repository not found")
        elif repository.gated and not self.served.granted:
            self._refuse(403 if given else 401, "GatedRepo", f"Access to {name} is restricted.")
        elif not repository.has(revision):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return repository
        return None

    def _may_write(self, name: str) -> bool:
        token = str(self.headers.get("Authorization") or "").removeprefix("Bearer ")
        return name.partition("/")[0] in self.served.accounts.get(token, ())

    def _api(self, kind: str, name: str, rest: list[str], asked: tuple[str, bytes]) -> None:
        action = rest[0] if rest else "revision"
        repository = self._found(kind, name, rest[1] if len(rest) > 1 else "main")
        if repository is None:
            return
        if action == "revision":
            self._json(
                {
                    "_id": "0" * 24,
                    "id": name,
                    "sha": repository.commit,
                    "private": repository.private,
                    "gated": False,
                    "tags": [],
                    "siblings": [{"rfilename": path} for path in repository.files],
                }
            )
        elif action == "tree":
            self._tree(repository, "/".join(rest[2:]), asked[0])
        elif action == "paths-info":
            self._json(self._infos(repository, _paths(asked[1])))
        elif action == "xet-read-token":
            self._send(b"{}", headers=self.served.storage.pass_headers())
        else:
            self._refuse(404, "EntryNotFound", "no such endpoint")

    def _tree(self, repository: Repository, folder: str, query: str) -> None:
        prefix = f"{folder}/" if folder else ""
        inside = [path for path in repository.files if path.startswith(prefix)]
        if not inside:
            self._refuse(404, "EntryNotFound", f"{folder} does not exist")
            return
        recursive = "recursive=true" in query.lower()
        entries: dict[str, dict[str, Any]] = {}
        for path in inside:
            first, slash, _ = path.removeprefix(prefix).partition("/")
            if slash:
                entries[prefix + first] = _folder(prefix + first)
            if recursive or not slash:
                entries[path] = repository.entry(path, xet=self.served.xet)
        cursor = int(parse_qs(query).get("cursor", ["0"])[0])
        end = cursor + self.served.page
        headers = {}
        if end < len(entries):
            others = "&".join(p for p in query.split("&") if p and not p.startswith("cursor="))
            address = f"{self.served.endpoint}{quote(urlsplit(self.path).path)}?{others}"
            headers["Link"] = f'<{address}&cursor={end}>; rel="next"'
        self._json(list(entries.values())[cursor:end], headers)

    def _infos(self, repository: Repository, paths: list[str]) -> list[dict[str, Any]]:
        found = []
        for path in paths:
            if path in repository.files:
                found.append(repository.entry(path, xet=self.served.xet))
            elif any(name.startswith(f"{path}/") for name in repository.files):
                found.append(_folder(path))
        return found

    def _resolve(self, kind: str, name: str, revision: str, path: str) -> None:
        """Tell what a file is, and send the client to where it lies."""
        repository = self._found(kind, name, revision)
        if repository is None:
            return
        commit = {"X-Repo-Commit": repository.commit}
        if path not in repository.files:
            self._refuse(404, "EntryNotFound", "Entry not found", commit)
            return
        content = repository.files[path]
        headers = {**commit, "X-Linked-Size": str(len(content)), "Accept-Ranges": "bytes"}
        if not is_large(path):
            address = f"/api/resolve-cache/{kind}/{name}/{repository.commit}/{quote(path)}"
            headers |= {"Location": address, "X-Linked-ETag": f'"{git_blob(content)}"'}
            self._send(b"Temporary Redirect", 307, headers)
            return
        headers["X-Linked-ETag"] = f'"{hashlib.sha256(content).hexdigest()}"'
        given = content[::-1] if path in self.served.changed else content
        headers["Location"] = self.served.storage.signed(path, given)
        if self.served.xet:
            route = f"{self.served.endpoint}/api/{kind}/{name}/xet-read-token/{repository.commit}"
            headers |= {"X-Xet-Hash": xet_hash(content), "Link": f'<{route}>; rel="xet-auth"'}
        self._send(b"Found", 302, headers)

    def _file(self, kind: str, name: str, revision: str, path: str) -> None:
        """A file of git, from where the redirect leads to."""
        repository = self._found(kind, name, revision)
        if repository is None:
            return
        content = repository.files[path]
        headers = {"ETag": f'"{git_blob(content)}"', "X-Repo-Commit": repository.commit}
        if self.command == "GET" and "gzip" in self.headers.get("Accept-Encoding", ""):
            # Text goes compressed to who takes it so.
            content, headers = gzip.compress(content), {**headers, "Content-Encoding": "gzip"}
        self._send(content, headers=headers)

    def _json(
        self, value: Any, headers: Mapping[str, str] | None = None, *, status: int = 200
    ) -> None:
        kind = {"Content-Type": "application/json"}
        self._send(json.dumps(value).encode(), status, {**kind, **(headers or {})})

    def _refuse(
        self, status: int, code: str, message: str, more: Mapping[str, str] | None = None
    ) -> None:
        headers = {"X-Error-Message": message, **(more or {})}
        if code:
            headers["X-Error-Code"] = code
        self._send(json.dumps({"error": message}).encode(), status, headers)

    def _send(
        self, content: bytes, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}


def _paths(body: bytes) -> list[str]:
    """The paths of a request, sent as JSON or as a form."""
    text = body.decode()
    if text.startswith("{"):
        found = json.loads(text)["paths"]
        return [found] if isinstance(found, str) else list(found)
    return parse_qs(text).get("paths", [])
