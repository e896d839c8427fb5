"""The pairs (R, S) of one item that can be optimal: the choices of its selection model (`models/selection.py`).

They are found without the exact algorithm, so that the two check each other. C is the cost of some pair that gives the
service, and a pair is left out when

1. it does not give the service that is asked for;
2. constant demand would cost more than C. By Jensen, C(R, S) >= [K + sum_j h (S - a(L+j))^+ + p (a(L+j) - S)^+] / R.
   For the guide's cost, as S >= a (L+R), C(R, S) >= K/R + h (a R/2 + S - a(L+R)). This bound needs no probabilities,
   and it gives a range of S for each R. It leaves out an R when even its smallest value, at the demand up to day
   k = ceil(p R / (h + p)), is more than C;
3. its own cost is more than C.

The range is wide where demand is uncertain. So a narrower range of levels is priced first: those around the best S,
were demand Normal, of each R that may be best. C is the cost of the cheapest pair in it. C(R, S) is convex in S, so the
last two levels at either end of the range say how much pairs beyond it cost at least. Most often that is more than C
for every R, and then nothing else is priced.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from invopt.errors import ParameterError
from invopt.theory.r_s.cost import demand_after, review_costs

# pairs x days of one model beyond which finding them takes seconds, and up to which they are found in one call
LARGEST_MODEL = 10_000_000
ONE_CALL = 30_000
# units: a level that no model holds
BEYOND = 1e12
# standard deviations of demand: how far the first range of levels reaches beyond about the best levels, and how far
# from the mean such a level is looked for
REACH, LARGEST_Z = 0.5, 8.0


class Pairs(NamedTuple):
    """(m,) arrays: days, units, money per day."""

    review_period: np.ndarray
    level: np.ndarray
    cost: np.ndarray


NOTHING = Pairs(np.zeros(1), np.zeros(1), np.zeros(1))


class ReviewItem(NamedTuple):
    """One item: what (R, S) costs, and which R it may have.

    cost, service : see `theory/r_s/cost.py`
    holding_cost, fixed_order_cost, backorder_cost : h, K, p
    service_level : NaN asks for nothing
    form, demand_mean, demand_variance, day_pmf, first_lead_time, n_lead_times : as `demand_after` takes them; the mean
        is above 0 [a]
    shortest, longest : days between reviews
    """

    cost: str
    service: str
    holding_cost: float
    fixed_order_cost: float
    backorder_cost: float
    service_level: float
    form: str
    demand_mean: float
    demand_variance: float
    day_pmf: np.ndarray
    first_lead_time: float
    n_lead_times: int
    shortest: int
    longest: int

    def mean_after(self, days: np.ndarray | float) -> np.ndarray | float:
        """Units: mean demand over the lead time and these days."""
        return self.demand_mean * (self.first_lead_time + (self.n_lead_times - 1) / 2 + days)

    def std_after(self, days: float) -> float:
        """Units: about the standard deviation of the same demand."""
        n = self.n_lead_times
        daily = max(self.demand_variance, self.demand_mean, 0.01)
        return math.sqrt(daily * (self.first_lead_time + n - 1 + days) + (self.demand_mean * (n - 1)) ** 2 / 12)

    def priced(self, R: np.ndarray, S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """C(R, S) of all pairs, and the same but infinite where (R, S) is not allowed.

        It is not allowed where the service is not given, or the guide's S is too small.
        """
        demand = demand_after(
            self.form,
            S,
            int(R[-1]),
            self.demand_mean,
            self.demand_variance,
            self.day_pmf,
            self.first_lead_time,
            self.n_lead_times,
            has_cdf=self.service == "cycle",
        )
        cost, service = review_costs(
            self.cost,
            self.service,
            R,
            S,
            demand,
            self.demand_mean,
            holding_cost=self.holding_cost,
            fixed_order_cost=self.fixed_order_cost,
            backorder_cost=self.backorder_cost,
        )
        allowed_cost = cost
        if not math.isnan(self.service_level):
            # a service met to within rounding counts as given
            allowed_cost = np.where(service >= self.service_level - 1e-14, allowed_cost, np.inf)
        if self.cost == "guide":
            allowed_cost = np.where(S >= demand.mean[R, None] * (1 - 1e-12), allowed_cost, np.inf)
        return cost, allowed_cost


def review_pairs(item: ReviewItem) -> Pairs:
    """The pairs of the item's model, those of one R after the other.

    Raises
    ------
    ParameterError : no pair that gives the service is known, or the model would be too large.
    """
    reviews = np.arange(item.shortest, item.longest + 1)
    least = _constant_demand_cost(item, reviews)
    likely = int(reviews[least.argmin()])
    is_near = least <= least.min() + _uncertainty(item, likely)
    near = reviews[is_near]
    ends = [(_best_level(item, R), REACH * item.std_after(R)) for R in (int(near[0]), int(near[-1]))]
    low = max(0, int(min(level - reach for level, reach in ends)) - 1)
    high = int(max(level + reach for level, reach in ends)) + 2
    known_cost = np.inf
    if (high - low) * (near[-1] + item.n_lead_times) <= ONE_CALL:
        levels = np.arange(low, high + 1)
        cost, allowed_cost = item.priced(near, levels)
        known_cost = allowed_cost.min()
    if not np.isfinite(known_cost):
        near = near[:0]
        known_cost = _cost_of_a_known_pair(item, likely)
    # the same pair priced with other levels differs by rounding, of which a cost of 0 has some as well
    slack = known_cost * (1 + 1e-9) + 1e-12 * item.holding_cost * item.mean_after(likely)
    reviews = reviews[least <= slack]
    lows, highs = _ranges(item, reviews, slack)
    if len(reviews) <= len(near):
        is_left = least[is_near] <= slack
        if _is_all_within(levels, cost[is_left], slack, lows, highs):
            return _cheap(reviews, levels, allowed_cost[is_left], slack)
    if ((highs - lows) * reviews).sum() > LARGEST_MODEL:
        raise ParameterError("the model would have too many pairs of R and S; solve this item with method: algorithm")
    # one call for all R is the quickest while their ranges overlap
    is_narrow = (highs.max() - lows.min()) * reviews[-1] <= ONE_CALL
    pairs = []
    for group in [np.arange(len(reviews))] if is_narrow else np.arange(len(reviews))[:, None]:
        levels = np.arange(lows[group].min(), highs[group].max() + 1)
        pairs.append(_cheap(reviews[group], levels, item.priced(reviews[group], levels)[1], slack))
    return Pairs(*(np.concatenate(parts) for parts in zip(*pairs, strict=True)))


def _cheap(R: np.ndarray, S: np.ndarray, cost: np.ndarray, slack: float) -> Pairs:
    review, level = np.nonzero(cost <= slack)
    return Pairs(R[review], S[level], cost[review, level])


def _constant_demand_cost(item: ReviewItem, R: np.ndarray) -> np.ndarray:
    """Cost per day of constant demand with the best S of each R (reason 2)."""
    a, h, K, p = item.demand_mean, item.holding_cost, item.fixed_order_cost, item.backorder_cost
    if item.cost == "guide":
        return K / R + h * a * R / 2
    # the demand of day 1..k of a cycle is found in stock
    k = np.ceil(p * R / (h + p))
    return (K + a / 2 * (h * k * (k - 1) + p * (R - k) * (R - k + 1))) / R


def _safety(item: ReviewItem, R: int) -> float:
    """Standard deviations: about how far above the mean the best S of R is.

    It is the quantile of a Normal where one more unit no longer pays.
    """
    h, p = item.holding_cost, item.backorder_cost
    if item.cost == "guide":
        # no less than the mean
        chance = max(1 - h * R / p, 0.5) if p > 0 else 0.5
    else:
        chance = p / (h + p)
    return min(max(float(ndtri(chance)), -LARGEST_Z), LARGEST_Z)


def _best_level(item: ReviewItem, R: int) -> float:
    """Units: about the best S of R; nothing that is left out depends on it."""
    z, end, std = _safety(item, R), item.mean_after(R), item.std_after(R)
    if item.cost == "guide":
        level = end + z * std
    else:
        # demand up to any day of the cycle, and no more than up to its last
        middle = (R + 1) / 2
        cycle_std = math.hypot(item.std_after(middle), item.demand_mean * math.sqrt((R * R - 1) / 12))
        level = min(item.mean_after(middle) + z * cycle_std, end + max(z, 0.0) * std)
    if item.service == "cycle" and item.service_level > 0:
        level = max(level, end + float(ndtri(item.service_level)) * std)
    return max(level, 0.0)


def _uncertainty(item: ReviewItem, R: int) -> float:
    """Money per day: about the most that the best S of R costs beyond constant demand.

    Nothing that is left out depends on it.
    """
    h, p, z = item.holding_cost, item.backorder_cost, _safety(item, R)
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    if item.cost == "guide":
        return (h * z + p / R * density) * item.std_after(R)
    # the best of usual items costs 0.1 to 0.9 of what it would if all days were the last
    return 0.9 * (h + p) * density * item.std_after(R)


def _cost_of_a_known_pair(item: ReviewItem, R: int) -> float:
    """The cost of the cheapest of some levels around the demand of the cycle that gives the service."""
    end, std = float(item.mean_after(R)), item.std_after(R)
    tried = np.concatenate(
        [
            np.linspace(end - item.demand_mean * R, end, 9),
            end + std * np.array([*np.arange(-1.5, 6, 0.5), 8, 12, 40, 200]),
        ]
    )
    known_cost = item.priced(np.array([R]), np.unique(np.maximum(0, np.ceil(tried))).astype(np.int64))[1].min()
    if not np.isfinite(known_cost):
        raise ParameterError("no level within 200 standard deviations gives the service_level; ask for less")
    return known_cost


def _ranges(item: ReviewItem, R: np.ndarray, slack: float) -> tuple[np.ndarray, np.ndarray]:
    """First and last S >= 0 of each R that cost no more than `slack` if demand is constant (reason 2).

    They may be a little further apart.

    If S is the demand up to day k, constant demand costs [K + a/2 (h k (k-1) + p (R-k) (R-k+1))] / R, a parabola in k.
    From one whole k to the next the cost is straight, so above the parabola; before day 1 it rises by p a unit, after
    day R by h.
    """
    a, h, K, p = item.demand_mean, item.holding_cost, item.fixed_order_cost, item.backorder_cost
    if item.cost == "guide":
        end = item.mean_after(R)
        low, high = end * (1 - 1e-12), end + np.maximum(slack - K / R - h * a * R / 2, 0.0) / h
    else:
        double = h + p * (2 * R + 1)
        within = double**2 - 4 * (h + p) * (p * R * (R + 1) - 2 * (R * slack - K) / a)
        # a double root may come out as none
        root = np.sqrt(np.maximum(within, 0.0) + 1e-12 * double**2)
        first, last = (double - root) / (2 * (h + p)), (double + root) / (2 * (h + p))
        before = R - np.inf
        if p > 0:
            before = 1 - np.maximum(slack - K / R - a * p * (R - 1) / 2, 0.0) / (a * p)
        after = R + np.maximum(slack - K / R - a * h * (R - 1) / 2, 0.0) / (a * h)
        low = item.mean_after(np.where(first < 1, np.minimum(before, 1), first))
        high = item.mean_after(np.where(last > R, after, last))
    return np.clip(low, 0.0, BEYOND).astype(np.int64), np.clip(high, 0.0, BEYOND).astype(np.int64) + 1


def _is_all_within(levels: np.ndarray, cost: np.ndarray, slack: float, lows: np.ndarray, highs: np.ndarray) -> bool:
    """Whether no S of lows..highs beyond the levels costs `slack` or less.

    cost : (number of R, number of levels), convex in S

    Beyond an end the cost falls at most as steeply as between the last two levels there.
    """
    at_first, at_last = cost[:, 0], cost[:, -1]
    further = np.maximum(levels[0] - lows, 0)
    left = at_first - np.maximum(cost[:, 1] - at_first, 0.0) * further
    beyond = np.maximum(highs - levels[-1], 0)
    right = at_last - np.maximum(cost[:, -2] - at_last, 0.0) * beyond
    return bool(((further == 0) | (left > slack)).all() and ((beyond == 0) | (right > slack)).all())
