"""Plugin glue."""
