"""What firmware that boards are sold with leaves for a network, one TOML each."""
