"""What an item is called: the keys that were given, those made up for the others, and the items decided together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from invopt.tables.columns import ITEM


def complete_keys(keys: pd.DataFrame, partition_by: Sequence[str]) -> pd.DataFrame:
    """All three keys of every row: one that is absent is made up.

    An absent product_id numbers the rows, 1, 2, ...; where products part the items into those that are decided
    together, another absent key does. Every other absent key is 1.

    keys : those given, as texts; its index has the rows

    >>> complete_keys(pd.DataFrame(index=range(2)), ITEM).to_numpy().tolist()
    [['1', '1', '1'], ['1', '2', '1']]
    """
    absent = [name for name in ("product_id", "location_id", "source_id") if name not in keys]
    is_alone = set(ITEM) <= set(partition_by)
    numbering = [name for name in absent if is_alone or name not in partition_by][:1]
    if "product_id" in keys and (is_alone or "product_id" not in partition_by):
        numbering = []
    made = {name: [str(row + 1) for row in range(len(keys))] if name in numbering else "1" for name in absent}
    return keys.assign(**made)[list(ITEM)]


def problems(keys: pd.DataFrame, given: Collection[str]) -> list[str]:
    """Why the keys do not name each row once."""
    texts = []
    for name in given:
        if keys[name].isna().any():
            texts.append(f"{name}: is empty in row {int(keys[name].isna().to_numpy().argmax())}")
    is_twice = keys.duplicated(keep=False).to_numpy()
    if not texts and is_twice.any():
        row = int(is_twice.argmax())
        same = (keys == keys.iloc[row]).all(axis=1).to_numpy().nonzero()[0]
        names = " and ".join(given) or "the made-up keys"
        others = [name for name in ITEM if name not in given]
        more = f"; give {' or '.join(others)} too, or" if others else ";"
        texts.append(f"{names}: rows {same[0]} and {same[1]} have the same{more} leave one of them out")
    return texts


def partition_keys(columns: pd.DataFrame, partition_by: Sequence[str]) -> pd.Series:
    """A text for each row, the same in the rows that are decided together, in the order of the rows."""
    number = columns.groupby(list(partition_by), sort=False, dropna=False).ngroup()
    return number.map("{:010d}".format)
