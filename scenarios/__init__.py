"""Rooms, people and doors over time."""
