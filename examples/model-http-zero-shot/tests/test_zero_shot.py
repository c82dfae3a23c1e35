"""The model with a server on this machine."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


class Server(BaseHTTPRequestHandler):
    """Prefers the label that the number of words points to."""

    version = "words-1"
    asked: list[int] = []

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer: dict[str, object] = {"version": self.version}
        if question:
            self.asked.append(len(question["texts"]))
            labels = len(question["labels"])
            words = [len(" ".join(row).split()) for row in question["texts"]]
            answer["scores"] = [[float(n % labels == k) for k in range(labels)] for n in words]
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Server.asked, Server.version = [], "words-1"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "glueharness", *words],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_server_s_answers_are_scored_and_not_asked_for_twice(url: str, tmp_path: Path) -> None:
    words = ("evaluate", "rte", "--data", "sample", "--model", "http-zero-shot", "--url", url)
    done = call(tmp_path, *words, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["kind"] == "evaluation"
    assert 0 < record["metrics"]["dev"]["accuracy"] < 1
    asked = list(Server.asked)
    assert sum(asked) == record["data"]["splits"]["dev"]["rows"]
    assert call(tmp_path, *words).returncode == 0
    assert Server.asked == asked
    Server.version = "words-2"
    assert call(tmp_path, *words).returncode == 0
    assert sum(Server.asked) == 2 * sum(asked)


def test_no_server_is_one_sentence(tmp_path: Path) -> None:
    words = ("evaluate", "rte", "--data", "sample", "--model", "http-zero-shot")
    done = call(tmp_path, *words, "--url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "the server gives no answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_is_not_trained(tmp_path: Path) -> None:
    done = call(tmp_path, "run", "rte", "--data", "sample", "--model", "http-zero-shot")
    assert done.returncode == 1
    assert "glueharness evaluate rte --model http-zero-shot" in done.stderr
