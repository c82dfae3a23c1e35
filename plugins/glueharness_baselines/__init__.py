"""Plugin baselines."""
