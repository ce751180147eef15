"""Int8 networks: read from a .tflite file, computed on the host, and turned into C for a microcontroller."""
