"""The rows of a bucket's answer while they fill, and the two forms in which they leave.

A person or a test wants to see a map per item, and gold.solutions holds one. Pandas and Arrow are slow at maps: making
and translating them took more than half of a Python worker's time. So the executors hand on one plain column per
decision, and Spark makes the map.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from invopt.policies.base import Policy
from invopt.solving.outcome import ALGORITHM, MODEL, SOLUTION_COLUMNS, Outcome, Status, Termination
from invopt.solving.request import SolveRequest
from invopt.tables.columns import ITEM

KEYS = ("partition_key", *ITEM)


def one_column(k: int) -> str:
    """Column of a policy's k-th decision for items that have one value of it."""
    return f"decision_{k}"


def series_column(k: int) -> str:
    """Column of a policy's k-th decision for items that have a value per period; NULL for the others."""
    return f"decision_{k}_by_period"


def price_column(k: int) -> str:
    """Column of a policy's k-th price; NULL where there is no limit."""
    return f"price_{k}"


MAPS = ("decisions", "prices")


def flat_schema(policy: Policy) -> dict[str, str]:
    """Column -> Spark's type of `SolvedRows.flat`."""
    plain = {column.name: column.type for column in SOLUTION_COLUMNS if column.name not in MAPS}
    for k in range(len(policy.decides)):
        plain |= {one_column(k): "double", series_column(k): "array<double>"}
    return plain | {price_column(k): "double" for k in range(len(policy.prices))}


class SolvedRows:
    """The rows of a bucket's answer; every row starts without a solution.

    columns : column of the answer -> (n,) array, without the decisions
    """

    def __init__(self, items: pd.DataFrame, request: SolveRequest, policy: Policy):
        n = len(items)
        self.columns: dict[str, Any] = {name: items[name].to_numpy() for name in KEYS}
        for column in SOLUTION_COLUMNS:
            if column.name not in (*self.columns, *MAPS):
                self.columns[column.name] = (
                    np.full(n, np.nan) if column.type == "double" else np.full(n, None, dtype=object)
                )
        self.columns["status"][:] = str(Status.NO_SOLUTION)
        self.columns["termination"][:] = str(Termination.ERROR)
        self._solver_of = {ALGORITHM: policy.about.algorithm, MODEL: request.solver.name}
        self.say_method(slice(None), MODEL if request.uses_model_alone(policy) else ALGORITHM)
        self._policy, self._names = policy, policy.decision_names
        self._single = {name: np.full(n, np.nan) for name in self._names}
        self._series = {name: np.full(n, None, dtype=object) for name in self._names}
        self._prices = {name: np.full(n, np.nan) for name in policy.prices}

    def say_method(self, rows: slice, method: str) -> None:
        """Writes what gave the answer of these rows."""
        self.columns["method"][rows], self.columns["solver"][rows] = method, self._solver_of[method]

    def add_remark(self, rows: slice, remark: str) -> None:
        """Adds a remark to the messages of these rows."""
        messages = self.columns["message"][rows]
        self.columns["message"][rows] = [remark if each is None else f"{each}; {remark}" for each in messages]

    def put(self, start: int, end: int, outcome: Outcome) -> None:
        """Writes one partition's outcome into its rows."""
        rows, columns = slice(start, end), self.columns
        columns["status"][rows] = str(outcome.status)
        columns["termination"][rows] = str(outcome.termination)
        columns["message"][rows] = _objects(outcome.message) if isinstance(outcome.message, list) else outcome.message
        for name in ("objective", "bound", "seconds"):
            columns[name][rows] = np.nan if getattr(outcome, name) is None else getattr(outcome, name)
        columns["cost"][rows] = np.nan if outcome.cost is None else outcome.cost
        for name in self._prices:
            self._prices[name][rows] = np.nan if outcome.prices is None else outcome.prices.get(name, np.nan)
        for name in self._names:
            self._single[name][rows], self._series[name][rows] = np.nan, None
            if outcome.decisions is None:
                continue
            for row, decided in zip(range(start, end), outcome.decisions, strict=True):
                values = decided[name]
                if len(values) == 1:
                    self._single[name][row] = values[0]
                else:
                    self._series[name][row] = values

    def put_decisions(self, positions: np.ndarray, values: dict[str, np.ndarray]) -> None:
        """Writes decisions into the rows at `positions`: name -> (n,) array, or (n, T) where it has periods."""
        for name, amounts in values.items():
            if amounts.ndim == 1 or amounts.shape[1] == 1:
                self._single[name][positions] = amounts.reshape(-1)
            else:
                self._series[name][positions] = _objects(list(amounts))

    def put_prices(self, positions: np.ndarray, prices: dict[str, np.ndarray]) -> None:
        """Writes prices into the rows at `positions`: name -> (n,) array."""
        for name, values in prices.items():
            self._prices[name][positions] = values

    def frame(self) -> pd.DataFrame:
        """SOLUTION_COLUMNS, with each item's decisions as a map from their names to lists over periods."""
        columns = self._with_gap()
        by_name = []
        for name in self._names:
            values = zip(self._single[name].tolist(), self._series[name], strict=True)
            by_name.append(
                [[single] if series is None else np.asarray(series, float).tolist() for single, series in values]
            )
        is_solved = columns["status"] != str(Status.NO_SOLUTION)
        maps = [
            dict(zip(self._names, row, strict=True)) if solved else None
            for solved, *row in zip(is_solved, *by_name, strict=True)
        ]
        columns["decisions"] = _objects(maps)
        columns["prices"] = _objects(
            [
                {name: float(values[row]) for name, values in self._prices.items() if np.isfinite(values[row])} or None
                for row in range(len(maps))
            ]
        )
        return pd.DataFrame({column.name: columns[column.name] for column in SOLUTION_COLUMNS}, copy=False)

    def flat(self) -> pd.DataFrame:
        """The columns of `flat_schema`; an item without a solution has NULL in those of its decisions."""
        columns = self._with_gap()
        for k, name in enumerate(self._names):
            columns |= {one_column(k): self._single[name], series_column(k): self._series[name]}
        columns |= {price_column(k): values for k, values in enumerate(self._prices.values())}
        return pd.DataFrame({name: columns[name] for name in flat_schema(self._policy)}, copy=False)

    def _with_gap(self) -> dict[str, Any]:
        objective, bound = self.columns["objective"], self.columns["bound"]
        return {**self.columns, "gap": np.abs(objective - bound) / np.maximum(1.0, np.abs(bound))}


def _objects(values: list) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
