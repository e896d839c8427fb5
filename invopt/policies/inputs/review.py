"""From the columns of many items to the arrays of a periodic review; an item that can't be used is refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from invopt.policies.inputs.day_demand import day_pmfs
from invopt.policies.inputs.item_demand import LARGEST_DEMAND, item_demand
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.service import service_shares
from invopt.tables.columns import Column
from invopt.theory.demand.codes import NORMAL, PMF, POISSON
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time import whole_days

# products of adding up a day's probabilities over lead time and review period: a second
LARGEST_WORK = 1e9
# of backorder_cost to holding_cost: from about 1e16 the share p / (p + h) of demand to be met from stock rounds to 1
LARGEST_RATIO = 1e15
LONGEST_REVIEW = 366
FORM_NAMES = {POISSON: "poisson", NORMAL: "normal", PMF: "pmf"}

SHIPPING_INTERVAL = Column(
    "shipping_interval",
    "double",
    "days",
    "the supplier ships at most this often; NULL: at any time",
    minimum=0,
    maximum=LONGEST_REVIEW,
)


class ReviewInputs(NamedTuple):
    """The columns as arrays.

    service_level : NaN where nothing is asked for
    demand : over the lead time alone
    day_pmfs : of each item the probabilities of a day's demand; empty for the other forms
    """

    fixed_order_cost: np.ndarray
    holding_cost: np.ndarray
    backorder_cost: np.ndarray
    service_level: np.ndarray
    shortest_review_period: np.ndarray
    demand: ItemDemand
    day_pmfs: list[np.ndarray]

    def costs_of(self, i: int) -> dict[str, float]:
        return {name: float(getattr(self, name)[i]) for name in ("holding_cost", "fixed_order_cost", "backorder_cost")}

    def demand_of(self, i: int) -> dict[str, Any]:
        """The demand of item i by the names of `demand_after`."""
        return {
            "form": FORM_NAMES[self.demand.form[i]],
            "demand_mean": float(self.demand.mean[i]),
            "demand_variance": float(self.demand.variance[i]),
            "day_pmf": self.day_pmfs[i],
            "first_lead_time": float(self.demand.first_lead_time[i]),
            "n_lead_times": int(self.demand.n_lead_times[i]),
        }


def review_inputs(items: Items, service: str, longest_review_period: int) -> ReviewInputs:
    """The columns of n items; one whose demand can't be counted over lead time and review period is refused.

    service : none, cycle or fill_rate
    longest_review_period : days
    """
    costs = items.numbers_of("fixed_order_cost", "holding_cost", "backorder_cost")
    _, holding, backorder = costs
    # the search for a level that meets all of the demand would not end
    items.refuse(
        (holding > 0) & (backorder >= LARGEST_RATIO * holding),
        f"backorder_cost is {{value:g}}, {LARGEST_RATIO:g} times holding_cost or more: no stock would be enough",
        backorder,
    )
    demand = item_demand(items, 0)
    service_shares(service, items)
    level = np.full(len(items), np.nan) if service == "none" else items.numbers("service_level")
    interval = items.numbers("shipping_interval")
    days_between = whole_days(np.where(np.isfinite(interval), interval, 1.0))
    shortest = np.minimum(np.maximum(days_between, 1), LONGEST_REVIEW).astype(np.int64)
    longest = np.maximum(shortest, longest_review_period)
    days = demand.first_lead_time + demand.n_lead_times - 1 + longest
    items.refuse(
        demand.mean * days > LARGEST_DEMAND,
        f"demand over lead time and review period passes {LARGEST_DEMAND:g} units; count in larger units",
    )
    pmfs = day_pmfs(items, demand.form)
    work = np.array([len(pmf) for pmf in pmfs], dtype=float) ** 2 * days * (longest + demand.n_lead_times)
    items.refuse(
        work > LARGEST_WORK,
        "demand_pmf reaches too many units within lead time and review period; give such a demand as normal",
    )
    return ReviewInputs(*costs, level, shortest, demand, pmfs)
