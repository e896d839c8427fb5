"""spark-submit target of the step `inputs`: the same program as `invopt inputs`."""

from __future__ import annotations

import sys

from invopt.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["inputs", *sys.argv[1:]]))
