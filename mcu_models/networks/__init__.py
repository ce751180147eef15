"""The int8 networks that come with the twin, and the manifest that says how each was made."""
