"""Image sensors as data."""
