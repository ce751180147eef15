"""Firmware for the boards: C sources, generated networks, and the builder that makes an ELF of them."""
