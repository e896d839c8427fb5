"""What is asked of the solving engine, and the record it gives back for each item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from invopt.columns import ITEM_KEYS, Column


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

    name : shown in the solutions; with kind `pyomo` also the name in Pyomo's SolverFactory, unless `plugin` gives another
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
class Task:
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
    """

    termination: Termination
    status: Status
    objective: float | None = None
    bound: float | None = None
    seconds: float | None = None
    decisions: list[dict[str, list[float]]] | None = None
    cost: list[float] | None = None
    message: str | None = None


def failure(termination: Termination, message: str, seconds: float | None = None) -> Outcome:
    """The outcome of a partition that has no solution."""
    return Outcome(termination, Status.NO_SOLUTION, seconds=seconds, message=message)


def relative_difference(one: float, other: float) -> float:
    """|one - other| / max(1, |other|): relative for large money, absolute for small, never a division by zero.

    >>> relative_difference(101.0, 100.0)
    0.01
    """
    return abs(one - other) / max(1.0, abs(other))


SOLUTION_COLUMNS: tuple[Column, ...] = (
    *ITEM_KEYS,
    Column("partition_key", "string", "", "the items that one model decided together", is_nullable=False),
    Column("decisions", "map<string,array<double>>", "", "decision name -> values over periods, one value where it has no period"),
    Column("cost", "double", "money/period", "the item's share of the objective"),
    Column("objective", "double", "money/period", "expected cost of the partition"),
    Column("status", "string", "", f"what there is: {', '.join(Status)}", is_nullable=False),
    Column("termination", "string", "", f"why it stopped: {', '.join(Termination)}", is_nullable=False),
    Column("method", "string", "", "model or exact", is_nullable=False),
    Column("solver", "string", "", "the solver of the model, or the name of the exact algorithm", is_nullable=False),
    Column("bound", "double", "money/period", "proven lower bound of the objective"),
    Column("gap", "double", "fraction", "|objective - bound| / max(1, |bound|)"),
    Column("seconds", "double", "s", "time spent on the partition; exact: the bucket's time over its partitions"),
    Column("audit_gap", "double", "fraction", "|exact - model| / max(1, |model|) where the partition was solved both ways"),
    Column("message", "string", "", "what went wrong, with the item, the value and what to do"),
)
