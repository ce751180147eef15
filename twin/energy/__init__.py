"""Energy: what draws how much when, what the battery makes of it, and how long it lasts."""
