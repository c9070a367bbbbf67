"""`python -m latentinv` is the command `latentinv`."""

from latentinv.cli import main

if __name__ == "__main__":
    main()
