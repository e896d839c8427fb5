"""A budget that several products share: what each uses of it, beside what each would use alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from invopt.workbench.curves.curve import Curve


class SharedBudget(NamedTuple):
    """The products of a partition under a budget, and the curve of one of them.

    label : the partition
    curve : the cost of the product that shows the effect of the budget best
    uses : one row per product: `product`, `used` as decided and `wanted` if it were alone, money
    budget : money, infinite for none
    finding : the effect of the budget, in two sentences
    price_lines : the cost of the curve's product at each of its prices: `line`, `price`, `first_quantity`,
        `order_quantity`, `total`; no rows without price breaks, None where no price depends on the quantity
    """

    label: str
    curve: Curve
    uses: pd.DataFrame
    budget: float
    finding: str
    price_lines: pd.DataFrame | None = None


def is_short(uses: pd.DataFrame, budget: float) -> bool:
    """Whether some product gets less than it wants."""
    return bool(uses["wanted"].sum() > budget * (1 + 1e-9))


def comparison(uses: pd.DataFrame, budget: float, purpose: str) -> str:
    """The budget beside what is wanted of it, in words."""
    if np.isinf(budget):
        return f"There is no limit on {purpose}: each product gets its own best"
    share = uses["used"].sum() / budget
    if not is_short(uses, budget):
        return (
            f"Of {budget:,.4g} for {purpose} {share:.1%} are used: the limit does not bind, "
            "and each product gets its own best"
        )
    return (
        f"The limit on {purpose}, {budget:,.4g}, is {share:.1%} used; without it all together would "
        f"use {uses['wanted'].sum():,.4g}"
    )
