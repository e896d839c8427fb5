"""Random items of each policy, for the laws that every policy obeys and for the benchmarks, and ways to solve them.

`tests/items/<policy>.py` has:

    PARAMS                          the parameter sets worth testing, a tuple of dicts; the first is the default
    random_items(rng, n_partitions) a DataFrame with the three keys and the policy's input columns, slow and fast
                                    movers, every form of demand; as many partitions (by the policy's `partition_by`) as
                                    asked for, their rows together
    BAD                             name -> (changes of an example's item, text of its problem): what no range tells
    LIMITED                         decisions that params or columns keep from being cheaper
    IS_WHOLE                        the decisions are whole numbers, also a vertex of the model's
    AGREEMENT                       largest relative difference of the model's optimum, where it is less than 1e-6
    TOO_LARGE                       changes of an example's item whose model would be too large
    FILLS_WHAT_IS_OWED              without demand its order still brings a position below 0 up to 0
    N_COMPARED                      partitions of each parameter set that the suite solves by their models too
    many_items(rng, n_partitions)   what the slow test takes, where it is not random_items
    N_MANY                          the same of the slow test, of all parameter sets together
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from invopt.config import SolverRow
from invopt.policies.base import Policy
from invopt.policies.inputs.items import Items
from invopt.solving import SolveRequest, Status, highs, solve_partition
from invopt.solving.audit import AUDIT_OPTIONS
from invopt.tables.columns import ITEM

TIME_LIMIT = 60.0


class Solved(NamedTuple):
    """What the engine gave for n items, in their order.

    decisions : decision name -> (n,) array, or (n, T) where one has periods; NaN without a solution
    cost, objective, bound : (n,) arrays
    status, message : (n,) arrays of texts
    prices : price name -> (n,) array, NaN where there is none
    """

    decisions: dict[str, np.ndarray]
    cost: np.ndarray
    objective: np.ndarray
    bound: np.ndarray
    status: np.ndarray
    message: np.ndarray
    prices: dict[str, np.ndarray]

    @property
    def is_solved(self) -> np.ndarray:
        return self.status != str(Status.NO_SOLUTION)


def example_item(policy: Policy, n: int = 0, **changes: Any) -> dict[str, Any]:
    """The first item of the policy's n-th example, with changes."""
    return {**policy.examples[n].items[0], **changes}


def frame(policy: Policy, *items: Mapping[str, Any], is_one_partition: bool = False) -> pd.DataFrame:
    """The items as the engine gets them, with keys: each of its own product, and of its own location unless they are
    decided together.
    """
    every = range(len(items))
    keys = {
        ITEM[0]: ["1" if is_one_partition else f"{i:05d}" for i in every],
        ITEM[1]: [f"{i:05d}" for i in every],
        ITEM[2]: ["1" for _ in every],
    }
    columns = {
        column.name: pd.Series(
            [item.get(column.name) if column.is_nullable else item[column.name] for item in items],
            dtype=float if column.type == "double" else object,
        )
        for column in policy.needs
    }
    return pd.DataFrame({**keys, **columns})


def offsets_of(policy: Policy, items: pd.DataFrame) -> np.ndarray:
    """Where the partitions of the items begin, with the end; the rows of a partition lie together."""
    if items.empty:
        return np.zeros(1, dtype=np.int64)
    number = items.groupby(list(policy.partition_by), sort=False, dropna=False).ngroup().to_numpy()
    return np.concatenate([[0], np.flatnonzero(np.diff(number)) + 1, [len(items)]])


def items_of(policy: Policy, items: pd.DataFrame) -> Items:
    """The items as a policy's functions take them."""
    return Items(items, policy.needs, offsets_of(policy, items))


def answer(
    policy: Policy, items: pd.DataFrame, method: str = "algorithm", *, time_limit: float = TIME_LIMIT, **params: Any
) -> Solved:
    """All items by the engine, in this process; time_limit is that of a partition's model, seconds."""
    number = np.repeat(np.arange(len(offsets_of(policy, items)) - 1), np.diff(offsets_of(policy, items)))
    given = items.assign(partition_key=[f"{k:08d}" for k in number], is_audited=False)
    solver = SolverRow(name="highs", time_limit=time_limit)
    solved = solve_partition(given, SolveRequest.of_policy(policy.name, params=params, method=method, solver=solver))
    solved = items[list(ITEM)].merge(solved, on=list(ITEM), how="left", validate="one_to_one")
    decisions = {name: _values(solved["decisions"], name) for name in policy.decision_names}
    prices = {
        name: np.array([np.nan if row is None else row.get(name, np.nan) for row in solved["prices"]])
        for name in policy.prices
    }
    numbers = (solved[name].to_numpy(float) for name in ("cost", "objective", "bound"))
    return Solved(decisions, *numbers, *(solved[name].to_numpy(object) for name in ("status", "message")), prices)


def _values(decisions: pd.Series, name: str) -> np.ndarray:
    rows = [[np.nan] if decided is None else decided[name] for decided in decisions]
    width = max(map(len, rows), default=1)
    values = np.array([[*row, *[np.nan] * (width - len(row))] for row in rows], dtype=float).reshape(-1, width)
    return values[:, 0] if width == 1 else values


def problem(policy: Policy, item: Mapping[str, Any], **params: Any) -> str:
    """Why the engine does not solve the item; "" where it does."""
    solved = answer(policy, frame(policy, item), **params)
    return "" if solved.is_solved[0] else solved.message[0]


def model(policy: Policy, items: pd.DataFrame, **params: Any) -> pyo.ConcreteModel:
    """The model of all items as one partition."""
    return policy.build_model(Items(items, policy.needs, [0, len(items)]), policy.params(**params))


def solved_model(policy: Policy, items: pd.DataFrame, **params: Any) -> pyo.ConcreteModel:
    """The same, solved to its optimum."""
    built = model(policy, items, **params)
    result = highs.solve(built, TIME_LIMIT, {**policy.solver_options.get("highs", {}), **AUDIT_OPTIONS})
    assert result.status is Status.OPTIMAL, result
    return built


def same_partition(items: pd.DataFrame) -> pd.DataFrame:
    """The items with keys, as one partition that the engine takes."""
    n = len(items)
    keys = {"location_id": ["1"] * n, "product_id": [str(i) for i in range(n)], "source_id": ["1"] * n}
    return items.assign(**keys, partition_key="1", is_audited=False)
