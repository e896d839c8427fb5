"""The newsvendor's cost along whole levels s, as the convex pieces of `theory/budget/cost.py`.

    f(s) = o E(s - X)^+ + u E(X - s)^+ = -o E X + o s + (o + u) n(s)            n the loss function of X

X is the demand that an order has to meet. Source: Snyder & Shen (2019), section 4.3.
"""

from __future__ import annotations

import numpy as np

from invopt.theory.budget.cost import CONSTANT, HIGH, LOW, SCALE, SLOPE
from invopt.theory.budget.loss_pieces import loss_pieces
from invopt.theory.demand.item_demand import ItemDemand
from invopt.theory.newsvendor.search import lowest_levels


def newsvendor_pieces(
    demand: ItemDemand,
    chosen: np.ndarray,
    overage: np.ndarray,
    underage: np.ndarray,
    least_saving: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(pieces, tables, E X) of the chosen items, a piece each, from a level of 0 on.

    Parameters
    ----------
    chosen : (n,) bool, the items of `demand` that are taken
    overage, underage : (k,) arrays over the chosen items, money/unit                        [o, u]
    least_saving : as in `loss_pieces`; None for whole tables
    """
    pieces, tables, mean = loss_pieces(
        **demand.arrays_of(chosen), lead_time_pmfs=demand.pmfs_of(chosen), least_saving=least_saving
    )
    pieces[:, CONSTANT], pieces[:, SLOPE], pieces[:, SCALE] = -overage * mean, overage, overage + underage
    return pieces, tables, mean


def wanted_pieces(
    demand: ItemDemand,
    chosen: np.ndarray,
    overage: np.ndarray,
    underage: np.ndarray,
    service: str,
    service_level: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(pieces, tables) as `newsvendor_pieces`, over the levels that can be best: from what the service asks for on.

    Their tables end where no more is wanted. service, service_level : as in `lowest_levels`
    """
    # no s is wanted above the fractile and the service; only the whole table tells where a fill rate ends
    least_saving = np.zeros(len(overage))
    if service != "fill_rate":
        least_saving = overage / np.maximum(overage + underage, 1e-300)
    if service == "cycle":
        least_saving = np.fmin(least_saving, 1 - service_level)
    pieces, tables, mean = newsvendor_pieces(demand, chosen, overage, underage, least_saving)
    pieces[:, LOW] = lowest_levels(service, service_level, pieces, tables, mean)
    pieces[:, HIGH] = np.maximum(pieces[:, HIGH], pieces[:, LOW])
    return pieces, tables
