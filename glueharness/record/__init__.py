"""What is kept of a run: its record, and the folder of run folders."""
