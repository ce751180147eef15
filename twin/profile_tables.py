"""A network's cost as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.memory_verdict import MemoryVerdict
    from twin.network_profile import NetworkProfile


def profile_table(profile: NetworkProfile) -> Group:
    """Return a table of the layers, and below it the totals."""
    title = f"{profile.network} on {profile.board} at {profile.clock_hz / 1e6:g} MHz, {profile.wait_states} wait states"
    table = Table(title=Text(title), title_justify="left", padding=(0, 0, 0, 1))
    table.add_column("layer", no_wrap=True)
    for name in ("MACs", "cycles", "/MAC", "time", "weights", "activations"):
        table.add_column(name, justify="right")
    for layer in profile.layers:
        table.add_row(
            f"{layer.index} {layer.operator}",
            f"{layer.macs:,}" if layer.macs else "-",
            f"{layer.cycles:,}",
            f"{layer.cycles / layer.macs:.2f}" if layer.macs else "-",
            f"{layer.cycles / profile.cycles:.1%}",
            f"{layer.weights_bytes:,}",
            f"{layer.activation_bytes:,}",
        )
    if profile.preparation is not None:
        cycles = profile.preparation.cycles
        table.add_section()
        table.add_row("preparation", "-", f"{cycles:,}", "-", f"+{cycles / profile.cycles:.1%}", "-", "-")
    about = Text(f"compiled by {profile.compiler}; caches warm")
    if profile.memory is None:
        return Group(table, totals_table([profile]), about)
    return Group(table, totals_table([profile]), memory_table(profile.memory), about)


def memory_table(verdict: MemoryVerdict) -> Table:
    """Return what fits: limit, needed, allowed, verdict."""
    table = Table(title=Text("memory, in bytes"), title_justify="left")
    table.add_column("limit", no_wrap=True)
    for name in ("needs", "allowed", "share"):
        table.add_column(name, justify="right")
    table.add_column("verdict", no_wrap=True)
    for one in verdict.limits:
        share = f"{one.needs_bytes / one.allowed_bytes:.0%}"
        said = Text("fits") if one.fits else Text("does not fit", style="bold red")
        table.add_row(one.limit, f"{one.needs_bytes:,}", f"{one.allowed_bytes:,}", share, said)
    return table


def totals_table(profiles: Sequence[NetworkProfile]) -> Table:
    """Return the totals, one column for each network or board."""
    table = Table(title_justify="left")
    table.add_column("total", no_wrap=True)
    for profile in profiles:
        table.add_column(f"{profile.network.removesuffix('.tflite')}\n{profile.board}", justify="right")
    for name, write in _TOTALS.items():
        table.add_row(name, *(write(profile) for profile in profiles))
    return table


_TOTALS: dict[str, Callable[[NetworkProfile], str]] = {
    "MACs": lambda p: f"{p.macs:,}",
    "clock, MHz": lambda p: f"{p.clock_hz / 1e6:g}",
    "wait states": lambda p: f"{p.wait_states}",
    "cycles": lambda p: f"{p.cycles:,}",
    "first run": lambda p: f"{p.first_cycles:,}",
    "stalls": lambda p: f"{p.stall_cycles:,}",
    "cycles/MAC": lambda p: f"{p.cycles / p.macs:.2f}" if p.macs else "-",
    "latency, ms": lambda p: f"{p.latency_s * 1e3:.3f}",
    "  error seen": lambda p: f"{p.latency_error.mean_absolute:.1%}, worst {p.latency_error.worst:+.1%}",
    "energy, uJ": lambda p: f"{p.energy_j * 1e6:.4g}",
    "  from": lambda p: f"{p.energy_low_j * 1e6:.4g}",
    "  to": lambda p: f"{p.energy_high_j * 1e6:.4g}",
    "code, B": lambda p: f"{p.code_bytes:,}",
    "weights, B": lambda p: f"{p.weights_bytes:,}",
    "arena, B": lambda p: f"{p.arena_bytes:,}",
    "live set, B": lambda p: f"{p.live_set_bytes:,}",
    "stack, B": lambda p: f"{p.stack_bytes:,}",
    "weights in": lambda p: p.placement["weights"],
    "code in": lambda p: p.placement["code"],
    "arena in": lambda p: p.placement["arena"],
    "preparation": lambda p: p.preparation.name if p.preparation else "-",
    "  cycles": lambda p: f"{p.preparation.cycles:,}" if p.preparation else "-",
    "  RAM, B": lambda p: f"{p.preparation.ram_bytes:,}" if p.preparation else "-",
    "  code, B": lambda p: f"{p.preparation.flash_bytes:,}" if p.preparation else "-",
}
