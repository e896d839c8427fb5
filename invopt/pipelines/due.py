"""Which policies decide and which order in a run: their schedules, and what earlier runs have done.

A policy that is not due keeps the solutions of the last run that solved it; one whose row of conf/policies.yaml was
changed since then is due whatever its schedule says.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from invopt.config import PolicyRow
from invopt.config.schedules import Schedule
from invopt.pipelines.context import Context
from invopt.pipelines.order_cycles import cycle_at
from invopt.run import as_of_of
from invopt.tables import RUNS

# the parts of a policy's row that don't change its decisions
_WHEN = {"active", "optimize_schedule", "order_schedule"}


@dataclass(frozen=True)
class Due:
    """The policies that a run serves.

    optimized, ordering : the rows of conf/policies.yaml that are due
    standing : policy -> the run whose solutions hold: this one where the policy is optimized in it
    cycles : policy that orders -> its order cycle
    next_optimized, next_ordered : policy that is not due -> when it will be
    """

    optimized: tuple[PolicyRow, ...]
    ordering: tuple[PolicyRow, ...]
    standing: Mapping[str, str]
    cycles: Mapping[str, datetime]
    next_optimized: Mapping[str, datetime | None]
    next_ordered: Mapping[str, datetime | None]


def due(context: Context) -> Due:
    """The policies that are due at the run's as_of; only earlier runs count, so a repeated run does the same."""
    rows = context.config.active_policies()
    scheduled = [row for row in rows if row.optimize_schedule or row.order_schedule]
    solved, ordered = _earlier(context) if scheduled else ({}, {})
    optimized, ordering, standing, cycles = [], [], {}, {}
    next_optimized, next_ordered = {}, {}
    for row in rows:
        last_run = solved.get(row.id)
        last = as_of_of(last_run) if last_run else None
        schedule = context.config.schedule(row.optimize_schedule)
        if (
            schedule is None
            or last is None
            or schedule.is_due(context.as_of, last)
            or not _is_unchanged(context, row, last_run)
        ):
            optimized.append(row)
            standing[row.id] = context.run_id
        else:
            standing[row.id] = last_run
            next_optimized[row.id] = schedule.next_after(last)
        schedule = context.config.schedule(row.order_schedule)
        last = ordered.get(row.id)
        cycle = cycle_at(schedule, context.as_of)
        if cycle is not None and _is_unserved(schedule, cycle, context.as_of, last):
            ordering.append(row)
            cycles[row.id] = cycle
        else:
            next_ordered[row.id] = schedule.next_after(last or context.as_of)
    return Due(tuple(optimized), tuple(ordering), standing, cycles, next_optimized, next_ordered)


def _is_unserved(schedule: Schedule | None, cycle: datetime, as_of: datetime, last: datetime | None) -> bool:
    """Whether the policy orders: no earlier run has ordered in the cycle, or one has on the same day.

    A later count of the day changes what is right, so the day's later runs decide the cycle anew. On later days the
    cycle's orders stand. A policy that never ordered does not begin after its last day.
    """
    if schedule is None:
        return True
    if last is None:
        return schedule.is_running(as_of)
    return last < cycle or schedule.day_of(last) == schedule.day_of(as_of)


def until(moment: datetime | None) -> str:
    """ "due next at ...", for the line that says why nothing is done."""
    return "its schedule does not fire again" if moment is None else f"due next at {moment:%Y-%m-%d %H:%M}"


def _earlier(context: Context) -> tuple[dict[str, str], dict[str, datetime]]:
    """Two maps over earlier runs: policy -> the newest that solved all of its items, and policy -> its last order."""
    rows_of: Counter[tuple[str, str, str]] = Counter()
    for one in context.ledger.rows():
        is_failed_order = one["step"] == "order" and one["failed"]  # its rule failed: it is due as before
        if one["policy_id"] != "*" and not is_failed_order and as_of_of(one["run_id"]) < as_of_of(context.run_id):
            rows_of[one["run_id"], one["policy_id"], one["step"]] += one["rows"]
    solved: dict[str, str] = {}
    ordered: dict[str, datetime] = {}
    for (run_id, policy_id, step), rows in sorted(rows_of.items()):
        # a run that was stopped between its waves has solved only a part
        if step == "solve" and rows == rows_of[run_id, policy_id, "inputs"]:
            solved[policy_id] = run_id
        elif step == "order":
            ordered[policy_id] = as_of_of(run_id)
    return solved, ordered


def _is_unchanged(context: Context, row: PolicyRow, run_id: str) -> bool:
    """Whether the policy's row was the same when that run solved it."""
    found = context.store.rows(RUNS, {"run_id": run_id})
    if not found:
        return False
    then = next((one for one in json.loads(found[0]["config"])["policies"] if one["id"] == row.id), None)
    if then is None:
        return False
    try:
        # a row that an older version wrote has other words, and lacks what has a default
        with warnings.catch_warnings(action="ignore"):
            former = PolicyRow.model_validate(then)
    except ValidationError:
        return False
    return former.model_dump(exclude=_WHEN) == row.model_dump(exclude=_WHEN)
