"""The rows that can't be solved, because a value is missing, is no number, or lies out of its column's range."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import numpy as np
import pandas as pd

from invopt.tables.columns import ITEM, Column

NUMBERS = ("int", "bigint", "double")
SERIES = ("array<double>", "array<array<double>>")


def problems(items: pd.DataFrame, columns: Iterable[Column]) -> np.ndarray | None:
    """All problems of each row, as an (n,) object array of texts and None; None when all rows are good.

    A column that may not be NULL must hold finite numbers, at any depth of an array, and an array must not be empty.
    A column with a range must keep it wherever it holds a number.
    """
    texts: np.ndarray | None = None
    for column in columns:
        has_range = column.minimum is not None or column.maximum is not None
        if column.is_nullable and not has_range:
            continue
        is_bad = _is_bad(items[column.name], column)
        if not is_bad.any():
            continue
        if texts is None:
            texts = np.full(len(items), None, dtype=object)
        for row in np.flatnonzero(is_bad):
            problem = f"column {column.name} {_text(items[column.name].iat[row], column)}"
            item = "/".join(str(items[key].iat[row]) for key in ITEM)
            texts[row] = f"item {item}: {problem}" if texts[row] is None else f"{texts[row]}; {problem}"
    return texts


def _is_bad(series: pd.Series, column: Column) -> np.ndarray:
    """(n,) bool: NULL where it must not be, a number that is not finite, or one out of range."""
    if column.type in NUMBERS:
        values = pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        is_bad = _is_wrong(values, column)
        return is_bad & series.notna().to_numpy() if column.is_nullable else is_bad
    is_null = series.isna().to_numpy(copy=True)
    is_bad = np.zeros(len(series), dtype=bool) if column.is_nullable else is_null.copy()
    rows = np.flatnonzero(~is_null)
    if column.type not in SERIES or not len(rows):
        return is_bad
    cells = series.to_numpy()[rows]
    if column.type == "array<double>":
        is_bad[rows] = _has_bad_number(cells, column)
        return is_bad
    inner = list(chain.from_iterable(cells))
    owner = np.repeat(rows, np.fromiter(map(len, cells), dtype=int, count=len(cells)))
    is_missing = np.fromiter((array is None for array in inner), dtype=bool, count=len(inner))
    is_bad[owner[is_missing]] = True
    present = [array for array in inner if array is not None]
    is_bad[owner[~is_missing][_has_bad_number(present, column)]] = True
    return is_bad


def _is_wrong(numbers: np.ndarray, column: Column) -> np.ndarray:
    """Which numbers are not finite or out of the column's range."""
    is_wrong = ~np.isfinite(numbers)
    if column.minimum is not None:
        is_wrong |= numbers <= column.minimum if column.is_above_minimum else numbers < column.minimum
    if column.maximum is not None:
        is_wrong |= numbers > column.maximum
    return is_wrong


def _has_bad_number(arrays: Iterable, column: Column) -> np.ndarray:
    """(n,) bool: the array is empty or holds a wrong number; one pass over all numbers, no loop over arrays."""
    lengths = np.fromiter(map(len, arrays), dtype=int)
    is_bad = (lengths == 0) & (not column.is_nullable)
    if lengths.sum():
        numbers = np.concatenate(list(arrays)).astype(float)
        is_bad[np.repeat(np.arange(len(lengths)), lengths)[_is_wrong(numbers, column)]] = True
    return is_bad


def _text(value: object, column: Column) -> str:
    """What is wrong with the value; of an array its first bad number, with its place."""
    place, bad = _first_bad(value, column)
    shown = "NULL" if bad is None or bad is pd.NA else bad
    need = column.range if isinstance(bad, (int, float, np.number)) and np.isfinite(bad) else ""
    if isinstance(bad, (list, tuple, np.ndarray)):
        return f"{place}is empty, but a finite value is needed"
    unit = f" {column.unit}" if need and column.unit else ""
    return f"{place}is {shown}, must be {need}{unit}" if need else f"{place}is {shown}, but a finite value is needed"


def _first_bad(value: object, column: Column) -> tuple[str, object]:
    """Where the first bad number stands, "at [2][0] " or "", and the number."""
    if not isinstance(value, (list, tuple, np.ndarray)):
        return "", value
    for place, part in enumerate(value):
        if isinstance(part, (list, tuple, np.ndarray)):
            if _has_bad_number([part], column)[0]:
                where, bad = _first_bad(part, column)
                return f"at [{place}]{where.removeprefix('at ')}" + ("" if where else " "), bad
        elif part is None or _is_wrong(np.array([part], dtype=float), column)[0]:
            return f"at [{place}] ", part
    return "", value
