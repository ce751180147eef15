"""Boards as data: one folder each, with its datasheet values, its memory layout and its platform description."""
