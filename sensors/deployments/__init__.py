"""What is known and fitted of places in which thermal arrays were recorded."""
