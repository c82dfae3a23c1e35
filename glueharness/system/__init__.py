"""What the operating system does for us: whole files, locks, interrupts, the network."""
