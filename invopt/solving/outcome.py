"""The result of solving a partition: why it stopped, which kind of answer there is, and the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from invopt.tables import SOLUTION_COLUMNS as SOLUTION_COLUMNS

# what gave an answer: the column `method` of a solution
MODEL, ALGORITHM = "model", "algorithm"


class Termination(StrEnum):
    """Why the solving of a partition stopped."""

    CONVERGED = "converged"
    TIME_LIMIT = "time_limit"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INVALID_INPUT = "invalid_input"
    CRASHED = "crashed"
    ERROR = "error"


class Status(StrEnum):
    """The kind of answer: a proven optimum, some decisions, or none."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    NO_SOLUTION = "no_solution"


class SolverResult(NamedTuple):
    """A solver's answer about one model; where there are decisions, it has set the model's variables.

    duals : name of a constraint -> its dual value, of a linear program
    """

    termination: Termination
    status: Status
    objective: float | None = None
    bound: float | None = None
    message: str | None = None
    duals: Mapping[str, float] | None = None


class Outcome(NamedTuple):
    """One partition solved, or why not; small and plain because it crosses a pipe.

    decisions : one map per item, decision name -> list over periods; None when there is no solution
    cost : one share per item; None when there is no solution or the shares are unsound
    bound : lower bound of the objective that the solver proved
    message : of all items, or one per item
    prices : price name -> one per item; None where no limit was priced
    """

    termination: Termination
    status: Status
    objective: float | None = None
    bound: float | None = None
    seconds: float | None = None
    decisions: list[dict[str, list[float]]] | None = None
    cost: list[float] | None = None
    message: str | list[str | None] | None = None
    prices: dict[str, list[float]] | None = None


def failure(termination: Termination, message: str, seconds: float | None = None) -> Outcome:
    """The outcome of a partition that has no solution."""
    return Outcome(termination, Status.NO_SOLUTION, seconds=seconds, message=message)


def relative_difference(value: float, reference: float) -> float:
    """|value - reference| / max(1, |reference|): relative for large money, absolute for small, never a division by 0.

    >>> relative_difference(101.0, 100.0)
    0.01
    """
    return abs(value - reference) / max(1.0, abs(reference))
