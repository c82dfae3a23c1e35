"""Files, locks, interrupts and terminals: what depends on the operating system."""
