"""Emulators that run firmware images, with timing and power states."""
