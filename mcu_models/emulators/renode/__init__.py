"""The same firmware in Renode: board descriptions, peripherals in C#, and the process that runs them."""
