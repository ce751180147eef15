"""Nodes as data: sensor, board, network, battery and how they are put together."""
