"""Datasheets of voltage regulators and load switches, one TOML each."""
