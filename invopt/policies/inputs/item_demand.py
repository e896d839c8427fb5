"""From the forecast columns of many items to the demand of each over its lead time, with a message for each item that
can't be used.

An item's demand is taken as steady: its daily mean, variance or probabilities are the averages over the forecast's
periods.

    poisson, deterministic   mean a tau        (a deterministic forecast has an unknown error: it is treated as Poisson)
    normal                   mean a tau, variance v tau
    pmf          the sum of tau days, each with the average of the periods' probabilities; a is the mean of that average

tau is the lead time (+ the days between reviews), one of the whole days within lead_time_confidence of it when that is
positive. A pmf needs whole days: a single tau that is not whole is rounded up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from invopt.theory.demand.codes import FORMS, NORMAL, PMF, POISSON
from invopt.theory.demand.lead_time import equally_likely_lead_times, whole_days
from invopt.theory.demand.lead_time_demand import (
    LeadTimeDemand,
    lead_time_pmf,
    normal_lead_time_demand,
    pmf_lead_time_demand,
    poisson_lead_time_demand,
)

LONGEST_LEAD_TIME = 3650.0
# units over the longest lead time; beyond it the searches would take seconds per item
LARGEST_DEMAND = 1e8
# levels of a table: the support of a pmf's sum, or the distance between the means of a Poisson's lead times
LARGEST_TABLE = 1e6
PMF_TOLERANCE = 1e-6


class ItemDemand(NamedTuple):
    """(n,) arrays over the items; item i's lead-time probabilities are lead_time_pmfs[pmf_position[i]], and -1 says
    it has none.
    """

    form: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    first_lead_time: np.ndarray
    n_lead_times: np.ndarray
    lead_time_pmfs: list[np.ndarray]
    pmf_position: np.ndarray
    message: np.ndarray

    def lead_time_demand(self, i: int) -> LeadTimeDemand:
        """Item i's demand over its lead time, for functions of one item."""
        lead_times = self.first_lead_time[i] + np.arange(self.n_lead_times[i])
        if self.form[i] == PMF:
            return pmf_lead_time_demand(self.lead_time_pmfs[self.pmf_position[i]])
        if self.form[i] == NORMAL:
            return normal_lead_time_demand(self.mean[i], self.variance[i], lead_times)
        return poisson_lead_time_demand(self.mean[i], lead_times)

    def pmfs_of(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lead-time probabilities of the chosen pmf items, one after the other, and where each starts, with the end;
        for compiled loops.
        """
        pmfs = [self.lead_time_pmfs[k] for k in self.pmf_position[chosen & (self.form == PMF)]]
        return np.concatenate([np.zeros(0), *pmfs]), np.cumsum([0, *map(len, pmfs)])


def note(message: np.ndarray, wrong: np.ndarray, text: str, value: np.ndarray | None = None) -> None:
    """Add `text`, with {value} replaced by the item's own, to the message of each item that is wrong."""
    for i in np.flatnonzero(wrong):
        said = text if value is None else text.format(value=value[i])
        message[i] = said if message[i] is None else f"{message[i]}; {said}"


def concatenated(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All values of an object column of arrays in one float array, and the length of each cell; NULL counts as empty.

    >>> concatenated(np.array([np.ones(2), None], dtype=object))
    (array([1., 1.]), array([2, 0]))
    """
    try:
        lengths = np.fromiter(map(len, column), dtype=np.int64, count=len(column))
    except TypeError:  # a NULL has no length; the slow way only for a bucket that has one
        column = [cell if hasattr(cell, "__len__") else () for cell in column]
        lengths = np.fromiter(map(len, column), dtype=np.int64, count=len(column))
    if not lengths.any():
        return np.zeros(0), lengths
    return np.concatenate(list(column)).astype(float, copy=False), lengths


def period_means(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each cell of an object column of arrays, and whether the cell is a series of finite values of 0 or
    more.

    >>> period_means(np.array([np.array([1.0, 3.0]), np.array([1.0, -1.0]), None], dtype=object))
    (array([ 2.,  0., nan]), array([ True, False, False]))
    """
    values, lengths = concatenated(column)
    means = np.full(len(column), np.nan)
    smallest = np.full(len(column), np.nan)
    filled = lengths > 0
    if filled.any():
        # a cell without values has no place in the array, so the starts of the others are all that is needed
        starts = (np.cumsum(lengths) - lengths)[filled]
        means[filled] = np.add.reduceat(values, starts) / lengths[filled]
        smallest[filled] = np.minimum.reduceat(values, starts)
    return means, (smallest >= 0) & np.isfinite(means)


def mean_pmf(periods: Sequence[np.ndarray] | None) -> np.ndarray | None:
    """The average of the periods' probabilities of 0, 1, 2, ..., which may end at different values; None if one of them
    is none.

    >>> mean_pmf([[1.0], [0.5, 0.5]])
    array([0.75, 0.25])
    """
    if periods is None or not hasattr(periods, "__len__") or len(periods) == 0:
        return None
    if any(period is None or len(period) == 0 for period in periods):
        return None
    lengths = [len(period) for period in periods]
    values = np.concatenate(list(periods)).astype(float, copy=False)
    if not values.min() >= 0:
        return None
    starts = np.cumsum(lengths) - lengths
    totals = np.add.reduceat(values, starts)
    if not np.abs(totals - 1).max() <= PMF_TOLERANCE:
        return None
    values = values / np.repeat(totals, lengths) / len(lengths)
    return np.bincount(np.arange(len(values)) - np.repeat(starts, lengths), weights=values)


def item_demand(
    demand_distribution: np.ndarray,
    demand_mean: np.ndarray,
    demand_variance: np.ndarray,
    demand_pmf: np.ndarray,
    lead_time: np.ndarray,
    lead_time_confidence: np.ndarray,
    review_days: int,
) -> ItemDemand:
    """The demand of n items over their lead times and, for those that can't be used, why.

    Parameters
    ----------
    demand_distribution : (n,) array of str: poisson, normal, pmf or deterministic
    demand_mean, demand_variance : (n,) object arrays of arrays over periods, units/day and units^2/day; the variance
        may be NULL
    demand_pmf : (n,) object array of arrays [period][x] of P(demand of a day = x); may be NULL
    lead_time, lead_time_confidence : (n,) arrays, days
    review_days : days that the lead time is lengthened by
    """
    n = len(demand_distribution)
    message = np.full(n, None, dtype=object)
    form = np.full(n, -1, dtype=np.int64)
    for name, code in FORMS.items():
        form[demand_distribution == name] = code
    note(message, form < 0, "demand_distribution is {value!r}, must be one of " + ", ".join(FORMS), demand_distribution)

    mean, is_usable = period_means(demand_mean)
    note(message, ~is_usable, "demand_mean must be a series of finite values of 0 or more")
    variance = mean.copy()
    is_normal = form == NORMAL
    if is_normal.any():
        variance[is_normal], is_usable = period_means(demand_variance[is_normal])
        note(
            message,
            _at(is_normal, ~is_usable),
            "demand_variance of a normal demand must be a series of finite values of 0 or more",
        )

    is_long = ~(
        (lead_time >= 0) & (lead_time_confidence >= 0) & (lead_time + lead_time_confidence <= LONGEST_LEAD_TIME)
    )
    note(
        message,
        is_long,
        f"lead_time and lead_time_confidence must be 0 or more and together at most {LONGEST_LEAD_TIME:g} days",
    )
    first, number = equally_likely_lead_times(
        np.where(is_long, 0.0, lead_time), np.where(is_long, 0.0, lead_time_confidence)
    )
    first = first + review_days
    is_pmf = form == PMF
    first[is_pmf] = whole_days(first[is_pmf])
    last = first + number - 1

    lead_time_pmfs = []
    pmf_position = np.full(n, -1)
    for i in np.flatnonzero(is_pmf & np.equal(message, None)):
        pmf = mean_pmf(demand_pmf[i])
        if pmf is None:
            message[i] = "demand_pmf must hold for each period probabilities of 0 or more that add up to 1"
            continue
        mean[i] = pmf @ np.arange(len(pmf))
        if (len(pmf) - 1) * last[i] > LARGEST_TABLE:
            message[i] = (
                f"demand_pmf reaches over {LARGEST_TABLE:g} units within the lead time; give such a demand as normal"
            )
            continue
        pmf_position[i] = len(lead_time_pmfs)
        lead_time_pmfs.append(lead_time_pmf(pmf, first[i], number[i]))
    is_large = (mean * last > LARGEST_DEMAND) | (variance * last > LARGEST_DEMAND**2)
    note(message, is_large, f"demand over the lead time passes {LARGEST_DEMAND:g} units; count in larger units")
    # a single mean of any size has a narrow table; different ones need all the levels between
    is_wide = (form == POISSON) & (mean * (number - 1) > LARGEST_TABLE)
    note(
        message,
        is_wide,
        f"Poisson demand differs by over {LARGEST_TABLE:g} units between lead times; give such a demand as normal",
    )
    return ItemDemand(form, mean, variance, first, number, lead_time_pmfs, pmf_position, message)


def _at(where: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`values` put where `where` holds, False elsewhere."""
    spread = np.zeros(len(where), dtype=bool)
    spread[where] = values
    return spread
