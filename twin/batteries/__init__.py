"""Batteries as data."""
