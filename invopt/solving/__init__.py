"""From the inputs of a bucket of partitions to their solutions: pandas in, pandas out.

A partition is solved by its Pyomo model, or by the policy's algorithm for the whole bucket at once. A partition that
goes wrong gets rows with `termination` and `message`: a NULL, an infeasible model, an exception, a solver that doesn't
stop, a crash in native code. The rows of all other partitions are what they would have been without it.
"""

from invopt.solving.bucket import solve_bucket, solve_partition
from invopt.solving.outcome import SOLUTION_COLUMNS, Status, Termination
from invopt.solving.request import HIGHS, SolveRequest, check_request
from invopt.solving.solved_rows import flat_schema, one_column, price_column, series_column

__all__ = [
    "HIGHS",
    "SOLUTION_COLUMNS",
    "SolveRequest",
    "Status",
    "Termination",
    "check_request",
    "flat_schema",
    "one_column",
    "price_column",
    "series_column",
    "solve_bucket",
    "solve_partition",
]
