"""From the inputs of a bucket of partitions to their solutions: pandas in, pandas out.

A partition is solved by its Pyomo model or, where the policy has one, by the exact algorithm for the whole bucket at
once. Whatever goes wrong with a partition - a NULL, an infeasible model, an exception, a solver that doesn't stop, a
crash in native code - becomes its rows' `termination` and `message`; the rows of all other partitions are what they
would have been without it.
"""

from invopt.solving.bucket import check_request, solve_bucket, solve_partition
from invopt.solving.outcome import SOLUTION_COLUMNS, Solver, SolveRequest, Status, Termination
from invopt.solving.solved_rows import flat_schema, one_column, series_column

__all__ = [
    "SOLUTION_COLUMNS",
    "Solver",
    "Status",
    "SolveRequest",
    "Termination",
    "check_request",
    "flat_schema",
    "one_column",
    "series_column",
    "solve_bucket",
    "solve_partition",
]
