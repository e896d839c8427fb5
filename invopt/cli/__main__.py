"""`python -m invopt.cli`: the same as the command `invopt`."""

from invopt.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
