"""Harvester parts as data: solar cells for rooms, and the converters behind them."""
