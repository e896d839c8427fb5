"""Items whose order of the cycle somebody has acted on: it stays as it is, and no second order is added to it.

That order is in the inventory position, so what is wanted is what would come on top of it. The difference is told.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from invopt.ordering.ledger import post
from invopt.ordering.review_columns import ACTED_ON, BLOCKED, NOTHING_WANTED, ORDERED


def hold_acted_on(lines: pd.DataFrame) -> pd.DataFrame:
    """The pass: lines with `acted_on_units`, which are not NULL where an order of the cycle was acted on.

    A line that would be ordered is blocked, and its ledger takes the units back; `detail` names the order that stays.

    >>> line = {"outcome": "ordered", "because": "policy", "detail": None, "quantity": 12.0,
    ...         "acted_on_order": "1a2b3c4d", "acted_on_units": 48.0}
    >>> held = hold_acted_on(pd.DataFrame([line]).assign(ledger=[[("policy", 12.0, None, None)]])).loc[0]
    >>> held["outcome"], held["because"], held["quantity"], held["ledger"][-1]
    ('blocked', 'acted_on', np.float64(0.0), ('acted_on', -12.0, 48.0, None))
    >>> held["detail"]
    'order 1a2b3c4d of 48 units was acted on and stays as it is, 12 more would be ordered'
    """
    units = lines["acted_on_units"].to_numpy(float, na_value=np.nan)
    is_acted_on = ~np.isnan(units)
    if not is_acted_on.any():
        return lines
    before, outcome = lines["quantity"].to_numpy(float), lines["outcome"].to_numpy(object)
    is_held = is_acted_on & (outcome == ORDERED)
    after = np.where(is_held, 0.0, before)
    ledgers = post(lines["ledger"].to_numpy(object), ACTED_ON, before, after, units)
    details = lines["detail"].to_numpy(object).copy()
    for i in np.flatnonzero(is_held | (is_acted_on & (outcome == NOTHING_WANTED))).tolist():
        stays = f"order {lines['acted_on_order'].iat[i]} of {units[i]:g} units was acted on and stays as it is"
        more = f", {before[i]:g} more would be ordered" if is_held[i] else ""
        details[i] = "; ".join(text for text in (details[i], stays + more) if isinstance(text, str))
    return lines.assign(
        quantity=after,
        outcome=np.where(is_held, BLOCKED, outcome),
        because=np.where(is_held, ACTED_ON, lines["because"].to_numpy(object)),
        detail=pd.Series(details, index=lines.index, dtype=object),
        ledger=pd.Series(ledgers, index=lines.index),
    )
