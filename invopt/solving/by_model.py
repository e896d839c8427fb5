"""One partition by its Pyomo model: built, solved, and read back as plain numbers."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyomo.environ as pyo
from pyomo.common.gc_manager import PauseGC

from invopt.config import SolverRow
from invopt.errors import ParameterError
from invopt.policies.base import Policy
from invopt.policies.inputs.items import Items
from invopt.solving import highs, other_solver
from invopt.solving.outcome import Outcome, Status, Termination, failure, relative_difference

# solvers return 2.9999997 for 3: closer than this to an integer is that integer
INTEGER_TOLERANCE = 1e-6
SHARES_TOLERANCE = 1e-6


def solve_by_model(
    items: pd.DataFrame,
    policy: Policy,
    params: Any,
    solver: SolverRow,
    views: Mapping[str, pd.DataFrame] | None = None,
) -> Outcome:
    """Builds, solves and reads one partition; an exception becomes the outcome's message and is never raised.

    Parameters
    ----------
    items : (n,) rows of one partition, index 0..n-1
    views : as in `Items`
    """
    start = time.perf_counter()
    try:
        # the collector would walk a model that is still needed; its first walk after the solve takes the model away
        with PauseGC():
            outcome = _solve(Items(items, policy.needs, [0, len(items)], views), policy, params, solver)
    except (Exception, SystemExit) as error:  # whatever a policy's code may do, its neighbours get solved
        outcome = failed(error)
    return outcome._replace(seconds=time.perf_counter() - start)


def failed(error: BaseException) -> Outcome:
    """The outcome for an exception: a value out of its domain is invalid input, everything else is an error."""
    if isinstance(error, ParameterError):
        return failure(Termination.INVALID_INPUT, str(error))
    text = f"{type(error).__name__}: {error}"
    if "is always infeasible" in text:  # Pyomo's word for a constraint that holds no variable and is false
        return failure(Termination.INFEASIBLE, text)
    return failure(Termination.ERROR, text)


def _solve(items: Items, policy: Policy, params: Any, solver: SolverRow) -> Outcome:
    model = policy.build_model(items, params)
    if solver.kind == "highs":
        options = {**policy.solver_options.get("highs", {}), **solver.options}
        result = highs.solve(model, solver.time_limit, options, has_duals=any(policy.prices.values()))
    else:
        result = other_solver.solve(model, solver)
    if result.status is Status.NO_SOLUTION:
        return Outcome(result.termination, result.status, message=result.message)
    columns = [_decision(model, name, len(items)) for name in policy.decision_names]
    cost, problem = _shares(model, len(items), result.objective)
    return Outcome(
        result.termination,
        result.status,
        result.objective,
        result.bound,
        decisions=[dict(zip(policy.decision_names, values, strict=True)) for values in zip(*columns, strict=True)],
        cost=cost,
        message=" ".join(filter(None, [result.message, problem])) or None,
        prices=_prices(model, policy, result.duals, len(items)),
    )


def _prices(
    model: pyo.ConcreteModel, policy: Policy, duals: Mapping[str, float] | None, n_items: int
) -> dict[str, list[float]] | None:
    """What one more unit of each limit is worth to each item: the size of the dual of its constraint."""
    if not duals:
        return None
    prices = {}
    for price, constraint in policy.prices.items():
        component = model.component(constraint) if constraint else None
        if component is None:
            continue
        rows = (component[i] if component.is_indexed() and i in component else component for i in range(n_items))
        prices[price] = [abs(duals[row.name]) if row.name in duals else math.nan for row in rows]
    return prices or None


def _decision(model: pyo.ConcreteModel, name: str, n_items: int) -> list[list[float]]:
    """Values of the component over ITEMS [x PERIODS]: one list over periods per item."""
    component = model.component(name)
    if component is None or component.dim() not in (1, 2):
        raise ValueError(
            f"the model must have a component {name!r} over ITEMS or ITEMS x PERIODS, because the policy decides it"
        )
    values: list[list[float]] = [[] for _ in range(n_items)]
    entries = component.items() if component.dim() == 1 else sorted(component.items(), key=lambda entry: entry[0])
    for index, entry in entries:
        item = index if component.dim() == 1 else index[0]
        amount = pyo.value(entry, exception=False)
        if amount is None or not math.isfinite(amount):
            raise ValueError(f"decision {name}[{index}] is {amount}: is it in a constraint or in the objective?")
        nearest = round(amount)
        values[item].append(float(nearest) if abs(amount - nearest) <= INTEGER_TOLERANCE else float(amount))
    missing = [item for item in range(n_items) if not values[item]]
    if missing:
        raise ValueError(f"component {name!r} has no value for item {missing[0]} of 0..{n_items - 1}")
    return values


def _shares(model: pyo.ConcreteModel, n_items: int, objective: float) -> tuple[list[float] | None, str | None]:
    """Each item's share of the objective, or why there is none."""
    if n_items == 1:
        # one item bears it all: evaluating a long expression again would take as long as solving
        return [objective], None
    component = model.component("item_cost")
    if component is None:
        return None, "the model has no Expression item_cost over ITEMS: no shares of the cost."
    shares = [float(pyo.value(component[item])) for item in range(n_items)]
    if not relative_difference(sum(shares), objective) <= SHARES_TOLERANCE:
        return None, f"item_cost adds up to {sum(shares):.9g}, the objective is {objective:.9g}: no shares of the cost."
    return shares, None
