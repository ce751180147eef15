"""Fault campaigns that come with the twin."""
