"""Many predictions at once: sweeps over rooms, nodes and parts, on one machine or on a cluster."""
