"""A pretrained checkpoint: found, loaded, fitted to the task's labels."""
