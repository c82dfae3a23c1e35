"""The hub's other host, as the stand-in has it: signed addresses, and the chunk store of Xet.

A signed address is taken as it is: who adds the hub's token to it is refused, as by S3. The chunk
store follows the published protocol (https://huggingface.co/docs/xet): a file is a list of terms,
a term a range of chunks in a block ("xorb"), a block is fetched by byte range.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHUNK = 64 * 1024
_PASS = "pass-to-the-chunks"  # noqa: S105 - made up


@dataclass
class Storage:
    """What lies there.

    Attributes:
        address: Its address, once it runs.
        files: Content by path, of the addresses that were signed.
        chunks: Path and content of a file by its hash in the chunk store.
        requests: ``METHOD path`` of every request.
        cut: Path of a file to the number of bytes after which connections are cut.
        fault: A status that is answered to everything; 0 for none.
        objects: Content of uploaded files by their SHA-256.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    chunks: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    cut: dict[str, int] = field(default_factory=dict)
    fault: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)

    def signed(self, path: str, content: bytes) -> str:
        """An address that needs no token."""
        self.files[path] = content
        return f"{self.address}/store/{quote(path)}?X-Amz-Signature=0123&response-content-type=x"

    def pass_headers(self) -> dict[str, str]:
        """What the hub tells a client that wants to go to the chunk store."""
        return {
            "X-Xet-Cas-Url": self.address,
            "X-Xet-Access-Token": _PASS,
            "X-Xet-Token-Expiration": str(int(time.time()) + 3600),
        }


def block_of(content: bytes) -> bytes:
    """A content as one block: chunks, each behind a head of eight bytes, uncompressed."""
    parts = []
    for start in range(0, len(content), _CHUNK):
        chunk = content[start : start + _CHUNK]
        size = len(chunk).to_bytes(3, "little")
        parts += [b"\0", size, b"\0", size, chunk]  # version, packed size, packing, size
    return b"".join(parts)


class StorageHandler(BaseHTTPRequestHandler):
    """Answers one connection."""

    served: Storage
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Write nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        """Take an upload, at the address that was signed for it and whole."""
        parts = urlsplit(self.path)
        path = unquote(parts.path).strip("/")
        self.served.requests.append(f"PUT {path}")
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind, _, name = path.partition("/")
        if self.served.fault:
            self._send(b"as the test wants it", self.served.fault)
        elif self.headers.get("Authorization"):
            self._send(b"Only one auth mechanism allowed", 400)
        elif kind != "put" or "X-Amz-Signature" not in parse_qs(parts.query):
            self._send(b"Access Denied", 403)
        elif hashlib.sha256(content).hexdigest() != name:
            self._send(b"XAmzContentSHA256Mismatch", 400)
        else:
            self.served.objects[name] = content
            self._send(b"")

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path).strip("/")
        self.served.requests.append(f"{self.command} {path}")
        kind, _, rest = path.partition("/")
        if self.served.fault:
            self._send(b"as the test wants it", self.served.fault)
        elif kind == "store" and rest in self.served.files:
            if self.headers.get("Authorization"):
                self._send(b"Only one auth mechanism allowed", 400)
            elif "X-Amz-Signature" not in parse_qs(parts.query):
                self._send(b"Access Denied", 403)
            else:
                self._range(self.served.files[rest], self.served.cut.get(rest))
        elif kind in {"v1", "v2"} and rest.startswith("reconstructions/"):
            self._terms(kind, rest.rpartition("/")[2])
        elif kind == "block" and rest in self.served.chunks:
            name, content = self.served.chunks[rest]
            self._range(block_of(content), self.served.cut.get(name))
        else:
            self._send(b"not here", 404)

    def _terms(self, version: str, name: str) -> None:
        """What a file is made of, in the first version of the protocol."""
        if self.headers.get("Authorization") != f"Bearer {_PASS}":
            self._send(b"no pass", 401)
        elif version != "v1" or name not in self.served.chunks:
            self._send(b"not here", 404)
        else:
            _, content = self.served.chunks[name]
            count = -(-len(content) // _CHUNK)
            chunks = {"start": 0, "end": count}
            fetch = {
                "range": chunks,
                "url": f"{self.served.address}/block/{name}?X-Amz-Signature=0123",
                "url_range": {"start": 0, "end": len(block_of(content)) - 1},
            }
            term = {"hash": name, "unpacked_length": len(content), "range": chunks}
            told = {"offset_into_first_range": 0, "terms": [term], "fetch_info": {name: [fetch]}}
            self._send(json.dumps(told).encode(), headers={"Content-Type": "application/json"})

    def _range(self, content: bytes, limit: int | None) -> None:
        """A content, or the bytes of it that are asked for."""
        start, status = 0, 200
        headers = {"Accept-Ranges": "bytes", "ETag": '"of-the-storage"'}
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first)
            end = min(int(last) + 1 if last else len(content), len(content))
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
            content, status = content[start:end], 206
        only = None
        if limit is not None and self.command == "GET":
            only = max(0, limit - start)
        self._send(content, status, headers, only)

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
