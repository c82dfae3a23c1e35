"""From a model's numbers to metrics, and from tasks to a group's score."""
