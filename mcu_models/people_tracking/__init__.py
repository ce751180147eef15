"""People followed from frame to frame by rules, and counted as they pass a line: warm spots, tracks, passages."""
