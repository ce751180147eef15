"""Joins rooms, people, sensor, network, board and battery into predictions."""
