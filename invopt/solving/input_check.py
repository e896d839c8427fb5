"""The rows that can't be solved, because a value is missing, is no number, or lies out of its column's range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import pandas as pd

from invopt.tables.columns import ITEM, Column

NUMBERS = ("int", "bigint", "double")
# what float() and numpy raise for a value that is no number
UNREADABLE = (TypeError, ValueError, OverflowError)
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
    """(n,) bool: NULL where it must not be, a value that is no finite number, or one out of range."""
    if column.type in NUMBERS:
        is_bad = _is_wrong(_numbers(series), column)
        return is_bad & series.notna().to_numpy() if column.is_nullable else is_bad
    is_null = series.isna().to_numpy(copy=True)
    is_bad = np.zeros(len(series), dtype=bool) if column.is_nullable else is_null.copy()
    rows = np.flatnonzero(~is_null)
    if column.type in SERIES and len(rows):
        is_bad[rows] = _are_bad(series.to_numpy()[rows], column)
    return is_bad


def _numbers(series: pd.Series) -> np.ndarray:
    """The values as floats, NaN for what is no number."""
    try:
        return series.to_numpy(dtype=float, na_value=np.nan)
    except UNREADABLE:
        return np.array([_number(value) for value in series])


def _number(value: object) -> float:
    try:
        return float(value)
    except UNREADABLE:
        return np.nan


def _are_bad(cells: Sequence, column: Column) -> np.ndarray:
    """Which arrays can't be used: all at once, or one after another when a cell is no array of numbers."""
    has_bad = _has_bad_number if column.type == "array<double>" else _has_bad_array
    try:
        return has_bad(cells, column)
    except UNREADABLE:
        return np.array([True]) if len(cells) == 1 else np.array([_are_bad([cell], column)[0] for cell in cells])


def _is_wrong(numbers: np.ndarray, column: Column) -> np.ndarray:
    """Which numbers are not finite or out of the column's range."""
    is_wrong = ~np.isfinite(numbers)
    if column.minimum is not None:
        is_wrong |= numbers <= column.minimum if column.is_above_minimum else numbers < column.minimum
    if column.maximum is not None:
        is_wrong |= numbers > column.maximum
    return is_wrong


def _has_bad_number(arrays: Sequence, column: Column) -> np.ndarray:
    """(n,) bool: the array is empty or holds a wrong number; one pass over all numbers, no loop over arrays."""
    lengths = np.fromiter(map(len, arrays), dtype=int)
    is_bad = (lengths == 0) & (not column.is_nullable)
    if lengths.sum():
        numbers = np.concatenate(list(arrays)).astype(float)
        if numbers.ndim != 1:
            raise ValueError("an array of arrays where numbers are needed")
        is_bad[np.repeat(np.arange(len(lengths)), lengths)[_is_wrong(numbers, column)]] = True
    return is_bad


def _has_bad_array(cells: Sequence, column: Column) -> np.ndarray:
    """(n,) bool: the array of arrays is empty, or one of its arrays is NULL, empty or holds a wrong number."""
    lengths = np.fromiter(map(len, cells), dtype=int)
    is_bad = (lengths == 0) & (not column.is_nullable)
    inner = list(chain.from_iterable(cells))
    owner = np.repeat(np.arange(len(lengths)), lengths)
    is_missing = np.fromiter((array is None for array in inner), dtype=bool, count=len(inner))
    is_bad[owner[is_missing]] = True
    present = [array for array in inner if array is not None]
    is_bad[owner[~is_missing][_has_bad_number(present, column)]] = True
    return is_bad


def _text(value: object, column: Column) -> str:
    """What is wrong with the value; of an array its first bad number, with its place."""
    place, bad = _first_bad(value, column)
    if bad is None or bad is pd.NA:
        return f"{place}is NULL, but a {'finite ' if column.type in (*NUMBERS, *SERIES) else ''}value is needed"
    if _is_series(bad) and not len(bad):
        return f"{place}is empty, but a finite value is needed"
    is_finite = not _is_series(bad) and np.isfinite(_number(bad))
    shown = " ".join(str(bad)[:60].split())
    if is_finite and _is_wrong(np.array([_number(bad)]), column)[0]:
        return f"{place}is {shown}, must be {column.range}{' ' * bool(column.unit)}{column.unit}"
    if is_finite or _is_series(bad):  # a number where an array is needed, or the other way round
        return f"{place}is {shown}, must be {column.type}"
    return f"{place}is {shown}, but a finite value is needed"


def _first_bad(value: object, column: Column) -> tuple[str, object]:
    """Where the first bad number stands, "at [2][0] " or "", and the number."""
    if not _is_series(value):
        return "", value
    for place, part in enumerate(value):
        if not _is_series(part):
            if _is_wrong(np.array([_number(part)]), column)[0]:
                return f"at [{place}] ", part
        elif column.type != "array<double>" and _are_bad([[part]], column)[0]:
            where, bad = _first_bad(part, column)
            return f"at [{place}]{where.removeprefix('at ')}" + ("" if where else " "), bad
    return "", value


def _is_series(value: object) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))
