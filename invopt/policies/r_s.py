"""(R, S): every R days order up to S, for suppliers that ship on a schedule.

Decides R and S of each item. The cost per day C(R, S) has two definitions, `cost: daily_review | guide`, and `service`
can be a constraint: `theory/r_s/cost.py` explains both. R is at least the supplier's `shipping_interval` and at most
`longest_review_period` (or that interval, when it is longer). K is paid at every review, also at one that finds nothing
sold.

The model selects one pair (R, S) from those that can be optimal:

    x_RS >= 0   1 for the pair that is chosen, 0 elsewhere

    minimize    sum_RS C(R, S) x_RS
    subject to  sum_RS x_RS = 1

It is a linear program without integers, since each vertex is one pair. `models/review_choices.py` finds the pairs,
without the exact algorithm.

Assumptions: items are independent; demand is steady over the horizon, at the forecast's average; what is short is
backordered; demand of different days is independent. A Normal demand is continuous: S is a whole number, demand is not
rounded.

Source: Snyder & Shen (2019), section 4.3; Silver, Pyke & Thomas (2017), section 6.10; the technical guide of the Azure
inventory optimization solution, section "(R, S) policy", for the cost `guide`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pyomo.environ as pyo
from pydantic import Field

from invopt.models.review_choices import NOTHING, ReviewItem, review_pairs
from invopt.models.selection import selection_model
from invopt.policies.base import About, Answer, Decision, Example, Params, Policy
from invopt.policies.inputs.columns import LEAD_TIME_DEMAND, SERVICE_LEVEL, STOCK_COSTS
from invopt.policies.inputs.each_item import answer_each, cost_each, whole_decisions
from invopt.policies.inputs.items import Items
from invopt.policies.inputs.review import LONGEST_REVIEW, SHIPPING_INTERVAL, ReviewInputs, review_inputs
from invopt.theory import order_rules
from invopt.theory.order_rules import Stock
from invopt.theory.r_s.cost import CYCLE, FILL_RATE, NO_SERVICE, demand_after, review_costs
from invopt.theory.r_s.search import best_periodic_reviews

SERVICES = {"none": NO_SERVICE, "cycle": CYCLE, "fill_rate": FILL_RATE}

DECIDES = (
    Decision("REVIEW_PERIOD", "days", "days from order to order"),
    Decision("ORDER_UP_TO_LEVEL", "units", "an order lifts the inventory position to this"),
)


class RSParams(Params):
    """Parameters of (R, S).

    cost : the definition of a day's cost, as in `theory/r_s/cost.py`; in both, what is short is backordered
    service : what the column service_level constrains: nothing; cycle, the probability that a cycle ends without a
        shortage, P(X_{L+R} <= S); fill_rate, the share of demand served from stock, 1 - [n_{L+R}(S) - n_L(S)] / (a R)
    longest_review_period : days; a longer shipping_interval of a supplier prevails. An item whose R is this long, as
        slow movers' often is, might cost less with a longer one
    """

    cost: Literal["daily_review", "guide"] = "daily_review"
    service: Literal["none", "cycle", "fill_rate"] = "none"
    longest_review_period: int = Field(default=28, ge=1, le=LONGEST_REVIEW)


def algorithm(items: Items, params: RSParams) -> Answer:
    """The best (R, S) of every item in one call; an item without demand has R = S = 0 and costs nothing."""
    inputs = review_inputs(items, params.service, params.longest_review_period)

    def search(chosen: np.ndarray) -> tuple[np.ndarray, ...]:
        return best_periodic_reviews(
            **inputs.demand.arrays_of(chosen),
            is_guide=params.cost == "guide",
            service=SERVICES[params.service],
            service_level=inputs.service_level[chosen],
            shortest_review_period=inputs.shortest_review_period[chosen],
            longest_review_period=params.longest_review_period,
            holding_cost=inputs.holding_cost[chosen],
            fixed_order_cost=inputs.fixed_order_cost[chosen],
            backorder_cost=inputs.backorder_cost[chosen],
            day_pmfs=[inputs.day_pmfs[i] for i in np.flatnonzero(chosen)],
        )

    return answer_each(items, DECIDES, inputs.demand.mean > 0, search)


def _item(inputs: ReviewInputs, i: int, params: RSParams) -> ReviewItem:
    shortest, level = int(inputs.shortest_review_period[i]), float(inputs.service_level[i])
    service = "none" if np.isnan(level) else params.service
    longest = max(shortest, params.longest_review_period)
    demand = inputs.demand_of(i).values()
    return ReviewItem(params.cost, service, *inputs.costs_of(i).values(), level, *demand, shortest, longest)


def build_model(items: Items, params: RSParams) -> pyo.ConcreteModel:
    """The selection of one pair for each item, side by side in one ConcreteModel.

    An item without demand has one pair, R = S = 0, that costs nothing.

    Raises
    ------
    ParameterError : an item's inputs can't be used, or its model would be too large; says which and why.
    """
    inputs = review_inputs(items, params.service, params.longest_review_period)
    items.raise_problems()
    has_demand = inputs.demand.mean > 0
    pairs = [review_pairs(_item(inputs, i, params)) if has_demand[i] else NOTHING for i in range(len(items))]
    return selection_model(pairs, {"REVIEW_PERIOD": "review_period", "ORDER_UP_TO_LEVEL": "level"})


def cost(items: Items, decisions: Mapping[str, np.ndarray], params: RSParams) -> np.ndarray:
    """C(R, S) of any whole R >= 1 and S >= 0, money/day; the service does not count in it.

    The guide's formula holds for S of the mean demand over L + R days or more, and gives NaN below.
    """
    inputs = review_inputs(items, params.service, params.longest_review_period)

    def cost_of(i: int, R: float, S: float) -> float:
        if R < 1 or S < 0:
            return np.nan
        demand = inputs.demand_of(i)
        after = demand_after(levels=np.array([S]), n_days=int(R), **demand)
        if params.cost == "guide" and S < after.mean[int(R)] * (1 - 1e-12):
            return np.nan
        periods, levels = np.array([R], dtype=np.int64), np.array([S])
        costs = inputs.costs_of(i)
        return review_costs(params.cost, "none", periods, levels, after, demand["demand_mean"], **costs).cost.item()

    return cost_each(items, DECIDES, whole_decisions(DECIDES, decisions), inputs.demand.mean > 0, cost_of)


def order(decisions: Mapping[str, np.ndarray], stock: Stock) -> np.ndarray:
    """Units wanted now, (n,): `theory.order_rules.at_reviews`."""
    return order_rules.at_reviews(decisions["REVIEW_PERIOD"], decisions["ORDER_UP_TO_LEVEL"], stock)


def _example(**changes: object) -> dict:
    item = {
        "fixed_order_cost": 8.0,
        "holding_cost": 1.0,
        "backorder_cost": 9.0,
        "lead_time": 1.0,
        "lead_time_confidence": 0.0,
        "shipping_interval": None,
        "service_level": None,
        "demand_distribution": "poisson",
        "demand_mean": np.array([2.0]),
        "demand_variance": None,
        "demand_pmf": None,
    }
    return {**item, **changes}


POLICY = Policy(
    name="r_s",
    about=About(
        "review period and order-up-to level of each item",
        "LP",
        "Snyder & Shen (2019), section 4.3; Silver, Pyke & Thomas (2017), section 6.10",
        "newsvendor level of each review period, as far as a bound with constant demand allows",
    ),
    decides=DECIDES,
    needs=(*STOCK_COSTS, SHIPPING_INTERVAL, SERVICE_LEVEL, *LEAD_TIME_DEMAND),
    params=RSParams,
    build_model=build_model,
    cost=cost,
    order=order,
    examples=(
        # a period is a day: a shipping interval of one day and no order cost leave the base-stock problem
        Example(
            "Example 4.7, the newsvendor",
            (_example(fixed_order_cost=0.0, backorder_cost=4.0, lead_time=0.0, demand_mean=np.array([6.0])),),
            {"longest_review_period": 1},
            3.5701069457709376,
            {"REVIEW_PERIOD": (1,), "ORDER_UP_TO_LEVEL": (8,)},
            "Snyder & Shen (2019), Fundamentals of Supply Chain Theory, Example 4.7; optimum as in stockpyl's tests",
        ),
    ),
    algorithm=algorithm,
    # there is nothing to presolve in the choice of one pair
    solver_options={"highs": {"presolve": "off"}},
)
