"""Datasheets of radios, one TOML each."""
