"""The task ``urgency``: is a message to the help desk urgent? Its data are CSV files."""

from pathlib import Path

from glueharness import ACCURACY, SplitSpec, TaskSpec, csv_source, hookimpl

requires_api = "1.0"


@hookimpl
def glueharness_tasks() -> list[TaskSpec]:
    """One task."""
    return [
        TaskSpec(
            name="urgency",
            title="Urgency",
            description="Is a message to the help desk urgent, or can it wait?",
            columns=("message",),
            labels=("routine", "urgent"),
            splits=(
                SplitSpec(name="train", role="train", rows=160),
                SplitSpec(name="dev", role="dev", rows=60),
                SplitSpec(name="test", role="test", rows=60),
            ),
            metrics=(ACCURACY,),
            sources=(csv_source(Path(__file__).parent / "data"),),
            citation="Written for this example.",
            licence="CC0-1.0",
        )
    ]
