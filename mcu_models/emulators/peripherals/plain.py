"""Peripherals of which only the registers matter: they keep what is written and do nothing."""

from __future__ import annotations

from mcu_models.emulators.peripherals.base import Peripheral


class RegisterBank(Peripheral):
    """SYSCFG, DBGMCU and their like, as far as firmware writes set-up values and reads them back."""


class Unmodelled(RegisterBank):
    """A peripheral of which only name and place are known: every access is reported, and keeps what is written."""

    modelled = False
