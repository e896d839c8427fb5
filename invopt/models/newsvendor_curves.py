"""The newsvendor's cost of each item as a function of its level s, for a model of many items under one budget.

    f(s) = o E(s - X)^+ + u E(X - s)^+            convex, with the slope o - (o + u) P(X > s)

X is an item's demand over the days that an order has to last. All values come from scipy's distributions
(`theory/demand/distributions.py`), not from the compiled search: model and algorithm check each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from invopt.errors import ParameterError
from invopt.theory.demand.codes import NORMAL, PMF
from invopt.theory.demand.distributions import normal_cdf, normal_loss, pmf_cdf, pmf_loss, poisson_cdf, poisson_loss
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.newsvendor.search import REACHED

# quantities that finding the price of the budget may look at
LARGEST_RANGE = 50_000_000


class NewsvendorCurves(NamedTuple):
    """(n,) arrays over the items that are decided.

    position : of the item in `demand`, which holds all items of the partition
    overage, underage : money/unit                                                                               [o, u]
    mean : E X, units
    """

    position: np.ndarray
    overage: np.ndarray
    underage: np.ndarray
    demand: ItemDemand
    mean: np.ndarray

    def _by_form(
        self, which: np.ndarray, x: np.ndarray, of_poisson: Callable, of_normal: Callable, of_pmf: Callable
    ) -> np.ndarray:
        """A function of the lead-time demand of items `which` at x, averaged over their lead times."""
        demand, at = self.demand, self.position[which]
        values = np.zeros(len(which))
        is_pmf = demand.form[at] == PMF
        for i in np.unique(which[is_pmf]):
            rows = np.flatnonzero(is_pmf & (which == i)) if len(which) > 1 else np.array([0])
            pmf = demand.lead_time_pmfs[demand.pmf_position[self.position[i]]]
            values[rows] = of_pmf(x[rows].astype(np.int64), pmf)
        for form, function in ((NORMAL, of_normal), (None, of_poisson)):
            rows = np.flatnonzero(~is_pmf & ((demand.form[at] == NORMAL) == (form == NORMAL)))
            number = demand.n_lead_times[at[rows]]
            for j in range(int(number.max(initial=0))):
                still = rows[number > j]
                item = at[still]
                days = demand.first_lead_time[item] + j
                if form == NORMAL:
                    value = function(x[still], demand.mean[item] * days, np.sqrt(demand.variance[item] * days))
                else:
                    value = function(x[still], demand.mean[item] * days)
                values[still] += value / demand.n_lead_times[item]
        return values

    def loss(self, which: np.ndarray, x: np.ndarray) -> np.ndarray:
        """n(x) = E(X - x)^+."""
        return self._by_form(which, x, poisson_loss, normal_loss, pmf_loss)

    def survival(self, which: np.ndarray, x: np.ndarray) -> np.ndarray:
        """P(X > x)."""
        return 1 - self._by_form(which, x, poisson_cdf, normal_cdf, pmf_cdf)

    def met_by_one_more(self, which: np.ndarray, x: np.ndarray) -> np.ndarray:
        """n(x) - n(x + 1): P(X > x) of a whole X; a Normal is not whole."""
        return self._by_form(
            which,
            x,
            lambda x, mean: 1 - poisson_cdf(x, mean),
            lambda x, mean, std: normal_loss(x, mean, std) - normal_loss(x + 1, mean, std),
            lambda x, pmf: 1 - pmf_cdf(x, pmf),
        )

    def cost(self, which: np.ndarray, x: np.ndarray) -> np.ndarray:
        """o E(x - X)^+ + u E(X - x)^+."""
        scale = (self.overage + self.underage)[which]
        return self.overage[which] * (x - self.mean[which]) + scale * self.loss(which, x)

    def band(self) -> tuple[np.ndarray, np.ndarray]:
        """The level below which P(X > x) is 1 and the level above which it is 0, to 1e-15 (Chernoff; Bernstein)."""
        demand, item = self.demand, self.position
        smallest = demand.mean[item] * demand.first_lead_time[item]
        last = demand.first_lead_time[item] + demand.n_lead_times[item] - 1
        largest = demand.mean[item] * last
        low, high = smallest - 8.5 * np.sqrt(smallest), largest + 12 + np.sqrt(144 + 72 * largest)
        half_width = 8.5 * np.sqrt(demand.variance[item] * last)
        is_normal, is_pmf = demand.form[item] == NORMAL, demand.form[item] == PMF
        low = np.where(is_normal, smallest - half_width, low)
        high = np.where(is_normal, largest + half_width, high)
        lengths = np.array([len(demand.lead_time_pmfs[k]) if k >= 0 else 0 for k in demand.pmf_position[item]])
        low = np.maximum(np.floor(np.where(is_pmf, 0.0, low)), 0.0)
        return low, np.maximum(np.ceil(np.where(is_pmf, lengths, high)), 0.0)


def newsvendor_curves(
    demand: ItemDemand, position: np.ndarray, overage: np.ndarray, underage: np.ndarray
) -> NewsvendorCurves:
    """The curves of the items at these positions; their overage and underage costs are in the same order."""
    mean = (demand.mean * (demand.first_lead_time + (demand.n_lead_times - 1) / 2))[position]
    for i in np.flatnonzero(demand.pmf_position[position] >= 0):
        pmf = demand.lead_time_pmfs[demand.pmf_position[position[i]]]
        mean[i] = pmf @ np.arange(len(pmf))
    return NewsvendorCurves(position, overage, underage, demand, mean)


def lowest_served_levels(service: str, curves: NewsvendorCurves, level: np.ndarray) -> np.ndarray:
    """The smallest s of 0 or more that gives the service, by bisection.

    Parameters
    ----------
    service : none, cycle or fill_rate
    level : (n,) array, the service level; NaN asks for nothing
    """
    every = np.arange(len(level))
    left, right = np.full(len(level), -1.0), 2 * curves.band()[1] + 10
    has_service = (level > 0) & (service != "none")
    while (right - left > 1).any():
        middle = np.floor((left + right) / 2)
        if service == "cycle":
            is_served = curves.survival(every, middle) <= 1 - level + REACHED
        else:
            is_served = curves.loss(every, middle) <= (1 - level + REACHED) * curves.mean
        left, right = np.where(is_served, left, middle), np.where(is_served, middle, right)
        if not has_service.any():
            break
    return np.where(has_service, right, 0.0)


def best_levels(curves: NewsvendorCurves, weight: np.ndarray, low: np.ndarray) -> Callable[[float], np.ndarray]:
    """theta -> the smallest s of each item, `low` or more, above which one unit more doesn't pay at the price theta.

    One unit more does not pay where (o + u) (n(s) - n(s + 1)) <= o + theta w.

    Parameters
    ----------
    weight : (n,) array, money/unit: what a unit takes from the budget                                              [w]

    Raises
    ------
    ParameterError : there are over LARGEST_RANGE quantities to look at.
    """
    first, last = curves.band()
    first = np.maximum(first, low)
    length = np.maximum(last - first, 0).astype(np.int64)
    if length.sum() > LARGEST_RANGE:
        raise ParameterError(
            f"the model would have to look at over {LARGEST_RANGE} quantities; solve this partition with "
            "method: algorithm"
        )
    which = np.repeat(np.arange(len(low)), length)
    ends = np.cumsum(length)
    level = first[which] + np.arange(len(which)) - (ends - length)[which]
    scale = curves.overage + curves.underage
    # the saving of one unit more; falling with the level, up to rounding
    saved = scale[which] * curves.met_by_one_more(which, level)

    def best(theta: float) -> np.ndarray:
        unit_price = curves.overage + theta * weight
        pays = np.concatenate([[0], np.cumsum(saved > unit_price[which])])
        # below the band each unit more saves o + u
        return np.where((scale > unit_price) & (scale > 0), first + pays[ends] - pays[ends - length], low)

    return best
