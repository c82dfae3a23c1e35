"""Services that keep experiments: what they are called, and where they keep a run."""

from __future__ import annotations

from dataclasses import dataclass

from glueharness import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A library that keeps experiments.

    Attributes:
        name: The tracker, and the extra that installs its library.
        title: The name in print.
        module: Its library.
        known_as: What accelerate calls it.
        named_by: The argument that gives a run its name; empty if there is none.
        kept_in: The argument that says in which folder files go; empty if there is none.
    """

    name: str
    title: str
    module: str
    known_as: str
    named_by: str = ""
    kept_in: str = ""


SERVICES = (
    Service(
        name="wandb", title="Weights & Biases", module="wandb", known_as="wandb", named_by="name",
        kept_in="dir",
    ),
    Service(
        name="trackio", title="Trackio", module="trackio", known_as="trackio", named_by="name"
    ),
    Service(name="comet", title="Comet", module="comet_ml", known_as="comet_ml"),
    Service(name="aim", title="Aim", module="aim", known_as="aim", kept_in="logging_dir"),
    Service(
        name="swanlab", title="SwanLab", module="swanlab", known_as="swanlab",
        named_by="experiment_name", kept_in="logdir",
    ),
)  # fmt: skip
"""Those that can be asked for with ``--track``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Where a service keeps a run.

    Attributes:
        project: The project there.
        name: The run's name there; empty for its id.
    """

    project: str = setting("glueharness", help="Project that the run is in.")
    name: str = setting("", help="Name of the run there; its id if not given.")
