"""Stored runs: their records, and the folder of run folders."""
