"""One (s, Q) decision from all sides: its forecast, its risk until the next delivery, and the cost along Q and s."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from invopt.errors import ParameterError
from invopt.theory.demand.lead_time_demand import LeadTimeDemand
from invopt.theory.s_q.cost import review_days
from invopt.theory.s_q.curves import cost_parts
from invopt.workbench.curves.curve import Curve, cost_columns, whole_numbers
from invopt.workbench.curves.demand import read_demand
from invopt.workbench.curves.plan import days_from

if TYPE_CHECKING:
    from invopt.policies.s_q import SQParams


class Risk(NamedTuple):
    """The demand until an order arrives.

    demand : `units` and their `probability`
    in_stock : the fraction of days on which stock is left
    lead_time, n_review_days : the days of the demand: from order to arrival, and before them until the next review
    """

    demand: pd.DataFrame
    in_stock: float
    lead_time: float
    n_review_days: int


class Decision(NamedTuple):
    """One (s, Q) decision.

    label, reason : the item, and why it was ordered or not
    levels : reorder_point, order_quantity and inventory_position, units
    forecast : one row per day: `day`, and `mean` and `std` of its demand, units
    risk : the demand until an order arrives
    along_quantity, along_reorder_point : the cost of other Q at the chosen s, and of other s at the chosen Q
    """

    label: str
    reason: str
    levels: pd.Series
    forecast: pd.DataFrame
    risk: Risk
    along_quantity: Curve
    along_reorder_point: Curve


def decision(item: pd.Series, params: SQParams) -> Decision:
    """Forecast, risk and costs of one item's decision.

    Parameters
    ----------
    item : a row with the policy's inputs, and label, as_of, reorder_point, order_quantity, inventory_position (units)
        and reason
    params : the policy's parameters

    Raises
    ------
    ParameterError : the item's inputs can't be used, or it has no demand and so no decision to explain.
    """
    n_review_days = review_days(params.cost)
    read = read_demand(item.to_frame().T, n_review_days)
    s, quantity = int(item["reorder_point"]), int(item["order_quantity"])
    if quantity < 1:
        raise ParameterError(f"{item['label']} has no demand: there is nothing to explain")
    demand = read.lead_time_demand(0)
    costs = (float(item[name]) for name in ("holding_cost", "fixed_order_cost", "backorder_cost"))
    priced = (demand, float(read.mean[0]), *costs)
    reach = max(3, int(np.ceil(2 * demand.std)))
    quantities = whole_numbers(max(1, quantity // 5), max(quantity * 3, 6))
    points = whole_numbers(max(0, s - reach), s + 2 * reach)
    chosen = pd.DataFrame(
        {
            "order_quantity": quantity,
            "reorder_point": s,
            "total": cost_parts(params.cost, [s], [quantity], *priced).total,
        },
        index=["chosen"],
    )
    of_quantities = cost_columns(cost_parts(params.cost, [s], quantities, *priced))
    of_points = cost_columns(cost_parts(params.cost, points, [quantity], *priced))
    return Decision(
        item["label"],
        item["reason"],
        pd.Series({"reorder_point": s, "order_quantity": quantity, "inventory_position": item["inventory_position"]}),
        _forecast(item),
        _risk(demand, s, quantity, float(item["lead_time"]), n_review_days),
        Curve(item["label"], pd.DataFrame({"order_quantity": quantities, **of_quantities}), chosen),
        Curve(item["label"], pd.DataFrame({"reorder_point": points, **of_points}), chosen),
    )


def _forecast(item: pd.Series) -> pd.DataFrame:
    mean = np.asarray(item["demand_mean"], float)
    variance = mean if item["demand_variance"] is None else np.asarray(item["demand_variance"], float)
    return pd.DataFrame({"day": days_from(item["as_of"], len(mean)), "mean": mean, "std": np.sqrt(variance)})


def _risk(demand: LeadTimeDemand, s: int, quantity: int, lead_time: float, n_review_days: int) -> Risk:
    """The distribution up to where nearly all of it lies, or to s if that is farther."""
    units = np.arange(int(max(demand.mean + 5 * demand.std, s, 4)) + 3)
    # the position is at s+1..s+Q equally often, and each must last until an order arrives
    in_stock = np.cumsum(demand.probability(np.arange(s + quantity + 1)))[s + 1 :].mean()
    frame = pd.DataFrame({"units": units, "probability": demand.probability(units)})
    return Risk(frame, float(in_stock), lead_time, n_review_days)
