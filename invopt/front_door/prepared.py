"""From what was given to the frame that the engine solves, and the items that can't be solved at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from invopt.front_door import columns, keys
from invopt.front_door.columns import Given
from invopt.front_door.demand import fill_in
from invopt.front_door.forecast import series_of
from invopt.policies.base import Policy
from invopt.tables.columns import ITEM

_OF_DEMAND = ("demand_mean", "demand_std", "demand_variance")


class Prepared(NamedTuple):
    """The items as the engine gets them.

    frame : (n,) rows with all three keys, `partition_key`, `is_audited` and the policy's columns
    blocked : row -> why it is not solved, the rows decided together with such a one included
    keys : key -> the values as they were given
    """

    frame: pd.DataFrame
    blocked: dict[int, str]
    keys: dict[str, list[Any]]

    @property
    def free(self) -> pd.DataFrame:
        """The rows that can be solved."""
        return self.frame.drop(index=list(self.blocked)).reset_index(drop=True)


def prepared(
    policy: Policy, items: Any, keywords: Mapping[str, Any], forecast: pd.DataFrame | None, problems: list[str]
) -> Prepared:
    """Reads, completes and keys the items; what is wrong with the whole is added to `problems`."""
    if items is not None and not isinstance(items, pd.DataFrame):
        problems.append(f"items: must be a pandas DataFrame, a row per item; found a {type(items).__name__}")
        return Prepared(pd.DataFrame(), {}, {})
    given = columns.read(policy, items, keywords)
    problems += given.problems
    its_columns, blocked = dict(given.columns), {}
    if {"demand_std", "demand_variance"} <= set(its_columns):
        problems.append("demand_std: is given beside demand_variance; leave one of them out")
    names = pd.DataFrame({name: its_columns[name] for name in ITEM if name in its_columns}, index=range(given.n_items))
    names = keys.complete_keys(names, policy.partition_by)
    problems += keys.problems(names, list(given.keys))
    if forecast is not None:
        blocked |= _from_forecast(policy, forecast, given, names, its_columns, problems)
    present = {*its_columns, *_misread(keywords, items, given)}
    if "demand_pmf" in present or forecast is not None:
        present.add("demand_mean")
    problems += columns.missing(policy, present, items)
    if problems:
        return Prepared(pd.DataFrame(), {}, {})
    fill_in(its_columns, blocked)
    frame = _frame(policy, names, its_columns)
    return Prepared(frame, _with_their_partition(frame, blocked), given.keys)


def _misread(keywords: Mapping[str, Any], items: pd.DataFrame | None, given: Given) -> set[str]:
    """Columns that were given and could not be read: their problem is told, they are not missing."""
    names = {*keywords, *(() if items is None else map(str, items.columns))}
    return names - set(given.columns)


def _from_forecast(
    policy: Policy,
    forecast: pd.DataFrame,
    given: Given,
    names: pd.DataFrame,
    its_columns: dict[str, pd.Series],
    problems: list[str],
) -> dict[int, str]:
    """Adds the forecast's series to the columns, and gives the rows whose forecast can't be used."""
    needed = {column.name for column in policy.needs}
    if "demand_mean" not in needed:
        problems.append(f"forecast: {policy.name} reads no demand_mean")
        return {}
    if twice := [name for name in _OF_DEMAND if name in its_columns]:
        problems.append(f"{' and '.join(twice)}: is given beside forecast; leave one of them out")
        return {}
    series, wrong = series_of(forecast, names, list(given.keys))
    problems += wrong
    if series is None:
        return {}
    for name, values in series.columns.items():
        if name == "demand_mean" or "demand_variance" in needed:
            its_columns[name] = values
    return series.blocked


def _frame(policy: Policy, names: pd.DataFrame, its_columns: Mapping[str, pd.Series]) -> pd.DataFrame:
    """The engine's columns; one that is absent has its default, else NULL, and one that parts the items is 1."""
    frame = names.copy()
    for column in policy.needs:
        if column.name in its_columns:
            frame[column.name] = its_columns[column.name].to_numpy()
        elif column.name in policy.partition_by and not column.is_nullable:
            frame[column.name] = "1"
        else:
            kind = float if column.type == "double" else object
            frame[column.name] = pd.Series([column.default] * len(frame), dtype=kind)
    frame["partition_key"] = keys.partition_keys(frame, policy.partition_by)
    return frame.assign(is_audited=False)


def _with_their_partition(frame: pd.DataFrame, blocked: Mapping[int, str]) -> dict[int, str]:
    """The blocked rows, and those that would be decided together with one; each names the item."""
    every: dict[int, str] = {}
    partition = frame["partition_key"].to_numpy()
    for row, reason in sorted(blocked.items()):
        item = "/".join(frame.loc[row, list(ITEM)])
        for other in np.flatnonzero(partition == partition[row]):
            every.setdefault(int(other), f"item {item}: {reason}")
    return every
