"""Int8 layers in C11, included by generated networks."""
