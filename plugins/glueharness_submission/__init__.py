"""Plugin submission."""
