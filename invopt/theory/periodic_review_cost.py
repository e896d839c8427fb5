"""What an (R, S) policy costs per day: two definitions.

Every R days an order lifts the inventory position to S; X_t is the demand of t days, L the lead time.

    daily_review    K/R + 1/R sum_{j=1}^{R} [ h E(S - X_{L+j})^+ + p E(X_{L+j} - S)^+ ]
    guide           K/R + h (a R/2 + S - a (L+R)) + p/R E(X_{L+R} - S)^+,     S >= a (L+R)

`daily_review` is exact: what is ordered at a review decides about the stock at the end of the R days that start L days later, and stock and
shortage are charged at the end of each day. p is money per unit and day late. K is paid at every review, also at one that finds nothing
sold, because the shipment is on the supplier's schedule. In `guide`, p is money per unit that is late, however long. L may be uncertain:
every expectation is then the average over the equally likely lead times.

Service, for either cost:

    cycle       P(X_{L+R} <= S)                              probability that a cycle ends without a shortage
    fill rate   1 - [n_{L+R}(S) - n_L(S)] / (a R)            share of demand served from stock: what a cycle adds to the backorders,
                                                             n_t(S) = E(X_t - S)^+, of what it demands

Source: Snyder & Shen (2019), section 4.3 (cost of a base-stock level over a protection interval); Silver, Pyke & Thomas (2017), section
6.10 (fill rate of (R, S)); the technical guide of the Azure inventory optimization solution, (R, S) policy, after Jensen & Bard (2002),
section 25.7 (guide).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from invopt.theory.lead_time_demand import LeadTimeDemand

COSTS = ("daily_review", "guide")
SERVICES = ("none", "cycle", "fill_rate")


class ReviewCosts(NamedTuple):
    """(m,) arrays for the levels asked about: money/day, and the service that the level gives (1 when none is asked for)."""

    cost: np.ndarray
    service: np.ndarray


def review_costs(cost: str, service: str, R: int, S: np.ndarray, demand: Callable[[int], LeadTimeDemand], demand_mean: float, h: float,
                 K: float, p: float) -> ReviewCosts:
    """C(R, S) and the service of (R, S) for one R and an (m,) array of whole S >= 0.

    Parameters
    ----------
    R, S : days between reviews; units
    demand : days j -> the demand over the lead time + j days
    demand_mean : units/day                                [a]
    h, K, p : holding_cost, fixed_order_cost, backorder_cost

    >>> from invopt.theory.lead_time_demand import poisson_lead_time_demand
    >>> found = review_costs("daily_review", "cycle", 2, np.array([10]), lambda j: poisson_lead_time_demand(2.0, [1 + j]), 2.0, 1, 8, 9)
    >>> round(float(found.cost[0]), 6), round(float(found.service[0]), 6)
    (9.407331, 0.957379)
    """
    S = np.asarray(S, dtype=np.int64)
    last = demand(R)
    if cost == "guide":
        total = K / R + h * (demand_mean * R / 2 + S - last.mean) + p / R * last.loss(S)
    else:
        total = np.full(len(S), K / R)
        for j in range(1, R + 1):
            day = demand(j)
            short = day.loss(S)
            total += (h * np.maximum(S - day.mean + short, 0.0) + p * short) / R
    if service == "cycle":
        return ReviewCosts(total, last.cdf(S))
    if service == "fill_rate":
        return ReviewCosts(total, 1.0 - (last.loss(S) - demand(0).loss(S)) / (demand_mean * R))
    return ReviewCosts(total, np.ones(len(S)))
