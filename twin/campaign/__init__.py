"""Fault campaigns: many faults, each in a machine of its own, and how the firmware took them."""
