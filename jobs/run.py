"""spark-submit target of the step `run`: the same program as `invopt run`."""

from __future__ import annotations

import sys

from invopt.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["run", *sys.argv[1:]]))
