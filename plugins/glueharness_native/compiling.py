"""From the C++ sources to one library for each instruction set.

Nothing but the standard library is used: the build hook runs this file where nothing is installed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCE = Path(__file__).parent / "source"
LIBRARIES = Path(__file__).parent / "libraries"
STAMP = "made-from.txt"
"""Beside the libraries: the hash of their sources, then a line with the SHA-256 of each."""

_AVX512 = ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mfma", "-mavx2")
INSTRUCTION_SETS = {
    "avx512_bf16": (*_AVX512, "-mavx512bf16", "-mprefer-vector-width=512"),
    "avx512": (*_AVX512, "-mprefer-vector-width=512"),
    "avx2": ("-mavx2", "-mfma"),
    "neon": (),
}
"""The best first; each is a library of its own, so that none of its instructions runs elsewhere."""

_FOR = {
    "x86_64": ("avx512_bf16", "avx512", "avx2"),
    "AMD64": ("avx512_bf16", "avx512", "avx2"),
    "aarch64": ("neon",),
}
"""What is compiled for which kind of machine; every 64-bit Arm processor has NEON."""

# No -ffast-math, which would reorder sums and assume that nothing is NaN; and no fused operation
# where the source has none, so that all instruction sets give the same bits.
_FLAGS = (
    "-std=c++20", "-O3", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden",
    "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
    "-Wall", "-Wextra", "-Wno-psabi", "-Wno-unused-function", "-Wno-maybe-uninitialized",
)  # fmt: skip
_RELEASE = ("-DNDEBUG", "-static-libstdc++", "-static-libgcc")


class CannotCompile(Exception):  # noqa: N818 - not an error: the engine is then done without
    """There is no compiler here, or it failed."""


def compiler() -> str:
    """The C++ compiler: ``CXX``, or the first of ``g++``, ``c++`` and ``clang++`` on the path.

    Raises:
        CannotCompile: There is none, or the processor is of a kind that the sources do not know.
    """
    if sys.platform != "linux" or not compiled_here():
        raise CannotCompile(
            f"the native engine is for Linux on x86-64 and 64-bit Arm; this is {sys.platform} on "
            f"{platform.machine()}"
        )
    for name in (os.environ.get("CXX", ""), "g++", "c++"):
        if name and shutil.which(shlex.split(name)[0]):
            return name
    raise CannotCompile("there is no C++ compiler here (g++ or c++)")


def compiled_here() -> tuple[str, ...]:
    """The instruction sets that libraries are compiled for on this kind of machine."""
    return _FOR.get(platform.machine(), ())


def source_hash() -> str:
    """A hash of the sources and of how they are compiled."""
    found = hashlib.sha256(repr((INSTRUCTION_SETS, _FLAGS, _RELEASE)).encode())
    for path in sorted(SOURCE.iterdir()):
        if path.suffix in {".h", ".cpp"}:
            found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


def compile_library(instruction_set: str, target: Path, extra: tuple[str, ...] = _RELEASE) -> None:
    """Compile the library of one instruction set.

    Args:
        instruction_set: A key of :data:`INSTRUCTION_SETS`.
        target: The file to write.
        extra: Further flags: those of a release, or for instance a sanitizer's.

    Raises:
        CannotCompile: The compiler failed; with the first lines that it said.
    """
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    command = [
        *shlex.split(compiler()), *_FLAGS, *INSTRUCTION_SETS[instruction_set], *extra,
        f'-DGLUEHARNESS_SOURCE="{source_hash()}"',
        *(str(path) for path in sorted(SOURCE.glob("*.cpp"))), "-o", str(aside),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        aside.unlink(missing_ok=True)
        words = " ".join(done.stderr.splitlines()[:3])
        raise CannotCompile(f"{command[0]} failed: {words[:400]}")
    aside.replace(target)


def compile_all(folder: Path = LIBRARIES) -> list[Path]:
    """Compile the library of each instruction set, unless the folder holds them already.

    Raises:
        CannotCompile: There is no compiler, or it failed.
    """
    targets = {name: folder / f"{name}.so" for name in compiled_here()}
    stamp = folder / STAMP
    made_from = source_hash()
    if (
        all(target.is_file() for target in targets.values())
        and stamp.is_file()
        and stamp.read_text(encoding="ascii").partition("\n")[0] == made_from
        and not any(map(is_damaged, targets.values()))
    ):
        return list(targets.values())
    compiler()
    folder.mkdir(exist_ok=True)
    stamp.unlink(missing_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        list(workers.map(compile_library, targets.keys(), targets.values()))
    sums = [f"{target.name} {_sum(target)}\n" for target in targets.values()]
    stamp.write_text("".join([f"{made_from}\n", *sums]), encoding="ascii")
    return list(targets.values())


def is_damaged(library: Path) -> bool:
    """Whether a library is not what was compiled; one of which nothing is known is taken as it is.

    The system maps the file into memory, and a part of it that is not there kills the process.

    Raises:
        OSError: It cannot be read.
    """
    stamp = library.with_name(STAMP)
    lines = stamp.read_text(encoding="ascii", errors="replace") if stamp.is_file() else ""
    sums = dict(line.split(" ", 1) for line in lines.splitlines() if " " in line)
    known = sums.get(library.name)
    return known is not None and known != _sum(library)


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    for made in compile_all():
        sys.stdout.write(f"{made}\n")
