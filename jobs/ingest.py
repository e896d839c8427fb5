"""spark-submit target of the step `ingest`: the same program as `invopt ingest`."""

from __future__ import annotations

import sys

from invopt.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["ingest", *sys.argv[1:]]))
