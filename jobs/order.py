"""spark-submit target of the step `order`: the same program as `invopt order`."""

from __future__ import annotations

import sys

from invopt.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["order", *sys.argv[1:]]))
