"""What is done with a damaged file, reader by reader: each gives a result or raises `BadInputError`."""
