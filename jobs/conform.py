"""spark-submit target of the step `conform`: the same program as `invopt conform`."""

from __future__ import annotations

import sys

from invopt.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["conform", *sys.argv[1:]]))
