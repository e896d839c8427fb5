"""The use that each product makes of a budget that all share, beside its use if it were alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from invopt.plots.style import ON_ORDER, STOCK, legend, plain

if TYPE_CHECKING:
    from invopt.workbench.curves.shared_budget import SharedBudget

# products beyond which the rest is one bar
MOST_BARS = 12


def budget_bars(axes: Axes, shared: SharedBudget, x: str) -> None:
    """One bar for each product, the largest at the top."""
    used, wanted = shared.uses["used"].to_numpy(), shared.uses["wanted"].to_numpy()
    most, total = f"{wanted.sum():,.4g}", f"{used.sum():,.4g}"
    order = np.argsort(wanted)
    used, wanted, names = used[order], wanted[order], shared.uses["product"].iloc[order].tolist()
    if len(order) > MOST_BARS:
        rest = len(order) - MOST_BARS + 1
        used, wanted = (np.concatenate([[values[:rest].sum()], values[rest:]]) for values in (used, wanted))
        names = [f"{rest} others", *names[rest:]]
    rows = np.arange(len(names))
    axes.barh(rows + 0.2, wanted, height=0.4, color=ON_ORDER, label=f"alone, without the limit: {most}")
    axes.barh(rows - 0.2, used, height=0.4, color=STOCK, label=f"as decided: {total}")
    axes.set_yticks(rows, names, fontsize=8.5)
    # room for the legend above the bars
    axes.set_ylim(-0.6, (len(names) - 0.4) * 1.17)
    limit = "no limit" if np.isinf(shared.budget) else f"limit {shared.budget:,.4g}"
    plain(axes, f"What each product uses ({limit})", x, "")
    legend(axes, loc="upper right")
