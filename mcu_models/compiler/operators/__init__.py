"""What the compiler knows of each operator: how it is read, checked, counted and written as C."""
