"""Boards, cycle timing, power, int8 networks, firmware and the emulators that run it."""
