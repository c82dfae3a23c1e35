"""``python -m glueharness``."""

from glueharness.cli import main

if __name__ == "__main__":
    main()
