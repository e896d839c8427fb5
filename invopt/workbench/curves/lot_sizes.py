"""Dynamic lot sizing: the stock under an item's plan of orders, and the cost of the plan beside two simpler ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from invopt.errors import ParameterError
from invopt.policies.inputs.lot_sizing import LotSizingInputs
from invopt.workbench.curves.plan import days_from, read_plan
from invopt.workbench.curves.wording import dearer


class LotSizes(NamedTuple):
    """A plan of orders.

    label : the item
    days : one row per day: `day`, `ordered`, `arriving`, `demand`, and `stock` at its end, units
    plans : one row per plan, by name: `ordering`, `holding` and their sum `total`, money/day without purchases
    lead_time : days
    finding : the plan and the costs of the others, in two sentences
    """

    label: str
    days: pd.DataFrame
    plans: pd.DataFrame
    lead_time: int
    finding: str


def lot_sizes(item: pd.Series) -> LotSizes:
    """The plan of one item, day by day, and the costs of "all in one order", "the plan" and "an order each day".

    item : a row of gold.inputs_dynamic_lot_sizing with label, as_of and order_quantities ((T,) array, units)

    Raises
    ------
    ParameterError : the inputs can't be used, or there is nothing to order within the plan.
    """
    read = read_plan(item.to_frame().T)
    required, lead, n_days = read.requirements, int(read.lead_time[0]), int(read.n_periods[0])
    n_open, ordered = int(required.n_open[0]), np.asarray(item["order_quantities"], float)[:n_days]
    need = required.requirement[0, :n_open]
    if not need.any():
        raise ParameterError(
            f"{item['label']}: what is there and on its way lasts through the plan: there is nothing to order"
        )
    demand = required.whole_demand[0, :n_days]
    arriving = np.concatenate([np.zeros(lead), ordered])[:n_days]
    days = pd.DataFrame(
        {
            "day": days_from(item["as_of"], n_days),
            "ordered": ordered,
            "arriving": arriving,
            "demand": demand,
            "stock": required.position[0] + np.cumsum(arriving) - np.cumsum(demand),
        }
    )
    plans = _plan_costs(read, need, ordered[:n_open], n_days)
    total = plans["total"]
    n_orders, n_needs = int((ordered > 0).sum()), int((need > 0).sum())
    return LotSizes(
        item["label"],
        days,
        plans,
        lead,
        f"{n_orders} order{'s' if n_orders > 1 else ''} in {n_days} days. An order for each of the {n_needs} "
        f"days that need one would cost {dearer(total['an order each day'], total['the plan'])}, a single order "
        f"{dearer(total['all in one order'], total['the plan'])}.",
    )


def _plan_costs(read: LotSizingInputs, need: np.ndarray, ordered: np.ndarray, n_days: int) -> pd.DataFrame:
    """The costs of the plan and of two simpler ones, from the first day that an order placed now can reach."""
    at_once = np.zeros(len(need))
    at_once[int(np.flatnonzero(need)[0])] = need.sum()
    plans = {"all in one order": at_once, "the plan": ordered, "an order each day": need}
    fixed, unit, holding = read.costs_of(0)
    costs = pd.DataFrame(
        {
            # only a difference in purchases counts: a unit bought on a dearer day counts as holding would
            "ordering": [
                float(fixed[plan > 0].sum() + unit @ plan - (unit @ need)) / n_days for plan in plans.values()
            ],
            "holding": [float(holding @ np.cumsum(plan - need)) / n_days for plan in plans.values()],
        },
        index=list(plans),
    )
    return costs.assign(total=costs["ordering"] + costs["holding"])
