"""The Grid-EYE as a peripheral of Renode, in C#."""
