"""What an (R, S) policy costs per day: two definitions.

Every R days an order lifts the inventory position to S; X_t is the demand of t days, L the lead time.

    daily_review    K/R + 1/R sum_{j=1}^{R} [ h E(S - X_{L+j})^+ + p E(X_{L+j} - S)^+ ]
    guide           K/R + h (a R/2 + S - a (L+R)) + p/R E(X_{L+R} - S)^+,     S >= a (L+R)

`daily_review` is exact. An order decides about the stock at the end of the R days that start L days after its review,
and stock and shortage are charged at the end of each day. p is money per unit and day late. K is paid at every review,
also at one that finds nothing sold, because the shipment is on the supplier's schedule. In `guide`, p is money per unit
that is late, however long. L may be uncertain: every expectation is then the average over the equally likely lead
times.

Service, for either cost:

    cycle       P(X_{L+R} <= S)                          probability that a cycle ends without a shortage
    fill rate   1 - [n_{L+R}(S) - n_L(S)] / (a R)        share of demand served from stock

n_t(S) = E(X_t - S)^+ is the mean shortage. So the fill rate's fraction is what a cycle adds to the backorders, as a
share of the demand of the cycle.

Source: Snyder & Shen (2019), section 4.3 (cost of a base-stock level over a protection interval); Silver, Pyke & Thomas
(2017), section 6.10 (fill rate of (R, S)); the technical guide of the Azure inventory optimization solution, (R, S)
policy, after Jensen & Bard (2002), section 25.7 (guide).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.theory.demand.distributions import (
    convolution_power,
    convolve,
    normal_cdf,
    normal_loss,
    pmf_cdf,
    pmf_loss,
    poisson_cdf,
    poisson_loss,
    poisson_loss_table,
)

COSTS = ("daily_review", "guide")
SERVICES = ("none", "cycle", "fill_rate")
# the services as the small numbers that compiled loops compare
NO_SERVICE, CYCLE, FILL_RATE = 0, 1, 2


class DemandAfter(NamedTuple):
    """The demand over the lead time + j days, j = 0, 1, ..., J, at m levels S.

    loss : (J + 1, m) array, units: E(X_{L+j} - S)^+
    cdf : (J + 1, m) array: P(X_{L+j} <= S); empty where only the losses were asked for
    mean : (J + 1,) array, units: E X_{L+j}
    """

    loss: np.ndarray
    cdf: np.ndarray
    mean: np.ndarray


def demand_after(
    form: str,
    levels: np.ndarray,
    n_days: int,
    demand_mean: float,
    demand_variance: float,
    day_pmf: np.ndarray,
    first_lead_time: float,
    n_lead_times: int,
    *,
    has_cdf: bool = False,
) -> DemandAfter:
    """The demand of `form` poisson, normal or pmf over lead time + 0..n_days days at (m,) whole levels of 0 or more.

    demand_mean, demand_variance : units/day, units^2/day
    day_pmf : probabilities of a day's demand of 0, 1, ... for a pmf
    first_lead_time, n_lead_times : equally likely lead times, one day apart

    >>> demand_after("poisson", np.array([3]), 1, 1.5, 1.5, np.zeros(0), 1, 1).loss.round(6).tolist()
    [[0.089802], [0.672125]]
    """
    days = first_lead_time + np.arange(n_days + n_lead_times)
    means = demand_mean * days
    if form == "pmf":
        total = convolution_power(day_pmf, int(days[0]))
        losses, cdfs = [], []
        for _ in days:
            losses.append(pmf_loss(levels, total))
            cdfs.append(pmf_cdf(levels, total) if has_cdf else ())
            total = convolve(total, day_pmf)
        losses, cdfs = np.array(losses), np.array(cdfs)
    elif form == "normal":
        stds = np.sqrt(demand_variance * days)
        losses = normal_loss(levels[None, :], means[:, None], stds[:, None])
        cdfs = normal_cdf(levels[None, :], means[:, None], stds[:, None]) if has_cdf else np.zeros((len(means), 0))
    else:
        is_row = len(levels) > 0 and np.array_equal(levels, levels[0] + np.arange(len(levels)))
        losses = (
            poisson_loss_table(int(levels[0]), len(levels), means)
            if is_row
            else poisson_loss(levels[None, :], means[:, None])
        )
        cdfs = poisson_cdf(levels[None, :], means[:, None]) if has_cdf else np.zeros((len(means), 0))

    def mixed(values: np.ndarray) -> np.ndarray:
        """The average over the lead times."""
        if n_lead_times == 1:
            return values
        return sum(values[i : i + n_days + 1] for i in range(n_lead_times)) / n_lead_times

    return DemandAfter(mixed(losses), mixed(cdfs), mixed(means))


class ReviewCosts(NamedTuple):
    """(number of R, m) arrays: money/day, and the service that (R, S) gives (1 when none is asked for)."""

    cost: np.ndarray
    service: np.ndarray


def review_costs(
    cost: str,
    service: str,
    R: np.ndarray,
    S: np.ndarray,
    demand: DemandAfter,
    demand_mean: float,
    *,
    holding_cost: float,
    fixed_order_cost: float,
    backorder_cost: float,
) -> ReviewCosts:
    """C(R, S) and the service of (R, S) for all pairs of (k,) whole R >= 1 and (m,) whole S >= 0.

    Parameters
    ----------
    R, S : days between reviews; units
    demand : at the levels S, for at least max(R) days
    demand_mean : units/day                                [a]
    holding_cost, fixed_order_cost, backorder_cost : money [h, K, p]

    >>> demand = demand_after("poisson", np.array([10]), 2, 2.0, 2.0, np.zeros(0), 1, 1, has_cdf=True)
    >>> costs = review_costs("daily_review", "cycle", np.array([2]), np.array([10]), demand, 2.0, holding_cost=1,
    ...     fixed_order_cost=8, backorder_cost=9)
    >>> round(float(costs.cost[0, 0]), 6), round(float(costs.service[0, 0]), 6)
    (9.407331, 0.957379)
    """
    h, K, p = holding_cost, fixed_order_cost, backorder_cost
    R, S = np.asarray(R, dtype=np.int64), np.asarray(S, dtype=float)
    period = R[:, None].astype(float)
    if cost == "guide":
        total = K / period + h * (demand_mean * period / 2 + S - demand.mean[R, None]) + p / period * demand.loss[R]
    else:
        day_cost = h * np.maximum(S - demand.mean[1:, None] + demand.loss[1:], 0.0) + p * demand.loss[1:]
        total = (K + np.cumsum(day_cost, axis=0)[R - 1]) / period
    if service == "cycle":
        return ReviewCosts(total, demand.cdf[R])
    if service == "fill_rate":
        return ReviewCosts(total, 1.0 - (demand.loss[R] - demand.loss[0]) / (demand_mean * period))
    return ReviewCosts(total, np.ones_like(total))
