"""Which runs may stand in one table, and in which order."""
