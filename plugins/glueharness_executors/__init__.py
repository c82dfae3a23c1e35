"""Where runs are done: worker processes here, a Ray cluster, or Slurm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glueharness import ExecutorSpec, hookimpl

if TYPE_CHECKING:
    from glueharness import Executor, ExecutorContext, WorkerShare


def _local(context: ExecutorContext) -> Executor:
    from glueharness_executors.local import LocalExecutor

    return LocalExecutor(context)


def _ray(context: ExecutorContext) -> Executor:
    from glueharness_executors.ray_cluster import RayExecutor

    return RayExecutor(context)


def _slurm(context: ExecutorContext) -> Executor:
    from glueharness_executors.slurm import SlurmExecutor

    return SlurmExecutor(context)


def _local_share(argument: str, jobs: int | None, processors: int) -> WorkerShare:
    from glueharness_executors.shares import local_share

    return local_share(argument, jobs, processors)


def _ray_share(argument: str, jobs: int | None, processors: int) -> WorkerShare:
    from glueharness_executors.shares import ray_share

    return ray_share(argument, jobs, processors)


def _slurm_share(argument: str, jobs: int | None, processors: int) -> WorkerShare:
    from glueharness_executors.shares import slurm_share

    return slurm_share(argument, jobs, processors)


@hookimpl
def glueharness_executors() -> list[ExecutorSpec]:
    """Worker processes on this machine, a Ray cluster, and Slurm."""
    return [
        ExecutorSpec(
            name="local",
            description="Worker processes on this machine, which share its processors.",
            factory=_local,
            share=_local_share,
        ),
        ExecutorSpec(
            name="ray",
            description="A Ray cluster: that of an address, or one for this command [extra: ray].",
            factory=_ray,
            share=_ray_share,
            argument="ADDRESS",
        ),
        ExecutorSpec(
            name="slurm",
            description="Jobs of the Slurm cluster that this machine belongs to [extra: slurm].",
            factory=_slurm,
            share=_slurm_share,
            argument="OPTIONS",
        ),
    ]
