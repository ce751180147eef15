"""What testing firmware in emulation costs: a suite, the fixture, and whether budgets stay quiet on the same image.

    python benchmarks/firmware_tests.py

Prints the time of twenty cases of the people counter (`twin test`, two processes), the time that the fixture and a
boot add to a test beside an empty one, and how often an unchanged image exceeded its budget in a hundred runs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from twin.testing.bench import Bench
from twin.testing.budgets import BudgetExceededError, Budgets, write_baseline

IMAGE, BOARD = "people_counter_stm32l4a6zg", "stm32l4a6zg"
SCENARIOS = ("office_doorway", "meeting_room", "lift_lobby", "shop_entrance", "corridor_two_way")
FAULTS = {
    "three refusals": 'plan.i2c_nack = [{ bus = "I2C1", from_s = 4.0, times = 3 }]',
    "no supply": 'plan.i2c_brown_out = [{ bus = "I2C1", from_s = 4.0, until_s = 5.0 }]',
    "stuck bus": 'plan.i2c_stuck = [{ bus = "I2C1", from_s = 4.0, seconds = 0.5 }]',
}
SECONDS = 10
TESTS, REPEATS = 40, 100
EMPTY = """
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_one({fixture}number):
    {body}
"""


def suite_text() -> str:
    """Return a suite of five scenarios, each alone and with three faults."""
    head = f'title = "people counter"\nimage = "{IMAGE}"\nboards = ["{BOARD}"]\n'
    scenarios = [
        f'[[scenario]]\nname = "{name}"\nplay = "{name}"\nseconds = {SECONDS}\nanswers_within_s = 0.5\n'
        for name in SCENARIOS
    ]
    faults = [f'[[fault]]\nname = "{name}"\n{plan}\nanswers_within_s = 0.5\n' for name, plan in FAULTS.items()]
    return head + "\n".join(scenarios + faults)


def time_of_suite(folder: Path) -> tuple[float, str]:
    """Return the time of a whole `twin test`, its start included, and its last line."""
    suite = folder / "suite.toml"
    suite.write_text(suite_text(), encoding="utf-8")
    begin_s = time.perf_counter()
    command = [sys.executable, "-m", "twin", "test", str(suite)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    return time.perf_counter() - begin_s, done.stdout.splitlines()[-1]


def time_of_tests(folder: Path, fixture: str, body: str) -> float:
    """Return the time of a pytest run of many equal tests."""
    path = folder / "test_cost.py"
    path.write_text(EMPTY.format(tests=TESTS, fixture=fixture, body=body), encoding="utf-8")
    begin_s = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)  # noqa: S603 - our own command
    return time.perf_counter() - begin_s


def false_alarms(folder: Path) -> int:
    """Return how often the same image exceeded the budget that it set itself."""
    baseline, alarms = folder / "baseline.toml", 0
    for repeat in range(REPEATS + 1):
        budgets = Budgets(baseline, updates=repeat == 0)
        bench = Bench(board=BOARD, budgets=budgets)
        machine = bench.boot(IMAGE)
        machine.play("office_doorway", seconds=1)
        values = {"cycles": machine.calls("counter_count").longest, "ram": machine.ram_bytes}
        try:
            bench.assert_budget("counter", **values, flash=machine.flash_bytes, energy_uj=machine.energy_j() * 1e6)
        except BudgetExceededError as error:
            alarms += 1
            print(error)
        if repeat == 0:
            write_baseline(baseline, budgets.comparisons)
        bench.close()
    return alarms


def main() -> None:
    """Print all three."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suites = [time_of_suite(folder) for _ in range(3)]
        times = ", ".join(f"{seconds:.1f}" for seconds, _ in suites)
        cases = len(SCENARIOS) * (len(FAULTS) + 1)
        print(f"suite of {cases} cases, {SECONDS} s of frames each: {times} s; {suites[0][1]}")
        added = []
        for _ in range(3):
            plain_s = time_of_tests(folder, "", "pass")
            boots_s = time_of_tests(folder, "twin, ", f"twin.boot({IMAGE!r}, board={BOARD!r})")
            added.append((boots_s - plain_s) / TESTS)
        shown = ", ".join(f"{seconds:.3f}" for seconds in added)
        print(f"a test with the fixture and a boot takes longer than an empty one by {shown} s ({TESTS} tests a run)")
        print(f"(median {median(added):.3f} s, the loading of the emulator included)")
        print(f"budgets exceeded by an unchanged image: {false_alarms(folder)} of {REPEATS}")


if __name__ == "__main__":
    main()
