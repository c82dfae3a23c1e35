"""Compiling the native engine: in a wheel, without a compiler, and under the sanitizers."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from glueharness_native import _facts, compiling, library
from tests.native_tools import COMPILED, needs_library

ROOT = Path(__file__).resolve().parents[1]
needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="there is no g++ here to compile with"
)
_SANITIZERS = {
    "address and undefined behaviour": ("-fsanitize=address,undefined", "-fno-sanitize-recover"),
    "threads": ("-fsanitize=thread",),
}

_ARM_COMPILER, _ARM_EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64-static"


def flags_of(name: str) -> frozenset[str]:
    return frozenset(library._NEEDS[name])


def test_the_best_library_that_the_processor_can_run_is_taken() -> None:
    assert library.usable(flags_of("avx512_bf16")) == ["avx512_bf16", "avx512", "avx2"]
    assert library.usable(flags_of("avx512")) == ["avx512", "avx2"]
    assert library.usable(flags_of("avx2")) == ["avx2"]
    assert library.usable(flags_of("neon")) == ["neon"]
    assert library.usable(frozenset({"sse2", "avx"})) == []


def test_without_libraries_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(library.NoLibrary, match="not compiled when glueharness was installed"):
        library.best_library(tmp_path)
    (tmp_path / "avx2.so").write_bytes(b"no library")
    with pytest.raises(library.NoLibrary, match="cannot be loaded"):
        library.best_library(tmp_path)
    monkeypatch.setattr(library, "processor_flags", lambda: frozenset({"sse2"}))
    library.best_library.cache_clear()
    with pytest.raises(library.NoLibrary, match="neither AVX2 nor NEON"):
        library.best_library(tmp_path)
    library.best_library.cache_clear()


@needs_library
def test_a_library_of_other_sources_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(compiling.LIBRARIES / f"{COMPILED[0]}.so", tmp_path)
    assert library.best_library(tmp_path).name == COMPILED[0]
    library.best_library.cache_clear()
    monkeypatch.setattr(library, "source_hash", lambda: "others")
    with pytest.raises(library.NoLibrary, match="sources were changed"):
        library.best_library(tmp_path)
    library.best_library.cache_clear()


@needs_library
def test_what_cannot_be_read_or_is_not_ours_is_no_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compiling, "SOURCE", tmp_path / "absent")
    with pytest.raises(library.NoLibrary, match="its sources cannot be read"):
        library.best_library.__wrapped__()
    foreign = next(Path("/lib").glob("*/libm.so.6"), None)
    if foreign is not None:
        shutil.copy(foreign, tmp_path / f"{COMPILED[0]}.so")
        with pytest.raises(library.NoLibrary, match="is no library of this package"):
            library.best_library(tmp_path)
    monkeypatch.setattr(library, "processor_flags", frozenset)
    with pytest.raises(library.NoLibrary, match="/proc/cpuinfo does not say"):
        library.best_library.__wrapped__()


@needs_library
@pytest.mark.parametrize("damage", ["cut", "zeros", "bit", "longer"])
def test_a_damaged_library_is_told_and_never_loaded(damage: str, tmp_path: Path) -> None:
    """The system maps the file into memory: what is missing of it would kill the process."""
    shutil.copytree(compiling.LIBRARIES, tmp_path / "libraries")
    path = tmp_path / "libraries" / f"{COMPILED[0]}.so"
    whole = path.read_bytes()
    (tmp_path / "libraries" / compiling.STAMP).write_text(
        f"anything\n{path.name} {hashlib.sha256(whole).hexdigest()}\n", encoding="ascii"
    )
    assert library.Library(path).name == COMPILED[0]
    path.unlink()  # not in place: the process has the whole one mapped
    path.write_bytes(
        {
            "cut": whole[:5000],
            "zeros": whole[:8192] + bytes(4096) + whole[12288:],
            "bit": whole[:-1] + bytes([whole[-1] ^ 1]),
            "longer": whole + b"x",
        }[damage]
    )
    with pytest.raises(library.NoLibrary, match="is damaged; installing glueharness again"):
        library.Library(path)


def test_doctor_has_one_line() -> None:
    (fact,) = _facts(offline=True)
    assert fact.name == "native engine"
    assert fact.value.startswith(COMPILED[0] if COMPILED else "not in use: ")
    assert bool(fact.remedy) == (not COMPILED)


def test_no_compiler_is_told_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(compiling.CannotCompile, match="no C\\+\\+ compiler"):
        compiling.compile_all(tmp_path / "libraries")
    assert not (tmp_path / "libraries").exists()


def build_wheel(tmp_path: Path, **variables: str) -> Path:
    """Build a wheel from a copy of the project that holds no libraries yet."""
    copy = tmp_path / "project"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".*", "libraries", "runs", "out", "docs", "tests")
    )
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "wheel")],
        cwd=copy, env={**os.environ, **variables}, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    return wheel


def test_without_a_compiler_the_wheel_is_pure(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, PATH=str(tmp_path), CXX="")
    assert wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.endswith(".so")]
    assert "glueharness_native/source/encoder.cpp" in names


@pytest.mark.slow
@needs_compiler
def test_with_a_compiler_the_wheel_holds_a_library_for_each_instruction_set(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path)
    assert "-py3-none-linux_x86_64" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        made = {name for name in archive.namelist() if name.endswith(".so")}
        assert made == {
            f"glueharness_native/libraries/{name}.so" for name in compiling.compiled_here()
        }
        archive.extractall(tmp_path / "installed")
    libraries = tmp_path / "installed/glueharness_native/libraries"
    stamp = (libraries / compiling.STAMP).read_text(encoding="ascii").split()
    assert [stamp[0], *stamp[1::2]] == [
        compiling.source_hash(), *(f"{name}.so" for name in compiling.compiled_here())
    ]  # fmt: skip
    for name in COMPILED:
        found = library.Library(libraries / f"{name}.so")
        assert found.source == compiling.source_hash()


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("sanitizer", _SANITIZERS)
def test_the_sanitizers_find_nothing(sanitizer: str, tmp_path: Path) -> None:
    flags = library.usable(library.processor_flags())
    if not flags:
        pytest.skip("this processor can run none of the libraries")
    program = build_check("g++", flags[0], tmp_path, "-O1", "-g", *_SANITIZERS[sanitizer])
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


def build_check(compiler: str, instruction_set: str, folder: Path, *flags: str) -> Path:
    """Compile the program that drives the engine with random shapes; bounds are asserted."""
    program = folder / f"check-{instruction_set}"
    sources = [path for path in compiling.SOURCE.glob("*.cpp") if path.name != "interface.cpp"]
    subprocess.run(
        [
            compiler, "-std=c++20", "-pthread", "-ffp-contract=off", "-Wno-psabi",
            *compiling.INSTRUCTION_SETS[instruction_set], *flags,
            f"-I{compiling.SOURCE}", *map(str, sources),
            str(ROOT / "tests/native_sanitizers.cpp"), "-o", str(program),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return program


@pytest.mark.slow
@needs_compiler
@pytest.mark.skipif(
    not (shutil.which(_ARM_COMPILER) and shutil.which(_ARM_EMULATOR)),
    reason=f"there is no {_ARM_COMPILER} and {_ARM_EMULATOR} here to compile and run for Arm",
)
def test_arm_gives_the_same_bits(tmp_path: Path) -> None:
    if "avx2" not in library.usable(library.processor_flags()):
        pytest.skip("this processor has no AVX2 to compare with")
    here = build_check("g++", "avx2", tmp_path, "-O2")
    arm = build_check(_ARM_COMPILER, "neon", tmp_path, "-O2", "-static")
    results = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for command in ([str(here)], [_ARM_EMULATOR, str(arm)])
    ]
    assert len(results[0].splitlines()) == 12
    assert results[0] == results[1]
