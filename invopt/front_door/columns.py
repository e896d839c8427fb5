"""The policy's columns from a frame and keywords: names checked, cells typed, every problem collected."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from invopt.front_door.cells import CellError, cells, is_list, n_items_of, of_frame
from invopt.front_door.demand import DEMAND_STD
from invopt.front_door.values import typed
from invopt.policies.base import Policy
from invopt.tables.columns import ITEM_KEYS, Column

_NEAR = 0.75


class Given(NamedTuple):
    """What was given, as columns of n items.

    columns : name -> typed cells
    keys : key -> the values as they were given
    problems : what is wrong with the whole
    """

    n_items: int
    columns: dict[str, pd.Series]
    keys: dict[str, list[Any]]
    problems: list[str]


def readable(policy: Policy) -> dict[str, Column]:
    """The columns that can be given for a policy: the keys, its needs, and demand_std for demand_variance."""
    columns = {column.name: column for column in (*ITEM_KEYS, *policy.needs)}
    if "demand_variance" in columns:
        columns[DEMAND_STD.name] = DEMAND_STD
    return columns


def read(policy: Policy, items: pd.DataFrame | None, keywords: Mapping[str, Any]) -> Given:
    """Reads a frame and the keywords beside it."""
    known = readable(policy)
    problems = [f"{name}: is {_unknown(name, policy, known)}" for name in keywords if name not in known]
    keywords = {name: value for name, value in keywords.items() if name in known}
    framed = {} if items is None else {str(name): name for name in items.columns if str(name) in known}
    if items is not None:
        twice = items.columns[items.columns.duplicated()]
        problems += [f"{name}: is in items twice" for name in dict.fromkeys(map(str, twice)) if name in known]
    problems += [f"{name}: is given twice, in items and as a keyword" for name in keywords if name in framed]
    if problems and items is not None and items.columns.has_duplicates:
        return Given(0, {}, {}, problems)
    sizes, wrong = _sizes(items, keywords, known)
    problems += wrong
    if items is None:
        problems += _other_index(keywords)
    n_items = len(items) if items is not None else max(sizes.values(), default=1)
    columns, keys = {}, {}
    for name, column in known.items():
        try:
            if name in framed:
                values = of_frame(items[framed[name]], column)
            elif name in keywords:
                values = _cells(
                    keywords[name], column, sizes.get(name, n_items), items, _is_one_period_enough(policy, name)
                )
            else:
                continue
            columns[name] = typed(values, column)
            if column in ITEM_KEYS:
                keys[name] = values
        except CellError as error:
            if f"{name}: {error}" not in problems:
                problems.append(f"{name}: {error}")
    if items is not None:
        _warn_of_misspelling(policy, items, {*framed, *keywords}, known)
    return Given(n_items, columns, keys, problems)


def missing(policy: Policy, columns: Iterable[str], items: pd.DataFrame | None) -> list[str]:
    """The columns that must be given and were not, each with its unit and meaning.

    A column that only tells which items are decided together may be absent: then all of them are.
    """
    absent = [column for column in policy.must_be_given if column.name not in columns]
    others = () if items is None else [str(name) for name in items.columns if str(name) not in readable(policy)]
    texts = []
    for column in absent:
        near = difflib.get_close_matches(column.name, map(str.lower, others), 1, _NEAR)
        unit = f"{column.unit}; " if column.unit else ""
        text = f"{column.name}: is missing ({unit}{column.meaning})"
        meant = next((name for name in others if near and name.lower() == near[0]), None)
        texts.append(text + (f"; is it the column {meant!r}?" if meant else ""))
    return texts


def _unknown(name: str, policy: Policy, known: Iterable[str]) -> str:
    """What a keyword is not, and what may have been meant, else all there is."""
    if name in policy.params.model_fields:
        return f"a parameter of {policy.name}, no column; give it by params={{{name!r}: ...}}"
    near = difflib.get_close_matches(name.lower(), known, 1, 0.6)
    meant = f"did you mean {near[0]}?" if near else f"it reads {', '.join(known)}"
    return f"not a column of {policy.name}; {meant}"


def _sizes(
    items: pd.DataFrame | None, keywords: Mapping[str, Any], known: Mapping[str, Column]
) -> tuple[dict[str, int], list[str]]:
    """The number of items of each keyword that says one, and how they differ; beside a frame the frame says it."""
    if items is not None:
        return {}, []
    sizes: dict[str, int] = {}
    for name, value in keywords.items():
        try:
            size = n_items_of(value, known[name])
        except CellError:  # told when the column is read
            continue
        if size is not None:
            sizes[name] = size
    wrong = [f"{name}: is an empty list" for name, size in sizes.items() if size == 0]
    if len(set(sizes.values())) > 1 and not wrong:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        wrong = [f"the columns have values for different numbers of items: {listed}"]
    return sizes, wrong


def _other_index(keywords: Mapping[str, Any]) -> list[str]:
    """The Series whose index is not the first one's: side by side their values would be of different items."""
    given = {name: value.index for name, value in keywords.items() if isinstance(value, pd.Series)}
    first = next(iter(given), None)
    return [
        f"{name}: has another index than {first}; give their .to_numpy() where the order is the same"
        for name, index in given.items()
        if len(index) == len(given[first]) and not index.equals(given[first])
    ]


def _cells(
    value: Any, column: Column, n_items: int, items: pd.DataFrame | None, is_one_period_enough: bool
) -> list[Any]:
    if isinstance(value, pd.Series):
        if items is not None and not value.index.equals(items.index):
            raise CellError("has another index than items; give its .to_numpy() where the order is the same")
    elif not is_list(value) and hasattr(value, "__iter__") and not isinstance(value, str):
        raise CellError(f"is a {type(value).__name__}, must be a value or a list")
    return cells(value, column, n_items, is_one_period_enough=is_one_period_enough)


def _is_one_period_enough(policy: Policy, name: str) -> bool:
    """Whether an item's list of one value makes sense: not as the demand of a plan, nor as a list of price breaks."""
    is_plan = any(decision.has_periods for decision in policy.decides)
    return not (name.startswith("price_break") or (is_plan and name.startswith("demand_")))


def _warn_of_misspelling(policy: Policy, items: pd.DataFrame, given: set[str], known: Mapping[str, Column]) -> None:
    """A column that is not read is no mistake, unless it looks like an absent one that need not be there."""
    absent = known.keys() - given - {column.name for column in policy.must_be_given}
    for name in map(str, items.columns):
        if name not in known and (near := difflib.get_close_matches(name.lower(), absent, 1, _NEAR)):
            warnings.warn(f"column {name!r} of items is not read; did you mean {near[0]}?", UserWarning, stacklevel=5)
