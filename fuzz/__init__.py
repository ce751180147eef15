"""Damaged files for everything that reads a user's file: `python -m fuzz`."""
