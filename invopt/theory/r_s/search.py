"""The best (R, S) of many items at once, exactly: the smallest best S of each R that can be the best.

`theory/r_s/cost.py` defines the costs. Three facts make the search short; X_t is the demand of t days.

1. For a given R the cost is convex in S, so the best whole S is the first that the next one does not beat. A service
   that rises with S is a lower limit of S. S(R) is the larger of the two.
2. A Poisson X_t grows with t, so with `daily_review` both rise with R, and S walks upwards through the R. Each step
   multiplies the probabilities by mean / level. A Normal and a pmf are evaluated anywhere: S is found by doubling and
   halving steps, or for a Normal from the Taylor series around a level near by.
3. Jensen: E (S - X)^+ >= (S - E X)^+ and E (X - S)^+ >= (E X - S)^+, so no (R, S) is cheaper than with constant
   demand, where day j of the cycle has exactly a (L + j). There the best S is the demand up to day
   k = ceil(p R / (h + p)), so

       C(R, S) >= [ K + a (h k (k-1) / 2 + p (R-k) (R-k+1) / 2) ] / R

   The guide's cost has S >= a (L+R), so it is at least K/R + h a R/2. An R whose bound is above the best cost so far
   is left out.

Source: Snyder & Shen (2019), section 4.3; Silver, Pyke & Thomas (2017), section 6.10.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.theory.compiled import compiled
from invopt.theory.demand.codes import POISSON
from invopt.theory.r_s.cost import NO_SERVICE
from invopt.theory.r_s.search_anywhere import anywhere_review
from invopt.theory.r_s.search_bounds import Item, least_cost
from invopt.theory.r_s.search_poisson import poisson_review


class PeriodicReviews(NamedTuple):
    """(n,) arrays: days, units, money per day."""

    review_period: np.ndarray
    order_up_to_level: np.ndarray
    cost: np.ndarray


class _Bucket(NamedTuple):
    """(n,) arrays of `best_periodic_reviews`; the pmfs' values one after the other, item i's from day_offsets[i] on."""

    shortest: np.ndarray
    form: np.ndarray
    n_lead_times: np.ndarray
    first_lead_time: np.ndarray
    demand_mean: np.ndarray
    demand_variance: np.ndarray
    holding_cost: np.ndarray
    fixed_order_cost: np.ndarray
    backorder_cost: np.ndarray
    unserved_share: np.ndarray
    days: np.ndarray
    day_offsets: np.ndarray


@compiled
def _item_of(bucket, i, is_guide, service, longest):
    return Item(
        is_guide,
        service if bucket.unserved_share[i] < 1 else NO_SERVICE,
        bucket.unserved_share[i],
        bucket.shortest[i],
        max(longest, bucket.shortest[i]),
        bucket.holding_cost[i],
        bucket.fixed_order_cost[i],
        bucket.backorder_cost[i],
        bucket.demand_mean[i],
        bucket.first_lead_time[i],
        bucket.n_lead_times[i],
    )


@compiled
def _decide_bucket(bucket, is_guide, service, longest, reviews):
    """Fill the arrays of PeriodicReviews, one item after the other."""
    review_period, order_up_to_level, cost = reviews
    form, variance, days, day_offsets = bucket.form, bucket.demand_variance, bucket.days, bucket.day_offsets
    for i in range(len(form)):
        item = _item_of(bucket, i, is_guide, service, longest)
        likely = item.shortest
        for R in range(item.shortest + 1, item.longest + 1):
            if least_cost(item, R) < least_cost(item, likely):
                likely = R
        if form[i] == POISSON:
            best = poisson_review(item, likely)
        else:
            best = anywhere_review(item, form[i], variance[i], likely, 0, days[day_offsets[i] : day_offsets[i + 1]])
        review_period[i], order_up_to_level[i], cost[i] = best


def best_periodic_reviews(
    *,
    is_guide: bool,
    service: int,
    service_level: np.ndarray,
    shortest_review_period: np.ndarray,
    longest_review_period: int,
    form: np.ndarray,
    demand_mean: np.ndarray,
    demand_variance: np.ndarray,
    first_lead_time: np.ndarray,
    n_lead_times: np.ndarray,
    holding_cost: np.ndarray,
    fixed_order_cost: np.ndarray,
    backorder_cost: np.ndarray,
    day_pmfs: list[np.ndarray],
) -> PeriodicReviews:
    """Review period and order-up-to level of least cost of n items, and that cost.

    The items must be in order: positive finite demand_mean and holding_cost, costs and variances not negative.

    Parameters
    ----------
    is_guide : the cost `guide`; False: `daily_review`
    service : NO_SERVICE, CYCLE or FILL_RATE
    service_level : (n,) array, fraction below 1; NaN or 0 asks for nothing
    shortest_review_period : (n,) array of int, days, 1 or more
    longest_review_period : days; an item whose shortest is longer has that one
    form : (n,) array of int: POISSON, NORMAL or PMF
    demand_mean, demand_variance : (n,) arrays, units/day and units^2/day; the variance matters for NORMAL only  [a, v]
    first_lead_time, n_lead_times : (n,) arrays, days and count: equally likely lead times, one day apart; whole for
        PMF                                                                         [L]
    holding_cost : (n,) array, money/unit/day                                       [h]
    fixed_order_cost : (n,) array, money/order                                      [K]
    backorder_cost : (n,) array, money/unit/day, or money/unit for the guide's cost [p]
    day_pmfs : n arrays: the probabilities of a day's demand of 0, 1, ... of a PMF item, empty for the others

    >>> cell = lambda value: np.array([float(value)])
    >>> R, S, cost = best_periodic_reviews(
    ...     is_guide=False, service=NO_SERVICE, service_level=cell(np.nan), shortest_review_period=np.array([1]),
    ...     longest_review_period=28, form=np.array([POISSON]), demand_mean=cell(2), demand_variance=cell(2),
    ...     first_lead_time=cell(1), n_lead_times=np.array([1]), holding_cost=cell(1), fixed_order_cost=cell(8),
    ...     backorder_cost=cell(9), day_pmfs=[np.zeros(0)])
    >>> int(R[0]), int(S[0]), round(float(cost[0]), 6)
    (3, 10, 8.357767)
    """
    reviews = PeriodicReviews(*np.zeros((3, len(form))))
    # NaN and 0 ask for nothing: all of the demand may be unserved
    unserved_share = 1.0 - np.nan_to_num(np.asarray(service_level, dtype=np.float64), nan=0.0)
    counts = (shortest_review_period, form, n_lead_times)
    demand, costs = (first_lead_time, demand_mean, demand_variance), (holding_cost, fixed_order_cost, backorder_cost)
    bucket = _Bucket(
        *(np.ascontiguousarray(array, dtype=np.int64) for array in counts),
        *(np.ascontiguousarray(array, dtype=np.float64) for array in (*demand, *costs, unserved_share)),
        np.concatenate([np.zeros(0), *day_pmfs]),
        np.cumsum([0, *map(len, day_pmfs)]),
    )
    _decide_bucket(bucket, bool(is_guide), int(service), int(longest_review_period), reviews)
    return reviews
