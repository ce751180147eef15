"""A camera that guards a door: node, closed loop with the people before it, measures, power, results."""
