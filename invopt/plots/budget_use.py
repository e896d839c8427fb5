"""What each product gets of a budget that all share, beside what it would get alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from invopt.plots.style import ON_ORDER, STOCK, legend, plain

# products beyond which the rest is one bar
MOST_BARS = 12


class Shares(NamedTuple):
    """(n,) arrays of what the items use of the budget, money: as decided, and if each had its own best; and the
    budget, inf for none.
    """

    used: np.ndarray
    wanted: np.ndarray
    budget: float

    @property
    def is_short(self) -> bool:
        """Not all get what they want."""
        return bool(self.wanted.sum() > self.budget * (1 + 1e-9))

    def words(self, what: str) -> str:
        """How the budget and what is wanted of it compare."""
        if np.isinf(self.budget):
            return f"There is no limit on {what}: each product gets its own best"
        if not self.is_short:
            return (
                f"Of {self.budget:,.4g} for {what} {self.used.sum() / self.budget:.1%} are used: the limit does "
                "not bind, "
                "and each product gets its own best"
            )
        return (
            f"The limit on {what}, {self.budget:,.4g}, is {self.used.sum() / self.budget:.1%} used; without it "
            "all together would "
            f"use {self.wanted.sum():,.4g}"
        )


def budget_bars(axes: Axes, labels: list[str], shares: Shares, x: str) -> None:
    """One bar for each product, the largest at the top."""
    order = np.argsort(shares.wanted)
    used, wanted, names = shares.used[order], shares.wanted[order], [labels[i] for i in order]
    if len(order) > MOST_BARS:
        rest = len(order) - MOST_BARS + 1
        used, wanted = (np.concatenate([[values[:rest].sum()], values[rest:]]) for values in (used, wanted))
        names = [f"{rest} others", *names[rest:]]
    rows = np.arange(len(names))
    axes.barh(
        rows + 0.2, wanted, height=0.4, color=ON_ORDER, label=f"alone, without the limit: {shares.wanted.sum():,.4g}"
    )
    axes.barh(rows - 0.2, used, height=0.4, color=STOCK, label=f"as decided: {shares.used.sum():,.4g}")
    axes.set_yticks(rows, names, fontsize=8.5)
    # room for the legend above the bars
    axes.set_ylim(-0.6, (len(names) - 0.4) * 1.17)
    limit = "no limit" if np.isinf(shares.budget) else f"limit {shares.budget:,.4g}"
    plain(axes, f"What each product uses ({limit})", x, "")
    legend(axes, loc="upper right")
