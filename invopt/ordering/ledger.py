"""A line's ledger: the units that each step adds or takes, which add up exactly to the quantity that is ordered.

A row is a tuple (step, units, limit, price). `units` is signed, `limit` is the limit that the step applies, and
`price` is what one more unit of it is worth; both are None where there is none.

A difference of two floats can be off in its last digit: 1000 + (0.3 - 1000) is not 0.3. The step then has a second row
with the rest. With it the rows add up exactly, from the first to the last:

    d = b - a,  c = a + d,  rest = b - c

c is the multiple of d's last place that is nearest to b, or 0. So b - c is a float (Sterbenz), and c + rest = b.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

LEDGER_TYPE = "array<struct<step:string,units:double,limit:double,price:double>>"

Row = tuple[str, float, float | None, float | None]


def open_ledgers(step: str, units: np.ndarray) -> np.ndarray:
    """(n,) ledgers of one row each; NaN opens an empty ledger.

    >>> open_ledgers("policy", np.array([7.0, np.nan])).tolist()
    [[('policy', 7.0, None, None)], []]
    """
    return _lists([(step, value, None, None)] if value == value else [] for value in units.tolist())


def post(
    ledgers: np.ndarray,
    step: str,
    before: np.ndarray,
    after: np.ndarray,
    limit: np.ndarray | None = None,
    *,
    always: np.ndarray | None = None,
) -> np.ndarray:
    """The ledgers with a row for the step that leads from one quantity to the next, where it changes something.

    Parameters
    ----------
    ledgers : (n,) lists of rows that add up to `before`; they are not changed
    before, after : (n,) arrays, units
    limit : (n,) array, the limit that the step applies
    always : (n,) booleans: lines that have a row of this step even if it changes nothing

    >>> post(open_ledgers("policy", np.array([7.0])), "minimum", np.array([7.0]), np.array([10.0]), np.array([10.0]))[0]
    [('policy', 7.0, None, None), ('minimum', 3.0, 10.0, None)]
    """
    change = after - before
    rest = after - (before + change)
    has_row = (change != 0) | (rest != 0)
    if always is not None:
        has_row |= always
    grown = ledgers.copy()
    for i in np.flatnonzero(has_row).tolist():
        bound = None if limit is None else float(limit[i])
        rows: list[Row] = [(step, float(change[i]), bound, None)]
        if rest[i] != 0:
            rows.append((step, float(rest[i]), bound, None))
        grown[i] = ledgers[i] + rows
    return grown


def totals(ledgers: Iterable[Iterable[Row]]) -> np.ndarray:
    """(n,) array: the units of each ledger, added up from its first row to its last.

    >>> totals([[("policy", 7.0, None, None), ("minimum", 3.0, 10.0, None)], []])
    array([10.,  0.])
    """
    return np.array([sum((row[1] for row in rows), 0.0) for rows in ledgers])


def _lists(lists: Iterable[list]) -> np.ndarray:
    """An (n,) array of lists; numpy's own constructor would make lists of equal length an (n, m) array."""
    filled = list(lists)
    array = np.empty(len(filled), dtype=object)
    array[:] = filled
    return array
