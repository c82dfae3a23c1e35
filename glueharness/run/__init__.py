"""Runs: one run, many runs, and what they need."""
