"""Reference firmware images, each with how it was built."""
