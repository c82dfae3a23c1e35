"""What makes training and scoring quick on a processor, each part for itself."""
