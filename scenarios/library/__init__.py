"""Scenarios that come with the twin, one TOML file each."""
