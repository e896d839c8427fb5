"""Demand over the lead time and the shelf life together: all that can take units of a batch before it expires.

    Y = demand over tau + m,        tau one of the equally likely lead times, m the shelf life

A pmf needs whole days: tau + m is rounded up, as tau alone is.
"""

from __future__ import annotations

import numpy as np

from invopt.policies.inputs.item_demand import LARGEST_TABLE, LONGEST_LEAD_TIME
from invopt.policies.inputs.messages import note
from invopt.theory.demand.codes import PMF
from invopt.theory.demand.distributions import mean_pmf
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.demand.lead_time_demand import lead_time_pmf

# units over lead time and shelf life; beyond it a table of the levels that matter has millions of them
LARGEST_DEMAND = 1e10


def shelf_life_demand(demand: ItemDemand, demand_pmf: np.ndarray, shelf_life: np.ndarray) -> ItemDemand:
    """Y of n items, with the messages of `demand`; a shelf life that can't be used is added to them.

    An item that does not expire has a shelf life of infinity here, and keeps its demand over the lead time alone.

    Parameters
    ----------
    demand : of the items over their lead times
    demand_pmf : (n,) object array of arrays [period][x] of P(demand of a day = x); read for pmf items only
    shelf_life : (n,) array, days; infinity does not expire                                                          [m]

    >>> from invopt.policies.inputs.item_demand import item_demand
    >>> column = lambda value: np.array([value, None], dtype=object)[:1]
    >>> forecast = column("poisson"), column([1.5]), column(None), column(None)
    >>> demand = item_demand(*forecast, np.array([2.0]), np.zeros(1), 0)
    >>> shelf_life_demand(demand, column(None), np.array([3.0])).lead_time_demand(0).mean
    7.5
    """
    message = demand.message
    note(
        message,
        ~(shelf_life > 0),
        "shelf_life is {value} days, must be above 0; NULL says that it does not expire",
        shelf_life,
    )
    expires = np.isfinite(shelf_life) & (shelf_life > 0)
    days = np.where(expires, shelf_life, 0.0)
    note(
        message,
        days > LONGEST_LEAD_TIME,
        f"shelf_life is {{value}} days, must be at most {LONGEST_LEAD_TIME:g}; NULL says that it does not expire",
        days,
    )
    first = demand.first_lead_time + days
    is_pmf = demand.form == PMF
    first[is_pmf] = whole_days(first[is_pmf])
    last = first + demand.n_lead_times - 1
    is_large = (demand.mean * last > LARGEST_DEMAND) | (demand.variance * last > LARGEST_DEMAND**2)
    note(
        message,
        np.equal(message, None) & is_large,
        f"demand over lead time and shelf life passes {LARGEST_DEMAND:g} units; count in larger units",
    )
    pmfs, position = [], np.full(len(shelf_life), -1)
    for i in np.flatnonzero(is_pmf & expires & np.equal(message, None)):
        pmf = mean_pmf(demand_pmf[i])
        if (len(pmf) - 1) * last[i] > LARGEST_TABLE:
            message[i] = (
                f"demand_pmf reaches over {LARGEST_TABLE:g} units within lead time and shelf life; give such a "
                "demand as normal"
            )
            continue
        position[i] = len(pmfs)
        pmfs.append(lead_time_pmf(pmf, first[i], demand.n_lead_times[i]))
    return demand._replace(first_lead_time=first, lead_time_pmfs=pmfs, pmf_position=position)
