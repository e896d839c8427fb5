"""Phrases for the findings of curves."""

from __future__ import annotations

import pandas as pd


def dearer(cost: float, than: float) -> str:
    """How much more a cost is than the chosen one, in words.

    >>> dearer(1.5, 1.0), dearer(1.0, 1.0), dearer(9.0, 1.0)
    ('50% more', 'the same', '9 times as much')
    """
    if than <= 0:
        return f"{cost - than:.2g} more per day"
    ratio = cost / than
    if ratio >= 1.995:
        return f"{ratio:.3g} times as much"
    return "the same" if abs(ratio - 1) < 0.005 else f"{abs(ratio - 1):.0%} {'more' if ratio > 1 else 'less'}"


def products_at(labels: pd.Series) -> str:
    """The number of products and their place, from labels "product, place".

    >>> products_at(pd.Series(["Bread, Old Town", "Milk, Old Town"]))
    '2 products, Old Town'
    """
    return f"{len(labels)} product{'s' if len(labels) > 1 else ''}, {labels.iloc[0].split(', ')[-1]}"
