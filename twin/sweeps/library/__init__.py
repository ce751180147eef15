"""Sweeps that come with the twin."""
