"""Data: from a source to checked splits."""
