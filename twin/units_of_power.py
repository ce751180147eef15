"""Powers in words."""

from __future__ import annotations

_UNITS = (("W", 1.0), ("mW", 1e-3), ("\u00b5W", 1e-6), ("nW", 1e-9))


def watts(power_w: float) -> str:
    """Return a power with three digits, such as "14.9 mW"."""
    name, scale = next((unit for unit in _UNITS if abs(power_w) >= unit[1]), _UNITS[-1])
    return f"{power_w / scale:#.3g}".rstrip(".") + f" {name}"
