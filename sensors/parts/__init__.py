"""Datasheets of sensors, one TOML file each."""
