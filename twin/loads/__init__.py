"""Datasheets of what else draws current, one TOML each."""
