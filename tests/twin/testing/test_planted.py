"""Budgets on images that are really built: a planted slowdown and planted RAM are caught, the same image passes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from twin.testing.bench import Bench
from twin.testing.budgets import BudgetExceededError, Budgets, write_baseline

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.toolchain("arm-none-eabi-gcc"),
    pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="apt-get install gcc-arm-none-eabi"),
]
PROJECT = Path(__file__).parents[3] / "examples" / "own_driver"
CORE = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=soft")
FLAGS = (*CORE, "-std=c11", "-Os", "-ffreestanding", "-nostdlib", "-Wl,--build-id=none")
FUNCTION = "uint32_t warm_pixels(void)\n{\n"
SLOWER = FUNCTION + '    for (int n = 0; n < 20; ++n) {\n        __asm volatile("nop");\n    }\n'
"""20 turns of a nop and a loop: 80 cycles on 2,600."""
LARGER = "static volatile uint8_t planted[64];\n" + FUNCTION + "    planted[0] = 1u;\n"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    def built(function: str) -> Path:
        folder = tmp_path_factory.mktemp("planted")
        sources = shutil.copytree(PROJECT / "src", folder / "src")
        main = sources / "main.c"
        attribute = "__attribute__((noinline)) "
        text = main.read_text(encoding="utf-8")
        assert attribute + FUNCTION in text
        head, _, rest = function.rpartition(FUNCTION)
        main.write_text(text.replace(attribute + FUNCTION, head + attribute + FUNCTION + rest), encoding="utf-8")
        script = ["-T", str(PROJECT / "stm32l476.ld"), "-o", "planted.elf", *map(str, sorted(sources.glob("*.c")))]
        subprocess.run(["arm-none-eabi-gcc", *FLAGS, *script], cwd=folder, check=True)
        return folder / "planted.elf"

    return built


def held(image: Path, baseline: Path, *, updates: bool = False) -> Budgets:
    """Measure an image and hold it to a baseline."""
    budgets = Budgets(baseline, updates=updates)
    bench = Bench(board="stm32l476rg", budgets=budgets)
    machine = bench.boot(image)
    machine.play("office_doorway", seconds=1)
    bench.assert_budget(
        "warm pixels",
        cycles=machine.calls("warm_pixels").longest,
        ram=machine.ram_bytes,
        flash=machine.flash_bytes,
        energy_uj=machine.energy_j() * 1e6,
    )
    bench.close()
    return budgets


def test_a_planted_slowdown_and_planted_ram_are_caught(build: Callable[[str], Path], tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.toml"
    image = build(FUNCTION)
    write_baseline(baseline, held(image, baseline, updates=True).comparisons)
    for _ in range(3):
        assert {one.verdict for one in held(image, baseline).comparisons} == {"within"}
    with pytest.raises(BudgetExceededError, match=r"cycles .* \(\+3\.\d+%\)") as slower:
        held(build(SLOWER), baseline)
    assert "ram" not in str(slower.value)
    with pytest.raises(BudgetExceededError, match=r"ram .* \+64 bytes") as larger:
        held(build(LARGER), baseline)
    assert "cycles" not in str(larger.value)
