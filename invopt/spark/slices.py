"""The slice of a table that a write replaces: the rows whose columns have given values, as SQL and as a check of
rows to write.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from invopt.errors import TableError

# column -> its value, or a list of them
Slice = Mapping[str, str | int | Sequence[str]]

_SAFE_VALUE = re.compile(r"^[A-Za-z0-9_.:*+-]*$")


def condition(slice_: Slice) -> str:
    """The rows of a slice, as SQL; a slice of no column is the whole table.

    >>> condition({"run_id": "r1", "policy_id": ["s_q", "r_s"]})
    "run_id = 'r1' AND policy_id IN ('s_q', 'r_s')"

    Raises
    ------
    TableError : a value that isn't one of our own ids or numbers.
    """
    conditions = [
        f"{name} = {_literal(value)}"
        if isinstance(value, str | int)
        else f"{name} IN ({', '.join(map(_literal, value))})"
        for name, value in slice_.items()
    ]
    return " AND ".join(conditions) or "TRUE"


def values(slice_: Slice) -> dict[str, list[str | int]]:
    """Each column's values as a list."""
    return {name: [value] if isinstance(value, str | int) else list(value) for name, value in slice_.items()}


def equals(slice_: Slice) -> Column:
    """Whether a row is of the slice, such that Delta passes over files that can't have one."""
    return reduce(operator.and_, (F.col(name).isin(given) for name, given in values(slice_).items()), F.lit(True))


def is_inside(slice_: Slice) -> Column:
    """Whether a row is of the slice.

    Numbers are compared as text: a number would stand in the code that Spark generates, and make it compile anew for
    each slice.
    """
    equal = (F.col(name).cast("string").isin(*map(str, of_column)) for name, of_column in values(slice_).items())
    return reduce(operator.and_, equal, F.lit(True))


def inside(slice_: Slice) -> Column:
    """True for the slice's rows, and an error that ends the write for any other."""
    return F.assert_true(is_inside(slice_), OUTSIDE + condition(slice_)).isNull()


# the error of `inside` begins with this
OUTSIDE = "a row to write lies outside of the slice "


def _literal(value: str | int) -> str:
    """A value of a slice as SQL; slices hold our own ids only, and anything else is refused."""
    if isinstance(value, int):
        return str(value)
    if not _SAFE_VALUE.match(value):
        raise TableError(f"{value!r} can't be the value of a slice: letters, digits and _.:*+- only")
    return f"'{value}'"
