"""Decisions of a batch's items, as arrays by name, and those that hold now."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd


def decision_arrays(decisions: pd.Series, has_solution: np.ndarray) -> dict[str, np.ndarray]:
    """Name -> (n,) array where it has one value per item, (n, n_periods) where it has one per period.

    NaN stands where an item has no such decision, or no such period.

    Parameters
    ----------
    decisions : (n,) maps of name -> values; Arrow gives a map as a list of pairs, or a dict
    has_solution : (n,) booleans: whose map is read

    >>> decision_arrays(pd.Series([[("Q", [7.0, 8.0])], None]), np.array([True, False]))
    {'Q': array([[ 7.,  8.],
           [nan, nan]])}
    """
    maps = [dict(pairs) for pairs, is_solved in zip(decisions, has_solution, strict=True) if is_solved]
    names = dict.fromkeys(name for names in dict.fromkeys(map(tuple, maps)) for name in names)
    return {name: _array([values.get(name, ()) for values in maps], has_solution) for name in names}


def _array(series: list, has_solution: np.ndarray) -> np.ndarray:
    lengths = np.fromiter(map(len, series), dtype=int, count=len(series))
    longest = int(lengths.max(initial=1))
    values = np.full((len(has_solution), longest), np.nan)
    is_filled = np.zeros_like(values, dtype=bool)
    is_filled[has_solution] = np.arange(longest) < lengths[:, None]
    # object arrays hold a NULL as None, which becomes NaN
    values[is_filled] = np.concatenate(series).astype(float)
    return values[:, 0] if longest == 1 else values


def at_period(arrays: Mapping[str, np.ndarray], period: int) -> dict[str, np.ndarray]:
    """The values that hold now: the only one, or that of the period; NaN before the first and beyond the last."""
    return {name: _column(values, period) for name, values in arrays.items()}


def _column(values: np.ndarray, period: int) -> np.ndarray:
    if values.ndim == 1:
        return values
    return values[:, period] if 0 <= period < values.shape[1] else np.full(len(values), np.nan)


def as_maps(now: Mapping[str, np.ndarray], has_solution: np.ndarray) -> list[dict[str, float] | None]:
    """One dict per item of the decisions that it has now; None where it has no solution."""
    names = tuple(now)
    rows = zip(*(values.tolist() for values in now.values()), strict=True) if names else [()] * len(has_solution)
    return [
        {name: value for name, value in zip(names, row, strict=True) if value == value} if is_solved else None
        for row, is_solved in zip(rows, has_solution.tolist(), strict=True)
    ]
