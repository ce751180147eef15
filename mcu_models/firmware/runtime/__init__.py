"""What C compilers call without being asked: freestanding C, in place of a C library."""
