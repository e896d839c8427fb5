"""One column as it was given: how deep its lists lie, and which cell of it belongs to which item.

A cell of a plain column is a number or a text, depth 0. A cell of an array column is a list of numbers, one for each
period, depth 1; of the probabilities of demand it is a list of such lists, depth 2. With d the depth of the cells:

    lists d + 1 deep    one cell for each item
    lists d deep        the cell of the one item there is; beside several items one period for each item
    lists d - 1 deep    one period, the same for all items; for a plain column there is no such form
    depth 0, d = 0      one value for all items
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from invopt.tables.columns import Column

_DEPTHS = {"array<double>": 1, "array<array<double>>": 2}
_FORMS = {0: "a single value", 1: "a list", 2: "a list of lists", 3: "a list of lists of lists"}
# what a whole column may be, and what a frame's cell may be, by the depth of the column's cells
_COLUMN_FORMS = {
    0: "a single value for all items or a list with a value for each",
    1: "a number, a list with the periods of one item, or a list of such lists, one for each item",
    2: "a list of probabilities, a list of such lists, one for each period, or a list of those, one for each item",
}
_CELL_FORMS = {
    0: "a single value",
    1: "a number or the list of its periods",
    2: "a list of probabilities or of such lists",
}
_LISTS = (list, tuple, range, np.ndarray, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)


class CellError(ValueError):
    """A column can't be used; the text says why, without the column's name."""


def depth_of(column: Column) -> int:
    """How deep the lists of one item lie in the column."""
    return _DEPTHS.get(column.type, 0)


def is_list(value: Any) -> bool:
    return isinstance(value, _LISTS) and not (isinstance(value, np.ndarray) and value.ndim == 0)


def nesting(value: Any) -> int:
    """How deep lists lie in a value; a None among them counts as any.

    Raises
    ------
    CellError : numbers and lists stand side by side.

    >>> nesting(1.5), nesting([1, None]), nesting([[1, 2], [3]]), nesting([None, [1.0]])
    (0, 1, 2, 2)
    """
    if not is_list(value):
        return 0
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.ndim
    if isinstance(value, pd.Series | pd.Index) and value.dtype != object:
        return 1
    depths = {nesting(part) for part in value if not is_null(part)}
    if len(depths) > 1:
        raise CellError("holds numbers and lists side by side; give every item the same form")
    return 1 + max(depths, default=0)


def is_null(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def n_items_of(value: Any, column: Column) -> int | None:
    """The number of items that a column says there are; None where it does not."""
    depth = nesting(value)
    return len(value) if depth == depth_of(column) + 1 else None


def cells(value: Any, column: Column, n_items: int, *, is_one_period_enough: bool = True) -> list[Any]:
    """The column's cell of each item, as it was given.

    is_one_period_enough : a list beside several items may have one period of each; else it could as well be the periods
        that all items share, and is refused

    Raises
    ------
    CellError : the lists lie too deep, or too few or many stand side by side.

    >>> series = Column("demand_mean", "array<double>", "units/day", "mean demand of each period")
    >>> cells([1, 2], series, 1), cells([1, 2], series, 2), cells(5, series, 2), cells([[1, 2], [3]], series, 2)
    ([[1, 2]], [[1], [2]], [[5], [5]], [[1, 2], [3]])
    """
    depth, wanted = nesting(value), depth_of(column)
    if depth == wanted + 1 or (depth == wanted > 0 and n_items > 1):
        if len(value) != n_items or (depth == wanted and not is_one_period_enough):
            raise CellError(_wrong_length(len(value), depth, wanted, n_items))
        values = list(value)
        return values if depth == wanted + 1 else [None if is_null(part) else [part] for part in values]
    if depth == wanted or is_null(value):
        return [value] * n_items
    if depth == wanted - 1:
        return [[value]] * n_items
    raise CellError(f"is {_form(depth)}, must be {_COLUMN_FORMS[wanted]}")


def _wrong_length(given: int, depth: int, wanted: int, n_items: int) -> str:
    """Names both shapes, and how to write what may have been meant."""
    items = f"{n_items} item{'s' if n_items > 1 else ''}"
    if depth == wanted + 1:
        return f"has values for {given} items, but there are {items}"
    return (
        f"is {_form(depth)} with {given} values, beside {items}; give {_form(depth + 1)}: {n_items} of them, "
        "the periods of an item in each"
    )


def _form(depth: int) -> str:
    return _FORMS.get(depth, f"lists {depth} deep")


def of_frame(series: pd.Series, column: Column) -> list[Any]:
    """The cells of a frame's column: each is one item's, and may be of one period without its list.

    Raises
    ------
    CellError : a cell's lists lie too deep; names the row.
    """
    wanted, values = depth_of(column), series.tolist()
    if wanted == 0 and series.dtype != object:
        return values
    for row, value in enumerate(values):
        if is_null(value):
            values[row] = None
            continue
        depth = nesting(value)
        if depth == wanted - 1:
            values[row] = [value]
        elif depth != wanted:
            raise CellError(f"is {_form(depth)} in row {row}, must be {_CELL_FORMS[wanted]}")
    return values
