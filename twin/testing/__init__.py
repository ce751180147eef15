"""Firmware under test: boots an image on an emulated board, shows it people, and asks what it did."""
