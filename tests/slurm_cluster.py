"""A Slurm cluster of two nodes on this machine's loopback, for tests: Debian's own packages."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

_CONF = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=sched_interval=2,batch_sched_delay=0,bf_interval=2
JobRequeue=1
ReturnToService=2
SlurmdTimeout=15
KillWait=5
MinJobAge=600
InactiveLimit=0
PropagateResourceLimits=NONE
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=1 State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES MaxTime=60 State=UP PriorityTier=1 GraceTime=5
PartitionName=high Nodes=ALL MaxTime=60 State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing() -> str:
    """Why there can be no such cluster here; empty if there can."""
    if os.geteuid() != 0:
        return "Slurm's daemons need root"
    absent = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    return (
        f"{', '.join(absent)} not installed (apt-get install munge slurmd slurmctld)"
        if absent
        else ""
    )


class SlurmCluster:
    """The cluster; it is stopped by its process ids."""

    def __init__(self) -> None:
        # Not below pytest's folder: every user must be able to reach munge's socket.
        self.folder = Path(tempfile.mkdtemp(prefix="glueharness-slurm-"))
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            self._begin(self.folder)
        except BaseException:
            self.close()
            raise

    def _begin(self, folder: Path) -> None:
        folder.chmod(0o755)
        (folder / "state").mkdir()
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        port = _free_ports()
        conf = folder / "slurm.conf"
        conf.write_text(
            _CONF.format(
                folder=folder, host=socket.gethostname().partition(".")[0],
                port=port, first=port + 1, last=port + 2,
            )
        )  # fmt: skip
        self.environment = {**os.environ, "SLURM_CONF": str(conf)}
        self._start(
            "munged", "--foreground", f"--key-file={key}", f"--socket={folder}/munge.socket",
            f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log",
            f"--seed-file={folder}/munged.seed",
        )  # fmt: skip
        _wait((folder / "munge.socket").exists)
        self._start("slurmctld", "-D", "-f", str(conf))
        for node in ("n1", "n2"):
            self._start("slurmd", "-D", "-N", node, "-f", str(conf))
        _wait(
            lambda: self.tell("sinfo", "-h", "-N", "-p", "low", "-o", "%T").split() == ["idle"] * 2
        )

    def _start(self, program: str, *words: str) -> None:
        path = shutil.which(program, path=PATH)
        assert path is not None
        with (self.folder / f"{program}.out").open("ab") as stream:
            self._processes.append(
                subprocess.Popen(
                    [path, *words], env=self.environment, stdin=subprocess.DEVNULL,
                    stdout=stream, stderr=subprocess.STDOUT,
                )
            )  # fmt: skip

    def tell(self, *words: str) -> str:
        """What one of Slurm's programs prints."""
        done = subprocess.run(
            words, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout

    def jobs(self) -> list[tuple[str, str]]:
        """Jobs that are not over: ids and states."""
        listing = self.tell("squeue", "-h", "-r", "-o", "%i %T")
        return [(line.split()[0], line.split()[1]) for line in listing.splitlines()]

    def close(self) -> None:
        """Stop everything, and what it has started."""
        self.tell("scancel", "--signal=KILL", "--full", "-u", "root")
        self.tell("scancel", "-u", "root")
        with contextlib.suppress(AssertionError):
            _wait(lambda: not self.jobs(), 15)
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _free_ports() -> int:
    """The first of three neighbouring ports that nobody listens at."""
    for port in range(17000 + os.getpid() % 1000 * 3, 30000, 3):
        with contextlib.ExitStack() as stack:
            try:
                for each in range(port, port + 3):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", each))
            except OSError:
                continue
            return port
    raise AssertionError("no free ports")


def _wait(check: object, seconds: float = 30) -> None:
    assert callable(check)
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "Slurm did not start in time"
        time.sleep(0.1)
