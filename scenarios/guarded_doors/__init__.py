"""Doors that a camera guards, as data."""
