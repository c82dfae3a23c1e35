"""A Ray cluster of two nodes on this machine's loopback, as a program that tests talk to.

It prints the address; ``lose`` on its input kills the second node with all that runs there.
"""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

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
