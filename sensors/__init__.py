"""Physics and registers of the sensors."""
