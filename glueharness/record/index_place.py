"""Where the index is asked to be; imported at every start, so it imports nothing itself."""

INDEX_VARIABLE = "GLUEHARNESS_STORE"
"""Environment variable with the URL of the database that holds the index."""
