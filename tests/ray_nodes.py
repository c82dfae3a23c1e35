"""A Ray cluster of two nodes on this machine's loopback, as a program that tests talk to.

It prints the address; ``lose`` on its input kills the second node with all that runs there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import Any

from tests.installing import ROOT

QUICK = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # everything listens on loopback
    "RAY_AUTH_MODE": "disabled",
    "RAY_worker_niceness": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_health_check_initial_delay_ms": "500",
}
"""Environment of the cluster and of whoever joins it."""


class Nodes:
    """The cluster, in a process of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.ray_nodes"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()

    def lose(self) -> None:
        """Lose the second node."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("lose\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "lost\n"

    def close(self) -> None:
        """Stop all of it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)


def tell(word: str) -> None:
    """Answer the test."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    os.environ.update(QUICK)
    folder = tempfile.mkdtemp(prefix="gh-ray-")
    os.environ["RAY_TMPDIR"] = folder
    os.makedirs(f"{folder}/ray")  # noqa: PTH103
    import psutil
    from ray.cluster_utils import Cluster

    small: Any = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster: Any = Cluster()
    cluster.add_node(**small)
    second = cluster.add_node(**small)
    tell(cluster.address)
    for line in sys.stdin:
        if line.strip() == "lose":
            for _, process in second.live_processes():
                victims = [psutil.Process(process.pid)]
                victims += victims[0].children(recursive=True)
                for victim in victims:
                    victim.kill()
            tell("lost")
    cluster.shutdown()


if __name__ == "__main__":
    main()
