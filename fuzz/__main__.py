"""Fuzzes readers and prints what came of it: `python -m fuzz [READER...] --inputs 10000`; status 1 with findings."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fuzz.readers import READERS
from fuzz.runner import Tally, fuzz_reader


def main() -> int:
    """Fuzz, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"all when left out: {', '.join(READERS)}")
    parser.add_argument("--inputs", type=int, default=10_000, help="damaged files for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("out/fuzz"), help="where files are kept that found a defect")
    parser.add_argument(
        "--guided", action=argparse.BooleanOptionalAction, default=None, help="by coverage, with atheris"
    )
    options = parser.parse_args()
    unknown = [name for name in options.readers if name not in READERS]
    if unknown:
        parser.error(f"no such reader: {', '.join(unknown)}")
    has_atheris = importlib.util.find_spec("atheris") is not None
    if options.guided and not has_atheris:
        parser.error("--guided needs atheris: pip install atheris")
    guided = has_atheris if options.guided is None else options.guided
    console = Console(width=120)
    tallies = []
    for name in options.readers or READERS:
        reader = READERS[name]
        tally = fuzz_reader(reader, inputs=options.inputs, seed=options.seed, guided=guided, keep=options.keep)
        tallies.append(tally)
        console.print(f"{name}: {tally.inputs} inputs, {tally.findings.total()} findings, {tally.host_s:.0f} s")
    console.print(_table(tallies, "by coverage" if guided else "by number"))
    for tally in tallies:
        for (verdict, text), count in tally.findings.most_common():
            console.print(f"{tally.reader}: {verdict}, {count} times: {text}", markup=False, highlight=False)
    return int(any(tally.findings for tally in tallies))


def _table(tallies: list[Tally], engine: str) -> Table:
    table = Table(title=f"Damaged files, chosen {engine}")
    for column in ("reader", "inputs", "read", "refused", "findings", "s", "peak MB"):
        table.add_column(column, justify="left" if column == "reader" else "right")
    for one in tallies:
        numbers = (one.inputs, one.read, one.refused, one.findings.total())
        table.add_row(one.reader, *map(str, numbers), f"{one.host_s:.0f}", f"{one.peak_mb:.0f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
