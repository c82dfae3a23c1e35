"""Plugins: hooks, loading, looking up what they offer, and their status."""
