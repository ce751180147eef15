"""The memory protection unit of ARMv7-M as far as caches see it: registers, and which addresses are not cacheable.

Source: ARMv7-M Architecture Reference Manual (Arm DDI 0403E), section B3.5. Access permissions are not enforced, and
disabled subregions count as enabled.
"""

from __future__ import annotations

MPU_REGIONS = {"cortex-m4": 8, "cortex-m7": 16}
"""The Cortex-M7 of STM32F7 has 8, that of STM32H7 16."""
_TYPE, _CTRL, _RNR, _RBAR, _RASR = 0x0, 0x4, 0x8, 0xC, 0x10
_ENABLE, _VALID = 1, 1 << 4
_SHAREABLE, _CACHEABLE = 1 << 18, 1 << 17


class ProtectionUnit:
    """Regions by number; a higher number wins where they overlap.

    Args:
        regions: How many the core has.
    """

    def __init__(self, regions: int) -> None:
        self._regions = [(0, 0)] * regions
        self._control = 0
        self._number = 0

    def read(self, offset: int) -> int:
        """Return the register at `offset` from MPU_TYPE."""
        if offset == _TYPE:
            return len(self._regions) << 8
        if offset == _CTRL:
            return self._control
        if offset == _RNR:
            return self._number
        base, attributes = self._regions[self._number]
        return attributes if (offset - _RBAR) % 8 else base | self._number

    def write(self, offset: int, value: int) -> None:
        """Take the register at `offset` from MPU_TYPE; RBAR and RASR have three aliases."""
        if offset == _CTRL:
            self._control = value & 7
        elif offset == _RNR:
            self._number = value % len(self._regions)
        elif offset >= _RBAR and not (offset - _RBAR) % 8:
            if value & _VALID:
                self._number = (value & 0xF) % len(self._regions)
            self._regions[self._number] = (value & ~0x1F, self._regions[self._number][1])
        elif offset >= _RBAR:
            self._regions[self._number] = (self._regions[self._number][0], value)

    def uncached(self) -> tuple[tuple[int, int], ...]:
        """Return the address ranges, first and last, that regions keep out of the data and instruction caches."""
        if not self._control & _ENABLE:
            return ()
        ranges: list[tuple[int, int]] = []
        for base, attributes in self._regions:
            if attributes & 1:
                first = base & ~(_size(attributes) - 1)
                last = first + _size(attributes) - 1
                ranges = _without(ranges, first, last)
                if not _is_cached(attributes):
                    ranges.append((first, last))
        return tuple(sorted(ranges))


def _size(attributes: int) -> int:
    return 1 << ((attributes >> 1 & 0x1F) + 1)


def _is_cached(attributes: int) -> bool:
    """Tell whether normal memory of these attributes is cached; a shareable one is not (DDI 0489F, 5.2.1)."""
    return bool(attributes & _CACHEABLE) and not attributes & _SHAREABLE


def _without(ranges: list[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """Cut the addresses from `first` to `last` out of ranges."""
    left = [(low, min(high, first - 1)) for low, high in ranges if low < first]
    right = [(max(low, last + 1), high) for low, high in ranges if high > last]
    return left + right
