"""The process that a local session's Python workers are forked from, with what they need imported already.

Spark's own daemon (`spark.python.daemon.module`) imports nothing of a user's, so each worker would spend the same two
seconds on pandas, numba and Pyomo. Frozen, what is imported is passed over by the collection that each worker does
after each task, and its pages stay shared.
"""

from __future__ import annotations

import contextlib
import gc
import sys

from pyspark import daemon

from invopt import policies
from invopt.solving import highs


def main() -> None:
    """Imports, then serves as Spark's daemon does."""
    # Spark reads from the standard output where to find this process
    with contextlib.redirect_stdout(sys.stderr):
        for name in policies.names():
            with contextlib.suppress(Exception, SystemExit):  # whoever needs a broken policy is told by the worker
                policies.load(name)
        highs.import_all()
    gc.collect()
    gc.freeze()
    daemon.manager()


if __name__ == "__main__":
    main()
