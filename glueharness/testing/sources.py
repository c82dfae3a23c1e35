"""The test suite for data sources."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from glueharness.data.table import check, fingerprint
from glueharness.errors import DataError, GlueharnessError, SourceUnavailable
from glueharness.plugin.status import describe
from glueharness.specs import DataOptions
from glueharness.testing.expect import expect, expect_error, skip
from glueharness.testing.installed import expect_cheap_description, installed
from glueharness.testing.material import make_task, trial_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glueharness.plugin.registry import Registry
    from glueharness.specs import SourceSpec, TaskData, TaskSpec

_SECONDS = 6.0

_DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "an empty file": lambda _: b"",
    "bytes that are not UTF-8": lambda content: content[:-2] + b"\xff\xfe\n",
    "a file cut in the middle of a line": lambda content: content[: len(content) * 2 // 3],
    "no first line": lambda content: content.split(b"\n", 1)[-1],
    "a line of rubbish at the end": lambda content: content + b"\x01 no such row \x02\n",
}


class SourceConformance:
    """Tests a data source. Inherit from this class and set its attributes.

    Attributes:
        source: The source.
        task: A task that it has data for.
        registry: Where to look up the source's plugin; by default the installed plugins.
    """

    source: ClassVar[SourceSpec]
    task: ClassVar[TaskSpec]
    registry: ClassVar[Registry | None] = None

    def prepare(self, folder: Path) -> DataOptions:  # noqa: ARG002 - for those who override it
        """Prepare the data, in ``folder`` if they are files, and return where they are.

        Files that are written here are damaged one by one, to test the source's messages.
        """
        return DataOptions(offline=True)

    def test_facts_are_complete(self) -> None:
        """It has a description."""
        expect(self.source.description.strip(), "description is empty")

    def test_describing_it_is_cheap(self) -> None:
        """Its plugin imports nothing heavy until data are needed."""
        registry = self.registry if self.registry is not None else installed()
        expect_cheap_description(registry.sources, self.source.name)

    def test_it_says_where_the_data_come_from(self) -> None:
        """Origin and splits are known before anything is read."""
        with trial_folder() as folder:
            data = self._open(self.prepare(folder))
            expect(data.origin.source, "the origin names no source")
            expect(data.origin.location, "the origin names no location")
            known = {split.name for split in self.task.splits}
            expect(data.available, "no split is available")
            strange = sorted(set(data.available) - known)
            expect(not strange, f"the task has no split {', '.join(strange)}")

    def test_every_split_is_what_the_task_says(self) -> None:
        """Splits have the task's columns, texts, and labels by name."""
        with trial_folder() as folder:
            data = self._open(self.prepare(folder))
            for name in data.available:
                check(data.load(name), self.task, name=name, where=data.origin.location)

    def test_reading_twice_gives_the_same(self) -> None:
        """The rows' fingerprint does not change."""
        with trial_folder() as folder:
            data = self._open(self.prepare(folder))
            for name in data.available:
                prints = {fingerprint(data.load(name), self.task) for _ in range(2)}
                expect(len(prints) == 1, f"{name} read twice is not the same")

    def test_other_tasks_are_left_to_other_sources(self) -> None:
        """It quickly refuses a task without data, so that ``auto`` can try the next source."""
        with trial_folder() as folder:
            start = time.monotonic()
            with expect_error(SourceUnavailable, doing="open a task that it does not know"):
                self._open_task(make_task("single"), DataOptions(folder=folder, offline=True))
            seconds = time.monotonic() - start
            expect(seconds < _SECONDS, f"it took {seconds:.1f} s to say so")

    def test_damaged_files_are_named(self) -> None:
        """A damaged file causes an error that names it, or no harm, but never a bare traceback."""
        with trial_folder() as folder:
            options = self.prepare(folder)
            files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            if not files:
                skip("the suite prepares no files")
            for path in files:
                content = path.read_bytes()
                for what, damage in _DAMAGES.items():
                    path.write_bytes(damage(content))
                    self._expect_harmless(options, path, what)
                path.write_bytes(content)

    def _expect_harmless(self, options: DataOptions, path: Path, what: str) -> None:
        try:
            data = self._open(options)
            for name in data.available:
                check(data.load(name), self.task, name=name, where=str(path))
        except DataError as error:
            expect(
                path.name in str(error), f"{what}: the message does not name {path.name}: {error}"
            )
        except GlueharnessError:
            raise
        except Exception as error:
            raise AssertionError(f"{what} in {path.name}: {describe(error)}") from error

    def _open(self, options: DataOptions) -> TaskData:
        try:
            return self._open_task(self.task, options)
        except SourceUnavailable as reason:
            skip(f"the data are not here: {reason.what}")

    def _open_task(self, task: TaskSpec, options: DataOptions) -> TaskData:
        return self.source.factory().open(task, options)
