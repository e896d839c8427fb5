"""Why an item has its quantity: its order review and the decisions behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from invopt.tables.columns import ITEM


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why an item has its quantity; printed, it is two lines of text.

    review : the item's row of gold.order_reviews
    solution : the decisions that the review went by, as a row of `Lakehouse.solutions`; None where there are none
    """

    review: pd.Series
    solution: pd.Series | None

    @property
    def sentence(self) -> str:
        """The reason of the quantity."""
        return self.review["reason"]

    def __repr__(self) -> str:
        review = self.review
        ordered = (
            f"{review['quantity']:g} ordered of product {review['product_id']} for location {review['location_id']} "
            f"from source {review['source_id']} on {review['ordered_at']:%Y-%m-%d}: {self.sentence}"
        )
        if self.solution is None:
            return f"{ordered}\npolicy {review['policy_id']}: no solution"
        known = self.solution.drop(["policy_id", *ITEM])
        values = [f"{name} {_shown(value)}" for name, value in known.items() if np.ndim(value) or not pd.isna(value)]
        return f"{ordered}\npolicy {review['policy_id']}: {', '.join(values)}"


def _shown(value: object) -> str:
    """A value in a sentence.

    >>> _shown(0.25), _shown(np.array([1.0, 2.5])), _shown("optimal")
    ('0.25', '[1 2.5]', 'optimal')
    """
    if np.ndim(value):
        return f"[{' '.join(f'{x:g}' for x in value)}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
