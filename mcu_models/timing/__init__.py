"""Cycle costs of Cortex-M cores and of the flash memory they fetch from."""
