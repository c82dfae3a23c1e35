"""What ``docs/make_reference.py`` writes, made from the code."""
