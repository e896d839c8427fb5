"""Demand over the lead time and the shelf life together: all that can take units of a batch before it expires.

    Y = demand over tau + m,        tau one of the equally likely lead times, m the shelf life

A pmf needs whole days: tau + m is rounded up, as tau alone is.
"""

from __future__ import annotations

import numpy as np

from invopt.policies.inputs.item_demand import LARGEST_TABLE
from invopt.policies.inputs.items import Items
from invopt.theory.demand.codes import PMF
from invopt.theory.demand.distributions import mean_pmf
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.demand.lead_time import whole_days
from invopt.theory.demand.lead_time_demand import lead_time_pmf

# units over lead time and shelf life; beyond it a table of the levels that matter has millions of them
LARGEST_DEMAND = 1e10


def shelf_life_demand(demand: ItemDemand, items: Items) -> tuple[np.ndarray, ItemDemand]:
    """The shelf life of n items, days, infinite where it is NULL, and their Y.

    An item whose demand over lead time and shelf life can't be counted is refused. An item that does not expire keeps
    its demand over the lead time alone.

    demand : of the items over their lead times; the column shelf_life has days                                     [m]

    >>> import pandas as pd
    >>> from invopt.policies.inputs.item_demand import item_demand
    >>> row = {"demand_distribution": "poisson", "demand_mean": [1.5], "demand_variance": None, "demand_pmf": None}
    >>> items = Items(pd.DataFrame([{**row, "lead_time": 2.0, "lead_time_confidence": 0.0, "shelf_life": 3.0}]), [])
    >>> days, demand = shelf_life_demand(item_demand(items, 0), items)
    >>> days.tolist(), demand.lead_time_demand(0).mean
    ([3.0], 7.5)
    """
    shelf_life = items.numbers("shelf_life")
    shelf_life = np.where(np.isnan(shelf_life), np.inf, shelf_life)
    expires = np.isfinite(shelf_life) & (shelf_life > 0)
    first = demand.first_lead_time + np.where(expires, shelf_life, 0.0)
    is_pmf = demand.form == PMF
    first[is_pmf] = whole_days(first[is_pmf])
    last = first + demand.n_lead_times - 1
    is_large = (demand.mean * last > LARGEST_DEMAND) | (demand.variance * last > LARGEST_DEMAND**2)
    items.refuse(
        items.is_usable & is_large,
        f"demand over lead time and shelf life passes {LARGEST_DEMAND:g} units; count in larger units",
    )
    pmfs, position, demand_pmf = [], np.full(len(shelf_life), -1), items.objects("demand_pmf")
    for i in np.flatnonzero(is_pmf & expires & items.is_usable):
        pmf = mean_pmf(demand_pmf[i])
        if (len(pmf) - 1) * last[i] > LARGEST_TABLE:
            items.problems[i] = (
                f"demand_pmf reaches over {LARGEST_TABLE:g} units within lead time and shelf life; give such a "
                "demand as normal"
            )
            continue
        position[i] = len(pmfs)
        pmfs.append(lead_time_pmf(pmf, first[i], demand.n_lead_times[i]))
    return shelf_life, demand._replace(first_lead_time=first, lead_time_pmfs=pmfs, pmf_position=position)
