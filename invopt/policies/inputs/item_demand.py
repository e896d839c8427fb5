"""From the forecast columns of many items to the demand of each over its lead time.

An item that can't be used is refused. An item's demand is taken as steady: its daily mean, variance or
probabilities are the averages over the forecast's periods.

    poisson, deterministic   mean a tau
    normal                   mean a tau, variance v tau
    pmf                      the sum of tau days, each with the average of the periods' probabilities, whose mean is a

A deterministic forecast has an unknown error, so it is treated as Poisson. tau is the lead time (+ the days between
reviews), one of the whole days within lead_time_confidence of it when that is positive. A pmf needs whole days: a
single tau that is not whole is rounded up.
"""

from __future__ import annotations

import numpy as np

from invopt.policies.inputs.columns import LONGEST_LEAD_TIME
from invopt.policies.inputs.items import Items
from invopt.theory.demand.codes import FORMS, NORMAL, PMF, POISSON
from invopt.theory.demand.distributions import mean_pmf
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time import equally_likely_lead_times, whole_days
from invopt.theory.demand.lead_time_demand import lead_time_pmf

# units over the longest lead time; beyond it the searches would take seconds per item
LARGEST_DEMAND = 1e8
# levels of a table: the support of a pmf's sum, or the distance between the means of a Poisson's lead times
LARGEST_TABLE = 1e6


def concatenated(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All values of an object column of arrays in one float array, and the length of each cell; NULL counts as empty.

    >>> concatenated(np.array([np.ones(2), None], dtype=object))
    (array([1., 1.]), array([2, 0]))
    """
    try:
        lengths = np.fromiter(map(len, column), dtype=np.int64, count=len(column))
    except TypeError:  # a NULL has no length; only a bucket that has one takes the slow way
        column = [cell if hasattr(cell, "__len__") else () for cell in column]
        lengths = np.fromiter(map(len, column), dtype=np.int64, count=len(column))
    if not lengths.any():
        return np.zeros(0), lengths
    return np.concatenate(list(column)).astype(float, copy=False), lengths


def period_means(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each cell of an object column of arrays, and whether the cell can be used.

    A cell can be used if it is a series of finite values of 0 or more.

    >>> period_means(np.array([np.array([1.0, 3.0]), np.array([1.0, -1.0]), None], dtype=object))
    (array([ 2.,  0., nan]), array([ True, False, False]))
    """
    values, lengths = concatenated(column)
    means = np.full(len(column), np.nan)
    smallest = np.full(len(column), np.nan)
    filled = lengths > 0
    if filled.any():
        # reduceat sums from each start to the next; a cell without values has no start
        starts = (np.cumsum(lengths) - lengths)[filled]
        means[filled] = np.add.reduceat(values, starts) / lengths[filled]
        smallest[filled] = np.minimum.reduceat(values, starts)
    return means, (smallest >= 0) & np.isfinite(means)


def item_demand(items: Items, review_days: int) -> ItemDemand:
    """The demand of n items over their lead times, from the columns DEMAND, lead_time and lead_time_confidence.

    An item that can't be used is refused.

    review_days : days that the lead time is lengthened by
    """
    form = np.full(len(items), -1, dtype=np.int64)
    demand_distribution = items.objects("demand_distribution")
    for name, code in FORMS.items():
        form[demand_distribution == name] = code
    items.refuse(form < 0, "demand_distribution is {value!r}, must be one of " + ", ".join(FORMS), demand_distribution)
    mean, variance = _daily_moments(items, form)
    first, number = _lead_times(items)
    first = first + review_days
    is_pmf = form == PMF
    first[is_pmf] = whole_days(first[is_pmf])
    last = first + number - 1

    lead_time_pmfs = []
    pmf_position = np.full(len(form), -1)
    demand_pmf = items.objects("demand_pmf")
    for i in np.flatnonzero(is_pmf & items.is_usable):
        pmf = mean_pmf(demand_pmf[i])
        if pmf is None:
            items.problems[i] = "demand_pmf must hold for each period probabilities of 0 or more that add up to 1"
            continue
        mean[i] = pmf @ np.arange(len(pmf))
        if (len(pmf) - 1) * last[i] > LARGEST_TABLE:
            items.problems[i] = (
                f"demand_pmf reaches over {LARGEST_TABLE:g} units within the lead time; give such a demand as normal"
            )
            continue
        pmf_position[i] = len(lead_time_pmfs)
        lead_time_pmfs.append(lead_time_pmf(pmf, first[i], number[i]))
    is_large = (mean * last > LARGEST_DEMAND) | (variance * last > LARGEST_DEMAND**2)
    items.refuse(is_large, f"demand over the lead time passes {LARGEST_DEMAND:g} units; count in larger units")
    # a single mean of any size has a narrow table; different means need all the levels between them
    items.refuse(
        (form == POISSON) & (mean * (number - 1) > LARGEST_TABLE),
        f"Poisson demand differs by over {LARGEST_TABLE:g} units between lead times; give such a demand as normal",
    )
    return ItemDemand(form, mean, variance, first, number, lead_time_pmfs, pmf_position)


def _daily_moments(items: Items, form: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of a day's demand; the variance of a form other than normal is its mean."""
    mean, is_usable = period_means(items.objects("demand_mean"))
    items.refuse(~is_usable, "demand_mean must be a series of finite values of 0 or more")
    variance = mean.copy()
    normal = np.flatnonzero(form == NORMAL)
    if len(normal):
        variance[normal], is_usable = period_means(items.objects("demand_variance")[normal])
        wrong = np.zeros(len(form), dtype=bool)
        wrong[normal] = ~is_usable
        items.refuse(wrong, "demand_variance of a normal demand must be a series of finite values of 0 or more")
    return mean, variance


def _lead_times(items: Items) -> tuple[np.ndarray, np.ndarray]:
    """The first of each item's equally likely lead times, and their number; 0 days where they can't be used."""
    lead_time, confidence = items.numbers_of("lead_time", "lead_time_confidence")
    is_usable = (lead_time >= 0) & (confidence >= 0) & (lead_time + confidence <= LONGEST_LEAD_TIME)
    items.refuse(
        ~is_usable,
        f"lead_time and lead_time_confidence must be 0 or more and together at most {LONGEST_LEAD_TIME:g} days",
    )
    return equally_likely_lead_times(np.where(is_usable, lead_time, 0.0), np.where(is_usable, confidence, 0.0))
