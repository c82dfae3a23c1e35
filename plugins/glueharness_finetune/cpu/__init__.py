"""Faster training and prediction on a CPU; each part can be used without the others."""
