"""Scores: from a model's output to metrics, and from tasks to a group's score."""
