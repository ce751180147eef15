"""Who comes in and who goes out at a door: nodes that count it, and how often they are right."""
