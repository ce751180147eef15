"""Values of parts in SI units, each with its source and how well it is known."""
