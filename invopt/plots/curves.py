"""What the curves of all policies have in common: the demand they are worked out from, the numbers tried, and how a
choice is marked.
"""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from invopt.errors import ParameterError
from invopt.plots.style import PALETTE, POSITION, REORDER_POINT
from invopt.policies.inputs.item_demand import item_demand
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.s_q.curves import CostParts


def read_demand(items: pd.DataFrame, review_days: int) -> ItemDemand:
    """The demand of some rows of a policy's inputs with a label, over their lead times + review_days.

    Raises
    ------
    ParameterError : a row's inputs can't be used, or it has no demand and so no decision to explain.
    """
    columns = (
        items[name].to_numpy(dtype=object)
        for name in ("demand_distribution", "demand_mean", "demand_variance", "demand_pmf")
    )
    days = (items[name].to_numpy(dtype=float) for name in ("lead_time", "lead_time_confidence"))
    demand = item_demand(*columns, *days, review_days)
    for label, message, mean in zip(items["label"], demand.message, demand.mean, strict=True):
        if message is not None:
            raise ParameterError(f"{label}: {message}")
        if mean <= 0:
            raise ParameterError(f"{label} has no demand: there is nothing to explain")
    return demand


def whole_numbers(first: float, last: float, most: int = 200) -> np.ndarray:
    """Whole numbers from first to last, evenly spread if there are more than `most`.

    >>> whole_numbers(2, 5), whole_numbers(0, 100, 3)
    (array([2, 3, 4, 5]), array([  0,  50, 100]))
    """
    first, last = int(np.floor(first)), int(np.ceil(last))
    return np.unique(np.linspace(first, last, min(most, last - first + 1)).round().astype(np.int64))


def parts_and_total(axes: Axes, x: np.ndarray, parts: CostParts) -> None:
    """The parts of the cost and their sum, with room above for the legend."""
    for values, text, colour in (
        (parts.ordering, "ordering", PALETTE[1]),
        (parts.holding, "stock", PALETTE[2]),
        (parts.shortage, "shortage", PALETTE[4]),
    ):
        axes.plot(x, values, color=colour, linewidth=1.5, label=text)
    axes.plot(x, parts.total, color=POSITION, linewidth=2.5, label="total")
    axes.set_ylim(min(0.0, parts.holding.min()), parts.total.max() * 1.4)


def low_part(axes: Axes, total: np.ndarray, chosen: float) -> None:
    """Cut off what is many times dearer than the choice, which would press the rest of the picture flat."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, min(high, 3.2 * chosen) if chosen > 0 else high)
    if total.max() > axes.get_ylim()[1]:
        axes.text(0.005, 0.99, "dearer still above", transform=axes.transAxes, va="top", fontsize=8, color="#555555")


def mark(axes: Axes, x: float, y: float, text: str) -> None:
    """The chosen point, with a line down to its number."""
    axes.axvline(x, color=REORDER_POINT, linewidth=1, linestyle=":")
    axes.scatter([x], [y], color=REORDER_POINT, s=70, zorder=5, label=text)


def finding(drawn: Figure, label: str, text: str) -> None:
    """The item above, and what the picture says in a sentence."""
    drawn.suptitle(f"{label}\n{textwrap.fill(text, int(11 * drawn.get_figwidth()))}", x=0.01, ha="left", fontsize=12)


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
