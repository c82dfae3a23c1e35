"""Comparing runs: evidence, verdicts, and how they are shown."""
