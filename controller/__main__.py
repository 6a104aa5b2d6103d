"""`python -m controller` is `sonnerie`."""

from controller.cli import main

if __name__ == "__main__":
    main()
