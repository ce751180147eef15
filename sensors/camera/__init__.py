"""A camera beside a door: people in front of it, drawn without any real face, and the sensor that sees them."""
