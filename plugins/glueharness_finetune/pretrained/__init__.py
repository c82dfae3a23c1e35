"""Finding a pretrained checkpoint, loading it, and fitting its head to the task's labels."""
