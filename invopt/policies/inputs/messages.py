"""Messages about items that can't be used: an (n,) object array holds None or a text for each item.

Readers of columns note each problem of an item, so that a user sees all of them at once.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from invopt.errors import ParameterError
from invopt.tables.columns import ITEM


def note(message: np.ndarray, wrong: np.ndarray, text: str, value: np.ndarray | None = None) -> None:
    """Add `text`, with {value} replaced by the item's own, to the message of each item that is wrong.

    >>> message = np.array([None, "no demand", None], dtype=object)
    >>> note(message, np.array([True, True, False]), "lead_time is {value}", np.array([-1, -2, 0]))
    >>> message.tolist()
    ['lead_time is -1', 'no demand; lead_time is -2', None]
    """
    for i in np.flatnonzero(wrong):
        problem = text if value is None else text.format(value=value[i])
        message[i] = problem if message[i] is None else f"{message[i]}; {problem}"


def pass_on_messages(items: pd.DataFrame, message: np.ndarray, offsets: np.ndarray) -> None:
    """Where one item can't be used, the other items of its partition get a message that names it.

    A partition is decided as a whole. Partition k is rows offsets[k]:offsets[k+1].
    """
    is_bad = ~np.equal(message, None)
    for k in np.unique(np.searchsorted(offsets, np.flatnonzero(is_bad), side="right") - 1):
        rows = np.arange(offsets[k], offsets[k + 1])
        worst = rows[is_bad[rows]][0]
        for row in rows[~is_bad[rows]]:
            message[row] = f"not decided, because of {_named(items, worst)} of its partition: {message[worst]}"


def refuse(items: pd.DataFrame, message: np.ndarray) -> None:
    """Raise the first message there is, with its item: `build_model` refuses inputs that can't be used.

    Raises
    ------
    ParameterError : an item has a message.
    """
    for i in np.flatnonzero(np.not_equal(message, None)):
        raise ParameterError(f"{_named(items, i)}: {message[i]}")


def _named(items: pd.DataFrame, i: int) -> str:
    keys = ", ".join(f"{key} {items[key].iloc[i]}" for key in ITEM if key in items)
    return f"item {i} ({keys or 'no keys'})"
