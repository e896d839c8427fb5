"""From the column service_level to the share of demand, or of cycles, that may be missed."""

from __future__ import annotations

import numpy as np

from invopt.policies.inputs.items import Items


def service_shares(service: str, items: Items) -> np.ndarray:
    """The share that may be missed, 1 - service_level, (n,); 1 where an item asks for nothing.

    An item with a level that nothing can give is refused. `theory/s_q/search_cycle_service.py` defines the services.

    service : none, cycle or fill_rate; the column has fractions                                      [alpha, beta]

    >>> import pandas as pd
    >>> items = Items(pd.DataFrame({"service_level": [0.75, None, 95]}), [])
    >>> service_shares("cycle", items), items.problems[2]
    (array([0.25, 1.  , 1.  ]), 'service_level is 95.0, must be a fraction: 0.95 for 95 percent')
    """
    level = items.numbers("service_level")
    asked = np.zeros(len(level)) if service == "none" else np.where(np.isnan(level), 0.0, level)
    for i in np.flatnonzero((asked > 1) & (asked <= 100)):
        items.refuse(
            np.arange(len(level)) == i,
            f"service_level is {asked[i]}, must be a fraction: {asked[i] / 100:g} for {asked[i]:g} percent",
        )
    items.refuse(
        asked == 1,
        "service_level is 1, which no finite stock gives when demand has no upper limit; ask for less, such as 0.999",
    )
    items.refuse((asked < 0) | (asked > 100), "service_level is {value}, must be 0 or more and below 1", asked)
    return np.where((asked >= 0) & (asked < 1), 1.0 - asked, 1.0)
