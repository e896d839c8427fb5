"""The items that a policy decides for: their columns as arrays, and what is to be told of each.

Readers of columns refuse an item for each problem that it has, so that a user sees all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from invopt.errors import ParameterError
from invopt.tables.columns import ITEM, Column


class Items:
    """The n items of m partitions.

    offsets : (m + 1,) array: partition k is the items offsets[k]:offsets[k+1]
    problems : (n,) object array of texts and None: why an item is not decided
    remarks : (n,) object array of texts and None: what is worth knowing of a decided item
    views : name -> frame of what the policy reads beside its items, whole for every partition

    >>> lead_time = Column("lead_time", "double", "days", "from order to arrival", default=0.0)
    >>> items = Items(pd.DataFrame({"lead_time": [2.0, None]}), [lead_time])
    >>> items.numbers("lead_time")
    array([2., 0.])
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        needs: Iterable[Column],
        offsets: np.ndarray | None = None,
        views: Mapping[str, pd.DataFrame] | None = None,
    ) -> None:
        self.frame = frame
        self.offsets = np.arange(len(frame) + 1) if offsets is None else np.asarray(offsets, dtype=np.int64)
        self.problems = np.full(len(frame), None, dtype=object)
        self.remarks = np.full(len(frame), None, dtype=object)
        self.views = {} if views is None else views
        self._defaults = {column.name: column.default for column in needs}

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def is_usable(self) -> np.ndarray:
        """(n,) bool: nothing is wrong with the item so far."""
        return np.equal(self.problems, None)

    @property
    def sizes(self) -> np.ndarray:
        """(m,) array of int: how many items each partition has."""
        return np.diff(self.offsets)

    def numbers(self, name: str) -> np.ndarray:
        """A column of numbers as an (n,) float array; NULL is the column's default, else NaN."""
        values = self.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
        default = self._defaults.get(name)
        return values if default is None else np.where(np.isnan(values), default, values)

    def numbers_of(self, *names: str) -> tuple[np.ndarray, ...]:
        """Several columns of numbers."""
        return tuple(self.numbers(name) for name in names)

    def objects(self, name: str) -> np.ndarray:
        """A column of texts or arrays as an (n,) object array."""
        return self.frame[name].to_numpy(dtype=object)

    def refuse(self, is_wrong: np.ndarray, text: str, value: np.ndarray | None = None) -> None:
        """Adds `text`, with {value} replaced by the item's own, to the problems of each item that is wrong.

        >>> items = Items(pd.DataFrame(index=range(2)), [])
        >>> items.refuse(np.array([False, True]), "lead_time is {value}", np.array([1, -2]))
        >>> items.problems.tolist()
        [None, 'lead_time is -2']
        """
        _add(self.problems, is_wrong, text, value)

    def note(self, is_worth: np.ndarray, text: str, value: np.ndarray | None = None) -> None:
        """Adds `text`, with {value} replaced by the item's own, to the remarks of these items."""
        _add(self.remarks, is_worth, text, value)

    def limits(self, name: str) -> np.ndarray:
        """The limit that the items of each partition share, an (m,) array, infinite where it is NULL.

        A partition whose rows differ is refused.
        """
        given = self.numbers(name)
        if len(given) == 0:
            return np.zeros(0)
        first = np.repeat(given[self.offsets[:-1]], self.sizes)
        is_other = ~((given == first) | (np.isnan(given) & np.isnan(first)))
        self.refuse(
            is_other,
            name
            + " is {value} here and something else in another row of the partition; all its rows must have the same",
            given,
        )
        limit = given[self.offsets[:-1]]
        return np.where(np.isnan(limit), np.inf, limit)

    def refuse_partitions(self) -> None:
        """Refuses the other items of a refused item's partition, and names it: they are decided together."""
        is_bad = ~self.is_usable
        for k in np.unique(np.searchsorted(self.offsets, np.flatnonzero(is_bad), side="right") - 1):
            rows = np.arange(self.offsets[k], self.offsets[k + 1])
            worst = rows[is_bad[rows]][0]
            for row in rows[~is_bad[rows]]:
                self.problems[row] = (
                    f"not decided, because of {self.name(worst)} of its partition: {self.problems[worst]}"
                )

    def raise_problems(self) -> None:
        """Ends a model's building where an item is refused.

        Raises
        ------
        ParameterError : the first item with a problem.
        """
        for i in np.flatnonzero(~self.is_usable):
            raise ParameterError(f"{self.name(i)}: {self.problems[i]}")

    def name(self, i: int) -> str:
        """Item i in words, for a message: by its keys, as the checks of the engine name it; by its place without them.

        >>> Items(pd.DataFrame({"location_id": ["1"], "product_id": ["11_1"], "source_id": ["4"]}), []).name(0)
        'item 1/11_1/4'
        """
        keys = [str(self.frame[key].iloc[i]) for key in ITEM if key in self.frame]
        return f"item {'/'.join(keys) if keys else i}"


def _add(texts: np.ndarray, chosen: np.ndarray, text: str, value: np.ndarray | None) -> None:
    for i in np.flatnonzero(chosen):
        added = text if value is None else text.format(value=value[i])
        texts[i] = added if texts[i] is None else f"{texts[i]}; {added}"
