"""Writing and checking submissions."""
