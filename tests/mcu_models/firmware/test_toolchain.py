"""A compiler is found, named and given the right flags, or its absence is said in one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.firmware import toolchain as module
from mcu_models.firmware.toolchain import Toolchain, find_toolchain

if TYPE_CHECKING:
    from mcu_models.firmware.toolchain import Kind


def test_gcc_is_taken_before_zig(monkeypatch: pytest.MonkeyPatch) -> None:
    gcc, zig = Toolchain("gcc", ("gcc",), "gcc 1"), Toolchain("zig", ("zig",), "zig 1")
    monkeypatch.setattr(module, "_find_gcc", lambda: gcc)
    monkeypatch.setattr(module, "_find_zig", lambda: zig)
    assert find_toolchain() is gcc
    assert find_toolchain("zig") is zig


def test_no_compiler_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "ziglang", None)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(BadInputError, match="gcc-arm-none-eabi, or pip install ziglang"):
        find_toolchain()


def test_an_unknown_compiler_is_refused() -> None:
    with pytest.raises(BadInputError, match="compiler 'gc'; did you mean 'gcc'"):
        find_toolchain("gc")


def test_the_compiler_says_its_version(toolchain: Toolchain) -> None:
    """Every prediction reports the compiler, so its version is never empty."""
    assert any(digit in toolchain.version for digit in "0123456789")
    assert toolchain.kind in toolchain.version


@pytest.mark.parametrize("kind", ["gcc", "zig"])
def test_each_core_gets_its_own_floating_point_unit(kind: Kind) -> None:
    compiler = Toolchain(kind, (kind,), kind)
    m4, m7 = compiler.compile_flags("cortex-m4"), compiler.compile_flags("cortex-m7")
    assert set(m4) ^ set(m7) >= {flag for flag in m4 if "mcpu" in flag}
    with pytest.raises(BadInputError, match="core is 'cortex-m3'"):
        compiler.compile_flags("cortex-m3")


def test_paths_of_this_machine_are_mapped_away() -> None:
    compiler = Toolchain("zig", ("zig",), "zig", Path("/somewhere/ziglang"))
    assert compiler.path_flags(Path("/here")) == (
        "-ffile-prefix-map=/here=.",
        "-ffile-prefix-map=/somewhere/ziglang=/zig",
    )
