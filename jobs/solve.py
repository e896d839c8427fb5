"""spark-submit target of the step `solve`: the same program as `invopt solve`."""

from __future__ import annotations

import sys

from invopt.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["solve", *sys.argv[1:]]))
