"""From a source to checked splits."""
