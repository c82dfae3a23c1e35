"""The compiled libraries: which one this processor can run, and their C interface.

Shapes: b = rows of a batch, k = outputs, v = words, e = width of the embeddings.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_double, c_float, c_int32, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from glueharness_native.compiling import LIBRARIES, is_damaged, source_hash

_ERROR_BYTES = 256
_NEEDS = {
    "avx512_bf16": ("avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_bf16", "fma", "avx2"),
    "avx512": ("avx512f", "avx512bw", "avx512vl", "avx512dq", "fma", "avx2"),
    "avx2": ("avx2", "fma"),
    "neon": ("asimd",),
}
"""What each library needs of the processor, in the words of /proc/cpuinfo; the best first."""


class NoLibrary(Exception):  # noqa: N818 - not an error: another engine serves
    """There is no library that can be used here; the message says why, in one sentence."""


class Config(ctypes.Structure):
    """The model's sizes; see ``source/shapes.h``."""

    _fields_: ClassVar = [
        *(
            (name, c_int32)
            for name in (
                "layers", "hidden", "embedding", "heads", "intermediate", "vocabulary", "positions",
                "types", "labels", "regression", "pooler", "padding", "offset", "bf16", "threads",
            )
        ),
        *(
            (name, c_float)
            for name in (
                "epsilon", "dropout_hidden", "dropout_attention", "dropout_pooler",
                "dropout_classifier",
            )
        ),
    ]  # fmt: skip


class Batch(ctypes.Structure):
    """Rows of a batch; see ``source/shapes.h``."""

    _fields_: ClassVar = [
        ("rows", c_int32),
        *((name, c_void_p) for name in ("start", "length", "ids", "types", "targets")),
    ]


class Arrays(ctypes.Structure):
    """The arrays that parameters, moments and word vectors live in; see ``source/engine.h``."""

    _fields_: ClassVar = [
        (name, c_void_p)
        for name in (
            "parameters", "first_moments", "second_moments",
            "words", "word_first_moments", "word_second_moments", "word_steps",
        )
    ]  # fmt: skip


class Segment(ctypes.Structure):
    """Parameters that share decay and learning rate; see ``source/engine.h``."""

    _fields_: ClassVar = [
        ("begin", c_int64), ("end", c_int64), ("decay", c_float), ("rate_factor", c_float),
    ]  # fmt: skip


class Optimiser(ctypes.Structure):
    """AdamW's constants and schedule; see ``source/adamw.h`` and ``source/engine.h``."""

    _fields_: ClassVar = [
        ("beta1", c_double), ("beta2", c_double),
        ("epsilon", c_float), ("weight_decay", c_float), ("max_norm", c_float),
        # The three floats above fill up to the alignment of the struct that they end.
        ("_padding", c_float),
        ("segments", c_int32), ("steps", c_int32),
        ("segment", POINTER(Segment)), ("rates", POINTER(c_double)),
        ("word_rate_factor", c_float),
    ]  # fmt: skip


class Library:
    """A loaded library.

    Args:
        path: The file.

    Attributes:
        name: The instruction set it was made for.
        bf16: Whether it can compute in bfloat16.

    Raises:
        NoLibrary: It cannot be loaded, or was made from other sources than this package's.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        try:
            if is_damaged(path):
                raise NoLibrary(f"{path.name} is damaged; installing glueharness again mends it")
            self._c = ctypes.CDLL(str(path))
        except OSError as error:
            raise NoLibrary(f"{path.name} cannot be loaded: {error}") from error
        sizes = (c_int32 * 6)()
        try:
            self._c.glueharness_sizes(sizes)
        except AttributeError as error:
            raise NoLibrary(f"{path.name} is no library of this package") from error
        mine = [ctypes.sizeof(each) for each in (Config, Batch, Arrays, Segment, Optimiser)]
        if list(sizes)[:5] != mine:
            raise NoLibrary(f"{path.name} is of another version of this package")
        self.bf16 = bool(sizes[5])
        self._c.glueharness_source.restype = ctypes.c_char_p
        self._c.glueharness_layout.restype = c_int64
        for name in ("free", "parameters_changed", "gradients"):
            getattr(self._c, f"glueharness_{name}").restype = None

    @property
    def source(self) -> str:
        """The hash of the sources that it was made from."""
        return str(self._c.glueharness_source().decode("ascii"))

    def layout(self, config: Config) -> tuple[int, dict[str, tuple[int, int, int]]]:
        """Size of the flat array of parameters, and place, rows and columns of each by name."""
        needed = self._c.glueharness_layout(ctypes.byref(config), None, c_int64(0))
        text = ctypes.create_string_buffer(needed)
        self._c.glueharness_layout(ctypes.byref(config), text, c_int64(needed))
        size, *lines = text.value.decode("ascii").splitlines()
        places = {}
        for line in lines:
            name, *numbers = line.split()
            at, rows, columns = map(int, numbers)
            places[name] = (at, rows, columns)
        return int(size), places

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function that can fail; other Python threads go on meanwhile.

        Raises:
            MemoryError: Memory ran out.
            ValueError: It refused what it was given.
        """
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        if getattr(self._c, f"glueharness_{name}")(*arguments, error):
            message = error.value.decode("utf-8", "replace")
            raise MemoryError(message) if "memory" in message else ValueError(message)

    def tell(self, name: str, *arguments: Any) -> None:
        """Call a function that cannot fail."""
        getattr(self._c, f"glueharness_{name}")(*arguments)


def processor_flags() -> frozenset[str]:
    """What the processor can do, in the words of /proc/cpuinfo; empty where there is no such."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    # "flags" on x86, "Features" on Arm.
    names = ("flags", "Features")
    line = next((line for line in text.splitlines() if line.startswith(names)), "")
    return frozenset(line.partition(":")[2].split())


def usable(flags: frozenset[str]) -> list[str]:
    """The instruction sets that a processor with these flags can run, the best first."""
    return [name for name, needs in _NEEDS.items() if flags.issuperset(needs)]


def _source_hash() -> str:
    """See :func:`glueharness_native.compiling.source_hash`.

    Raises:
        NoLibrary: The sources cannot be read.
    """
    try:
        return source_hash()
    except OSError as error:
        raise NoLibrary(f"its sources cannot be read: {error}") from error


@cache
def best_library(folder: Path = LIBRARIES) -> Library:
    """The best library that this processor can run.

    Raises:
        NoLibrary: There is none; the message says why.
    """
    if not any(folder.glob("*.so")):
        raise NoLibrary(
            "it was not compiled when glueharness was installed "
            "(that takes g++ and Linux on x86-64 or 64-bit Arm)"
        )
    flags = processor_flags()
    if not flags:
        raise NoLibrary("/proc/cpuinfo does not say what this processor can do")
    for name in usable(flags):
        if (path := folder / f"{name}.so").is_file():
            library = Library(path)
            if library.source != _source_hash():
                raise NoLibrary("its sources were changed after it was compiled")
            return library
    raise NoLibrary("this processor has neither AVX2 nor NEON")
