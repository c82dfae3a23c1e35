"""The seam: hooks, loading, look-ups, and what is told of a plugin."""
