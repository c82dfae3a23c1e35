"""Servers on loopback that hold runs: Debian's sshd, and an S3 store in a process of its own."""

from __future__ import annotations

import contextlib
import getpass
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, ClassVar

from fsspec.implementations import memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS = 30.0
_CONF = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/home/.ssh/id_ed25519.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
ForceCommand internal-sftp
"""


def without_ssh() -> str:
    """Why there can be no SSH server here; empty if there can."""
    if importlib.util.find_spec("sshfs") is None:
        return "sshfs is not installed"
    absent = [name for name in ("sshd", "ssh-keygen") if _program(name) is None]
    return f"{', '.join(absent)} not installed (apt-get install openssh-server)" if absent else ""


def without_s3() -> str:
    """Why there can be no S3 server here; empty if there can."""
    absent = [name for name in ("s3fs", "moto", "flask") if importlib.util.find_spec(name) is None]
    return f"{', '.join(absent)} not installed (pip install s3fs 'moto[server]')" if absent else ""


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")


class SshServer:
    """An sshd for the user who runs the tests, and a home folder that knows it and has a key."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.home = folder / "home"
        (self.home / ".ssh").mkdir(parents=True)
        for key in (folder / "host_key", self.home / ".ssh" / "id_ed25519"):
            subprocess.run(
                [str(_program("ssh-keygen")), "-q", "-t", "ed25519", "-N", "", "-f", str(key)],
                check=True,
            )
        public = (folder / "host_key.pub").read_text().split()[:2]
        self.known = self.home / ".ssh" / "known_hosts"
        self.known.write_text(f"[127.0.0.1]:{self.port} {' '.join(public)}\n")
        (folder / "sshd_config").write_text(_CONF.format(port=self.port, folder=folder))
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # noqa: PTH103
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Begin to answer."""
        words = [str(_program("sshd")), "-D", "-f", str(self.folder / "sshd_config")]
        words += ["-E", str(self.folder / "sshd.log")]
        self.process = subprocess.Popen(words, start_new_session=True)
        wait_for(self.port)

    def drop(self) -> None:
        """Lose every connection, and answer no more."""
        import psutil

        assert self.process is not None
        family = [psutil.Process(self.process.pid)]
        family += family[0].children(recursive=True)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()

    def url(self, path: Path) -> str:
        """The URL of a folder."""
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """An S3 store with a bucket ``team``; the address of it."""
    port = free_port()
    code = (
        "import sys, boto3; from moto.server import ThreadedMotoServer\n"
        "server = ThreadedMotoServer('127.0.0.1', int(sys.argv[1]), verbose=False)\n"
        "server.start()\n"
        "address = f'http://127.0.0.1:{sys.argv[1]}'\n"
        "boto3.client('s3', endpoint_url=address).create_bucket(Bucket='team')\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(port)], env={**os.environ, **S3_KEYS},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()


_Memory: Any = memory.MemoryFileSystem


class InProcess(_Memory):  # type: ignore[misc]  # fsspec has no types
    """An object store in this process, under a protocol that somebody else's library would have."""

    protocol = "kept"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        kept: str = super()._strip_protocol(path.removeprefix("kept://"))
        return kept


S3_KEYS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}
"""Credentials as the library finds them."""


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens at a port of loopback."""
    end = time.monotonic() + _SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < end, "the server did not begin in time"
        time.sleep(0.05)
