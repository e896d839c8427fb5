"""The probabilities of a single day's demand, for policies that count day by day."""

from __future__ import annotations

import numpy as np

from invopt.policies.inputs.items import Items
from invopt.theory.demand.codes import PMF
from invopt.theory.demand.distributions import mean_pmf


def day_pmfs(items: Items, form: np.ndarray) -> list[np.ndarray]:
    """P(demand of a day = x) of each item, averaged over its periods; empty for other forms and for refused items.

    form : (n,) array of codes, as in `ItemDemand`
    """
    pmfs = [np.zeros(0)] * len(items)
    demand_pmf = items.objects("demand_pmf")
    for i in np.flatnonzero((form == PMF) & items.is_usable):
        pmfs[i] = mean_pmf(demand_pmf[i])
    return pmfs
