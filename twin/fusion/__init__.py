"""Several sensors, one answer: who sees whom, what a gateway hears, and what it makes of it."""
