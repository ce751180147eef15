"""Compiles a .tflite network to C: reads it, checks it, plans its memory, writes its layers."""
