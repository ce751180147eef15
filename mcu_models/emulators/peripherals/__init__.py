"""Peripherals of STM32 microcontrollers at register level, by the type named in a board's TOML."""
