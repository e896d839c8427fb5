"""The same instances by the package stockpyl, where it has the same problem: how many times its time ours is, and
whether costs agree.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import ceil, floor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from invopt.policies.base import Policy
from invopt.policies.inputs.items import Items
from tests.perf.figure import Figure

HOW = (
    "stockpyl's CPU per instance in a loop over ours on the same instances, repeated until a call of the algorithm "
    "has as many "
    "items as elsewhere in this table; our parameters make the problem stockpyl's; orders are small in (s, Q) and "
    "(s, S), "
    "because its time there grows with the square of an order"
)
SAME, WHOLE = (
    1e-8,
    1e-6,
)  # relative; whole quantities of over 1,000 units differ less than this from stockpyl's real ones
PERIODS = 28


class Instance(NamedTuple):
    """One item, the call of stockpyl that solves it, and what its result says that our cost must be; None where the
    problems differ.
    """

    item: dict[str, Any]
    call: Callable[[], Any]
    cost: Callable[[Any], float | None]


class Peer(NamedTuple):
    """A function of stockpyl, the parameters with which our policy has its problem, and how to draw instances."""

    function: str
    params: dict[str, Any]
    draw: Callable[[np.random.Generator], Instance]
    tolerance: float = SAME


def beside_stockpyl(policy: Policy, n: int, batch: int) -> list[Figure]:
    """Two figures for each function of stockpyl that solves the policy's problem."""
    peers = _peers(policy.name)
    if not peers:
        return []
    try:
        import stockpyl  # noqa: F401 - asked for here, so that its absence is told once
    except ImportError:
        return [
            Figure(
                f"{policy.name}: instances compared with stockpyl",
                0,
                "",
                how="stockpyl is not installed: pip install stockpyl",
            )
        ]
    return [figure for peer in peers for figure in _beside(policy, peer, n, batch)]


def _beside(policy: Policy, peer: Peer, n: int, batch: int) -> list[Figure]:
    from tests.perf.policies import least_cpu

    rng = np.random.default_rng(3)
    instances = [peer.draw(rng) for _ in range(n)]
    instances[0].call()
    started = time.process_time()
    results = [instance.call() for instance in instances]
    theirs = (time.process_time() - started) / n
    items, params = _frame(policy, [instance.item for instance in instances]), policy.params(**peer.params)
    repeated = items.iloc[np.arange(max(n, batch)) % n].reset_index(drop=True)
    found = policy.algorithm(Items(repeated, policy.needs), params).cost[:n]
    ours = least_cpu(lambda: policy.algorithm(Items(repeated, policy.needs), params)) / len(repeated)
    wanted = [instance.cost(result) for instance, result in zip(instances, results, strict=True)]
    differences = [abs(cost - one) / abs(one) for cost, one in zip(found, wanted, strict=True) if one is not None]
    what = f"{policy.name} beside {peer.function}"
    return [
        Figure(f"{what}: its time over ours", theirs / ours, "times", how=HOW),
        Figure(f"{what}: its time", theirs * 1e6, "us"),
        Figure(
            f"{what}: largest difference of {len(differences)} costs, relative",
            max(differences, default=0.0),
            "",
            peer.tolerance,
        ),
    ]


def _frame(policy: Policy, items: list[dict[str, Any]]) -> pd.DataFrame:
    """The policy's input columns; what an instance doesn't say is NULL."""
    keys = {"location_id": [f"S{k}" for k in range(len(items))], "product_id": "P1", "source_id": "V1"}
    columns = {
        column.name: pd.Series(
            [item.get(column.name) for item in items], dtype=float if column.type == "double" else object
        )
        for column in policy.needs
    }
    return pd.DataFrame({**keys, **columns})


def _peers(name: str) -> list[Peer]:
    return {
        "s_q": [Peer("rq.r_q_poisson_exact", {"cost": "time_weighted"}, _s_q)],
        "s_s": [Peer("ss.s_s_discrete_exact", {}, _s_s)],
        "r_s": [Peer("newsvendor.newsvendor_poisson", {"longest_review_period": 1}, _r_s)],
        "newsvendor_budget": [
            Peer("newsvendor.newsvendor_poisson", {}, _newsvendor_poisson),
            Peer("newsvendor.newsvendor_normal", {}, _newsvendor_normal),
        ],
        "dynamic_lot_sizing": [Peer("wagner_whitin.wagner_whitin", {}, _wagner_whitin)],
        "eoq_budget": [
            Peer("eoq.economic_order_quantity", {}, _eoq, WHOLE),
            *(
                Peer(
                    f"eoq.economic_order_quantity_with_{discount}_discounts",
                    {"discount": discount, "holding": "with_price"},
                    lambda rng, discount=discount: _discount(rng, discount),
                    WHOLE,
                )
                for discount in ("all_units", "incremental")
            ),
        ],
    }.get(name, [])


def _stock_item(rng: np.random.Generator, lead_time: int, daily: float) -> dict[str, Any]:
    unit_cost = rng.uniform(1, 100)
    holding_cost = unit_cost * 0.25 / 365
    # for constant demand an order of 5..30 units
    fixed_order_cost = rng.uniform(5, 30) ** 2 * holding_cost / (2 * daily)
    return {
        "fixed_order_cost": fixed_order_cost,
        "holding_cost": holding_cost,
        "backorder_cost": unit_cost * rng.uniform(0.005, 0.05),
        "lead_time": float(lead_time),
        "lead_time_confidence": 0.0,
        "demand_distribution": "poisson",
        "demand_mean": np.full(PERIODS, daily),
    }


def _costs(item: dict[str, Any]) -> tuple[float, float, float]:
    return item["holding_cost"], item["backorder_cost"], item["fixed_order_cost"]


def _s_q(rng: np.random.Generator) -> Instance:
    from stockpyl.rq import r_q_poisson_exact

    lead_time = int(rng.integers(1, 15))
    daily = float(np.exp(rng.uniform(0, np.log(200)))) / lead_time
    item = _stock_item(rng, lead_time, daily)
    # stockpyl may let customers wait before it orders, with r < 0: another problem
    return Instance(
        item,
        lambda: r_q_poisson_exact(*_costs(item), daily, lead_time),
        lambda found: found[2] if found[0] >= 0 else None,
    )


def _s_s(rng: np.random.Generator) -> Instance:
    from stockpyl.ss import s_s_discrete_exact

    daily = float(np.exp(rng.uniform(0, np.log(50))))
    item = _stock_item(rng, 0, daily)
    return Instance(
        item, lambda: s_s_discrete_exact(*_costs(item), True, daily), lambda found: found[2] if found[0] >= 0 else None
    )


def _r_s(rng: np.random.Generator) -> Instance:
    """A review every day that costs nothing: the newsvendor over lead time and a day."""
    from stockpyl.newsvendor import newsvendor_poisson

    lead_time = int(rng.integers(1, 15))
    daily = float(np.exp(rng.uniform(0, np.log(200)))) / lead_time
    item = {**_stock_item(rng, lead_time, daily), "fixed_order_cost": 0.0}
    return Instance(
        item, lambda: newsvendor_poisson(*_costs(item)[:2], daily * (lead_time + 1)), lambda found: found[1]
    )


def _newsvendor_item(rng: np.random.Generator, daily: float) -> dict[str, Any]:
    unit_cost = rng.uniform(1, 100)
    lost_sale_cost = unit_cost * rng.uniform(0.2, 4)
    return {
        "unit_cost": unit_cost,
        "disposal_cost": unit_cost * rng.uniform(0, 0.3),
        "lost_sale_cost": lost_sale_cost,
        "list_price": unit_cost + lost_sale_cost,
        "lead_time": 0.0,
        "lead_time_confidence": 0.0,
        "demand_distribution": "poisson",
        "demand_mean": np.full(PERIODS, daily),
    }


def _newsvendor_poisson(rng: np.random.Generator) -> Instance:
    from stockpyl.newsvendor import newsvendor_poisson

    daily = float(np.exp(rng.uniform(0, np.log(200))))
    item = _newsvendor_item(rng, daily)
    overage = item["unit_cost"] + item["disposal_cost"]
    return Instance(item, lambda: newsvendor_poisson(overage, item["lost_sale_cost"], daily), lambda found: found[1])


def _newsvendor_normal(rng: np.random.Generator) -> Instance:
    from stockpyl.newsvendor import newsvendor_normal

    daily, std = float(rng.uniform(50, 200)), float(rng.uniform(5, 12))
    item = {
        **_newsvendor_item(rng, daily),
        "demand_distribution": "normal",
        "demand_variance": np.full(PERIODS, std**2),
    }
    given = (item["unit_cost"] + item["disposal_cost"], item["lost_sale_cost"], daily, std)

    def whole(found: tuple[float, float]) -> float:
        """The cost is convex, so the best whole level is beside the best real one."""
        return min(newsvendor_normal(*given, base_stock_level=level)[1] for level in (floor(found[0]), ceil(found[0])))

    return Instance(item, lambda: newsvendor_normal(*given), whole)


def _wagner_whitin(rng: np.random.Generator) -> Instance:
    from stockpyl.wagner_whitin import wagner_whitin

    demand = rng.poisson(np.exp(rng.uniform(0, np.log(50))) * rng.uniform(0.5, 1.5, PERIODS)).astype(float)
    demand[-1] += 1  # there is some
    unit_cost, holding_cost = rng.uniform(1, 100), rng.uniform(0.01, 1)
    fixed_order_cost = rng.uniform(1, 30) ** 2 * demand.mean() * holding_cost / 2
    item = {
        "fixed_order_cost": np.array([fixed_order_cost]),
        "holding_cost": np.array([holding_cost]),
        "unit_cost": np.array([unit_cost]),
        "inventory_position": 0.0,
        "scheduled_receipts": None,
        "lead_time": 0.0,
        "demand_mean": demand,
    }
    given = demand.tolist()
    return Instance(
        item,
        lambda: wagner_whitin(PERIODS, holding_cost, fixed_order_cost, given, unit_cost),
        lambda found: found[1] / PERIODS,
    )


def _eoq_item(rng: np.random.Generator) -> tuple[dict[str, Any], float]:
    """An item whose best order is of some thousand units, and its demand."""
    daily, unit_cost = float(rng.uniform(10, 1000)), float(rng.uniform(1, 100))
    holding_cost = unit_cost * 0.25 / 365
    return {
        "storage_id": "1",
        "fixed_order_cost": rng.uniform(2000, 9000) ** 2 * holding_cost / (2 * daily),
        "holding_cost": holding_cost,
        "unit_cost": unit_cost,
        "lead_time": 1.0,
        "demand_mean": np.full(PERIODS, daily),
    }, daily


def _eoq(rng: np.random.Generator) -> Instance:
    from stockpyl.eoq import economic_order_quantity

    item, daily = _eoq_item(rng)
    return Instance(
        item,
        lambda: economic_order_quantity(item["fixed_order_cost"], item["holding_cost"], daily),
        lambda found: found[1],
    )


def _discount(rng: np.random.Generator, kind: str) -> Instance:
    from stockpyl import eoq

    item, daily = _eoq_item(rng)
    breaks = np.sort(rng.choice(np.arange(1000, 9000), 2, replace=False)).astype(float)
    costs = item["unit_cost"] * np.cumprod(rng.uniform(0.98, 1.0, 2))
    item |= {"price_break_quantity": breaks, "price_break_cost": costs}
    solve = getattr(eoq, f"economic_order_quantity_with_{kind}_discounts")
    given = (
        item["fixed_order_cost"],
        item["holding_cost"] / item["unit_cost"],
        daily,
        [0.0, *breaks.tolist()],
        [item["unit_cost"], *costs.tolist()],
    )
    return Instance(item, lambda: solve(*given), lambda found: found[2])
