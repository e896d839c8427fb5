"""The rows that can't be solved, because a value that must be finite is NULL, NaN or infinite."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import numpy as np
import pandas as pd

from invopt.tables.columns import ITEM, Column

NUMBERS = ("int", "bigint", "double")


def problems(items: pd.DataFrame, columns: Iterable[Column]) -> np.ndarray | None:
    """The problem of each row's first bad column, as an (n,) object array of texts and None; None when all rows are
    good.
    """
    texts: np.ndarray | None = None
    for column in columns:
        if column.is_nullable:
            continue
        is_bad = _is_bad(items[column.name], column.type)
        if not is_bad.any():
            continue
        if texts is None:
            texts = np.full(len(items), None, dtype=object)
        for row in np.flatnonzero(is_bad):
            if texts[row] is None:
                item = "/".join(str(items[key].iat[row]) for key in ITEM)
                texts[row] = (
                    f"item {item}: column {column.name} {_text(items[column.name].iat[row])}, but a finite value "
                    "is needed"
                )
    return texts


def _is_bad(series: pd.Series, sql_type: str) -> np.ndarray:
    """(n,) bool: NULL, or a number (in an array at any depth) that is not finite."""
    if sql_type in NUMBERS:
        return ~np.isfinite(pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan))
    is_bad = series.isna().to_numpy(copy=True)
    if sql_type == "array<double>":
        rows = np.flatnonzero(~is_bad)
        is_bad[rows] = _has_bad_number(series.to_numpy()[rows])
    elif sql_type == "array<array<double>>":
        rows = np.flatnonzero(~is_bad)
        outer = series.to_numpy()[rows]
        inner = list(chain.from_iterable(outer))
        owner = np.repeat(rows, np.fromiter(map(len, outer), dtype=int, count=len(outer)))
        is_null = np.fromiter((array is None for array in inner), dtype=bool, count=len(inner))
        is_bad[owner[is_null]] = True
        present = [array for array in inner if array is not None]
        is_bad[owner[~is_null][_has_bad_number(present)]] = True
    return is_bad


def _has_bad_number(arrays: Iterable) -> np.ndarray:
    """(n,) bool: the array holds a number that is not finite; one pass over all numbers, no loop over arrays."""
    lengths = np.fromiter(map(len, arrays), dtype=int)
    is_bad = np.zeros(len(lengths), dtype=bool)
    if lengths.sum():
        numbers = np.concatenate(list(arrays)).astype(float)
        is_bad[np.repeat(np.arange(len(lengths)), lengths)[~np.isfinite(numbers)]] = True
    return is_bad


def _text(value: object) -> str:
    """The value in words; an array's first bad number, with its place."""
    if not isinstance(value, (list, tuple, np.ndarray)):
        return "is NULL" if value is None or value is pd.NA else f"is {value}"
    for place, part in enumerate(value):
        if isinstance(part, (list, tuple, np.ndarray)):
            if _has_bad_number([part])[0]:
                return f"at [{place}]{_text(part)[3:]}"
        elif part is None or not np.isfinite(part):
            return f"at [{place}] is {'NULL' if part is None else part}"
    return f"is {value}"
