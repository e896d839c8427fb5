"""What the cells of a column hold, in the types that the engine reads; or what is wrong with a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from invopt.front_door.cells import CellError, depth_of, is_null
from invopt.tables.columns import Column


def typed(values: Sequence[Any], column: Column) -> pd.Series:
    """The cells in the types that the engine reads; NULL stays NULL.

    Raises
    ------
    CellError : a cell holds something else; names the first row, the value and what it must be.
    """
    depth = depth_of(column)
    if column.type in ("string", "boolean"):
        read = _text if column.type == "string" else _truth
        return pd.Series(_each(read, values, column), dtype=object)
    if depth == 0:
        return pd.Series(_each(_number, values, column), dtype=float)
    read = _numbers if depth == 1 else _lists
    return of_objects(_each(read, values, column))


def of_objects(values: Sequence[Any]) -> pd.Series:
    """A column whose cells are lists or arrays, which pandas would take apart."""
    cells = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        cells[row] = value
    return pd.Series(cells)


def _each(read: Callable[[Any, Column], Any], values: Sequence[Any], column: Column) -> list[Any]:
    result = []
    for row, value in enumerate(values):
        try:
            result.append(read(value, column))
        except CellError as error:
            raise CellError(f"{error} (row {row})" if len(values) > 1 else str(error)) from None
    return result


def _number(value: Any, column: Column) -> float:
    if is_null(value):
        return np.nan
    if isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_):
        return float(value)
    unit = f" in {column.unit}" if column.unit else ""
    raise CellError(f"is {_shown(value)}, must be a number{unit}")


def _numbers(value: Any, column: Column) -> np.ndarray | None:
    if is_null(value):
        return None
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        return value.astype(float)
    return np.array([_number(part, column) for part in value], dtype=float)


def _lists(value: Any, column: Column) -> list[np.ndarray | None] | None:
    return None if is_null(value) else [_numbers(part, column) for part in value]


def _text(value: Any, column: Column) -> str | None:
    """Ids that are whole numbers become texts, also where a missing one beside them made them floats."""
    if is_null(value):
        return None
    is_id = column.name.endswith("_id") and isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    if is_id and float(value).is_integer():
        return str(int(value))
    if not isinstance(value, str):
        raise CellError(f"is {_shown(value)}, must be a text")
    return value


def _truth(value: Any, column: Column) -> bool | None:
    if is_null(value):
        return None
    if not isinstance(value, bool | np.bool_):
        raise CellError(f"is {_shown(value)}, must be True or False")
    return bool(value)


def _shown(value: Any) -> str:
    kinds = {
        str: "the text",
        bool: "the truth value",
        np.bool_: "the truth value",
        int: "the number",
        float: "the number",
    }
    return f"{kinds.get(type(value), f'of type {type(value).__name__}:')} {value!r:.60}"
