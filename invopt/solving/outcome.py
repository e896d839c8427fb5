"""What is asked of the solving engine, and the record it gives back for each item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from invopt.tables import SOLUTION_COLUMNS as SOLUTION_COLUMNS


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
    """What you have: a proven optimum, some decisions, or none."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    NO_SOLUTION = "no_solution"


@dataclass(frozen=True)
class Solver:
    """A solver and how long one partition may take.

    name : shown in the solutions; with kind `pyomo` also the name in Pyomo's SolverFactory, unless `plugin` gives
        another
    kind : `highs` is reached by sparse arrays, every other one by Pyomo's own interfaces
    executable : path of the solver's program, where Pyomo doesn't find it on the PATH
    time_limit : seconds per partition, > 0
    options : the solver's own options by their own names
    """

    name: str = "highs"
    kind: Literal["highs", "pyomo"] = "highs"
    plugin: str | None = None
    executable: str | None = None
    time_limit: float = 60.0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SolveRequest:
    """One row of conf/policies.yaml, as far as solving goes."""

    policy: str
    policies_folder: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    method: Literal["model", "exact"] = "model"
    solver: Solver = field(default_factory=Solver)


class SolverResult(NamedTuple):
    """What a solver says about one model, whose variables it has set if there are decisions."""

    termination: Termination
    status: Status
    objective: float | None = None
    bound: float | None = None
    message: str | None = None


class Outcome(NamedTuple):
    """One partition solved, or why not; small and plain because it crosses a pipe.

    decisions : one map per item, decision name -> list over periods; None when there is no solution
    cost : one share per item; None when there is no solution or the shares are unsound
    bound : lower bound of the objective that the solver proved
    message : of all items, or one per item
    """

    termination: Termination
    status: Status
    objective: float | None = None
    bound: float | None = None
    seconds: float | None = None
    decisions: list[dict[str, list[float]]] | None = None
    cost: list[float] | None = None
    message: str | list[str | None] | None = None


def failure(termination: Termination, message: str, seconds: float | None = None) -> Outcome:
    """The outcome of a partition that has no solution."""
    return Outcome(termination, Status.NO_SOLUTION, seconds=seconds, message=message)


def relative_difference(one: float, other: float) -> float:
    """|one - other| / max(1, |other|): relative for large money, absolute for small, never a division by zero.

    >>> relative_difference(101.0, 100.0)
    0.01
    """
    return abs(one - other) / max(1.0, abs(other))
