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
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from pydantic import Field

from invopt.models.review_choices import NOTHING, ReviewItem, review_pairs
from invopt.models.selection import selection_model
from invopt.policies.base import ExactSolution, Example, Params, Policy
from invopt.policies.inputs.columns import (
    BACKORDER_COST,
    DEMAND,
    FIXED_ORDER_COST,
    HOLDING_COST,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    SERVICE_LEVEL,
    numbers,
    objects,
)
from invopt.policies.inputs.item_demand import LARGEST_DEMAND, item_demand
from invopt.policies.inputs.messages import note, refuse
from invopt.tables.columns import Column
from invopt.theory.demand.codes import NORMAL, PMF, POISSON
from invopt.theory.demand.distributions import mean_pmf
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.r_s.cost import CYCLE, FILL_RATE, NO_SERVICE
from invopt.theory.r_s.search import best_periodic_reviews

# products of adding up a day's probabilities over lead time and review period: a second
LARGEST_WORK = 1e9
LONGEST_REVIEW = 366
FORM_NAMES = {POISSON: "poisson", NORMAL: "normal", PMF: "pmf"}
SERVICES = {"none": NO_SERVICE, "cycle": CYCLE, "fill_rate": FILL_RATE}

SHIPPING_INTERVAL = Column(
    "shipping_interval", "double", "days", "the supplier ships at most this often; NULL: at any time"
)

INPUTS = """
SELECT
    location_id,
    product_id,
    source_id,
    CAST(fixed_order_cost AS double) AS fixed_order_cost,
    CAST(holding_cost AS double) AS holding_cost,
    CAST(backorder_cost AS double) AS backorder_cost,
    CAST(lead_time AS double) AS lead_time,
    CAST(lead_time_confidence AS double) AS lead_time_confidence,
    CAST(shipping_interval AS double) AS shipping_interval,
    CAST(service_level AS double) AS service_level,
    CAST(demand_distribution AS string) AS demand_distribution,
    CAST(demand_mean AS array<double>) AS demand_mean,
    CAST(demand_variance AS array<double>) AS demand_variance,
    CAST(demand_pmf AS array<array<double>>) AS demand_pmf
FROM item_state
"""

INPUT_COLUMNS = (
    FIXED_ORDER_COST,
    HOLDING_COST,
    BACKORDER_COST,
    LEAD_TIME,
    LEAD_TIME_CONFIDENCE,
    SHIPPING_INTERVAL,
    SERVICE_LEVEL,
    *DEMAND,
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


class _Inputs(NamedTuple):
    """The columns as arrays, with one message for each item that can't be used.

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

    @property
    def message(self) -> np.ndarray:
        return self.demand.message


def _read(items: pd.DataFrame, params: RSParams) -> _Inputs:
    fixed_order_cost, holding_cost, backorder_cost = (
        numbers(items, column.name) for column in (FIXED_ORDER_COST, HOLDING_COST, BACKORDER_COST)
    )
    demand = item_demand(
        *(objects(items, column.name) for column in DEMAND),
        numbers(items, "lead_time"),
        numbers(items, "lead_time_confidence"),
        0,
    )
    for name, values in (("fixed_order_cost", fixed_order_cost), ("backorder_cost", backorder_cost)):
        note(demand.message, ~((values >= 0) & np.isfinite(values)), name + " is {value}, must be 0 or more", values)
    note(
        demand.message,
        ~((holding_cost > 0) & np.isfinite(holding_cost)),
        "holding_cost is {value}, must be above 0",
        holding_cost,
    )
    service_level = np.full(len(items), np.nan)
    if params.service != "none":
        service_level = numbers(items, "service_level")
        note(
            demand.message,
            ~np.isnan(service_level) & ~((service_level >= 0) & (service_level < 1)),
            "service_level is {value}, must be 0 or more and below 1",
            service_level,
        )
    interval = numbers(items, "shipping_interval")
    note(
        demand.message,
        ~np.isnan(interval) & ~((interval >= 0) & (interval <= LONGEST_REVIEW)),
        f"shipping_interval is {{value}}, must be 0 to {LONGEST_REVIEW} days",
        interval,
    )
    days_between = whole_days(np.where(np.isfinite(interval), interval, 1.0))
    shortest = np.minimum(np.maximum(days_between, 1), LONGEST_REVIEW).astype(np.int64)
    longest = np.maximum(shortest, params.longest_review_period)
    days = demand.first_lead_time + demand.n_lead_times - 1 + longest
    note(
        demand.message,
        demand.mean * days > LARGEST_DEMAND,
        f"demand over lead time and review period passes {LARGEST_DEMAND:g} units; count in larger units",
    )
    day_pmfs = [np.zeros(0)] * len(items)
    for i in np.flatnonzero((demand.form == PMF) & np.equal(demand.message, None)):
        pmf = mean_pmf(items["demand_pmf"].iloc[i])
        if len(pmf) ** 2 * days[i] * (longest[i] + demand.n_lead_times[i]) > LARGEST_WORK:
            demand.message[i] = (
                "demand_pmf reaches too many units within lead time and review period; give such a demand as normal"
            )
        else:
            day_pmfs[i] = pmf
    return _Inputs(fixed_order_cost, holding_cost, backorder_cost, service_level, shortest, demand, day_pmfs)


def solve_exact(items: pd.DataFrame, offsets: np.ndarray, params: RSParams) -> ExactSolution:
    """The best (R, S) of every item in one call; items are independent, so `offsets` makes no difference.

    An item whose mean demand is 0 has R = 0, S = 0 and cost 0: it orders nothing. An item that can't be solved has NaN
    and a message.
    """
    inputs = _read(items, params)
    demand, message = inputs.demand, inputs.message
    is_valid = np.equal(message, None)
    has_demand = is_valid & (demand.mean > 0)
    values = [np.where(is_valid, 0.0, np.nan) for _ in range(3)]
    results = best_periodic_reviews(
        is_guide=params.cost == "guide",
        service=SERVICES[params.service],
        service_level=inputs.service_level[has_demand],
        shortest_review_period=inputs.shortest_review_period[has_demand],
        longest_review_period=params.longest_review_period,
        form=demand.form[has_demand],
        demand_mean=demand.mean[has_demand],
        demand_variance=demand.variance[has_demand],
        first_lead_time=demand.first_lead_time[has_demand],
        n_lead_times=demand.n_lead_times[has_demand],
        holding_cost=inputs.holding_cost[has_demand],
        fixed_order_cost=inputs.fixed_order_cost[has_demand],
        backorder_cost=inputs.backorder_cost[has_demand],
        day_pmfs=[inputs.day_pmfs[i] for i in np.flatnonzero(has_demand)],
    )
    for value, result in zip(values, results, strict=True):
        value[has_demand] = result
    decisions = {"REVIEW_PERIOD": values[0], "ORDER_UP_TO_LEVEL": values[1]}
    return ExactSolution(decisions, values[2], None if np.equal(message, None).all() else message)


def _item(inputs: _Inputs, i: int, params: RSParams) -> ReviewItem:
    demand, shortest = inputs.demand, int(inputs.shortest_review_period[i])
    service = "none" if np.isnan(inputs.service_level[i]) else params.service
    return ReviewItem(
        params.cost,
        service,
        float(inputs.holding_cost[i]),
        float(inputs.fixed_order_cost[i]),
        float(inputs.backorder_cost[i]),
        float(inputs.service_level[i]),
        FORM_NAMES[demand.form[i]],
        float(demand.mean[i]),
        float(demand.variance[i]),
        inputs.day_pmfs[i],
        float(demand.first_lead_time[i]),
        int(demand.n_lead_times[i]),
        shortest,
        max(shortest, params.longest_review_period),
    )


def build_model(items: pd.DataFrame, params: RSParams) -> pyo.ConcreteModel:
    """The selection of one pair for each item, side by side in one ConcreteModel.

    An item without demand has one pair, R = S = 0, that costs nothing.

    Raises
    ------
    ParameterError : an item's inputs can't be used, or its model would be too large; says which and why.
    """
    inputs = _read(items, params)
    refuse(items, inputs.message)
    pairs = [
        review_pairs(_item(inputs, i, params)) if inputs.demand.mean[i] > 0 else NOTHING for i in range(len(items))
    ]
    return selection_model(pairs, {"REVIEW_PERIOD": "review_period", "ORDER_UP_TO_LEVEL": "level"})


def order(decisions: Mapping[str, np.ndarray], state: pd.DataFrame) -> np.ndarray:
    """Units wanted now: up to S when R days have passed since the last order, or when there was none; else 0.

    Between two reviews nothing is ordered, whatever the position. A review that finds nothing to order is repeated on
    the next day. R = 0 orders nothing. An item without a decision or without a known position gets NaN.

    >>> decisions = {"REVIEW_PERIOD": np.array([7, 7, 7, 0]), "ORDER_UP_TO_LEVEL": np.array([20, 20, 20, 0])}
    >>> order(decisions, pd.DataFrame({"inventory_position": [5, 5, 5, -3], "days_since_order": [7, 6, np.nan, 9]}))
    array([15.,  0., 15.,  0.])
    """
    R = np.asarray(decisions["REVIEW_PERIOD"], float)
    S = np.asarray(decisions["ORDER_UP_TO_LEVEL"], float)
    position = state["inventory_position"].to_numpy(dtype=float)
    days = state["days_since_order"].to_numpy(dtype=float, na_value=np.nan)
    is_due = (R > 0) & (np.isnan(days) | (days >= R))
    wanted = np.where(is_due, np.maximum(S - position, 0.0), 0.0)
    return np.where(np.isnan(R) | np.isnan(S) | np.isnan(position), np.nan, wanted)


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
    title="review period and order-up-to level of each item",
    model_class="LP",
    algorithm="newsvendor level of each review period, as far as a bound with constant demand allows",
    source="Snyder & Shen (2019), section 4.3; Silver, Pyke & Thomas (2017), section 6.10",
    partition_by=("location_id", "product_id", "source_id"),
    inputs=INPUTS,
    input_columns=INPUT_COLUMNS,
    params=RSParams,
    decisions=("REVIEW_PERIOD", "ORDER_UP_TO_LEVEL"),
    build_model=build_model,
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
    solve_exact=solve_exact,
    # there is nothing to presolve in the choice of one pair
    highs_options={"presolve": "off"},
)
