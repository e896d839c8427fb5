"""The items of some stores: each product's costs, lead time, supplier's rules and room in each store.

Every array is (n_stores, n_products). The costs make a reorder point and an order size worth finding: holding a unit
costs 0.1..0.5 % of its cost per day, losing a sale about its margin, ordering 1.5..12.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from invopt.world.chain import STORAGES, Chain

SERVICE_LEVELS = np.array([0.90, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99])
# the share of items that a store buys elsewhere than most stores do
OTHER_SUPPLIER_SHARE = 0.15
# the days of demand that the stores' own replenishment buys at once
COVER_DAYS = 7


@dataclass(frozen=True)
class Assortment:
    """The items of `stores` (positions in the chain); times in days, quantities in units; a unit sells for `price`.

    `reorder_point` and `order_up_to_level` are the stores' own plain rule, which made the history and need not be good.
    `storage_volume` and `storage_budget` are (n_stores, n_storages).
    """

    stores: np.ndarray
    demand_mean: np.ndarray
    supplier: np.ndarray
    lead_time: np.ndarray
    lead_time_interval: np.ndarray
    review_period: np.ndarray
    min_order_quantity: np.ndarray
    max_order_quantity: np.ndarray
    quantity_multiple: np.ndarray
    unit_cost: np.ndarray
    msrp: np.ndarray
    price: np.ndarray
    holding_cost: np.ndarray
    lost_sale_cost: np.ndarray
    backorder_cost: np.ndarray
    disposal_cost: np.ndarray
    unit_shipping_cost: np.ndarray
    service_level: np.ndarray
    min_inventory: np.ndarray
    max_inventory: np.ndarray
    reorder_point: np.ndarray
    order_up_to_level: np.ndarray
    storage_volume: np.ndarray
    storage_budget: np.ndarray


class _Terms(NamedTuple):
    """The suppliers' terms, with the names of `Assortment`."""

    supplier: np.ndarray
    lead_time: np.ndarray
    review_period: np.ndarray
    min_order_quantity: np.ndarray
    max_order_quantity: np.ndarray
    quantity_multiple: np.ndarray


class _Rule(NamedTuple):
    """The stores' plain rule, with the names of `Assortment`."""

    service_level: np.ndarray
    reorder_point: np.ndarray
    order_up_to_level: np.ndarray


def make_assortment(chain: Chain, stores: np.ndarray, rng: np.random.Generator) -> Assortment:
    """The items of these stores (positions in the chain), drawn from this generator."""
    products, suppliers = chain.products, chain.suppliers
    shape = (len(stores), len(products.product_id))
    shelf_life = np.where(products.shelf_life > 0, products.shelf_life, 10_000)[None, :]
    size = chain.stores.size[stores][:, None]
    demand_mean = np.maximum(products.demand_mean * size * rng.lognormal(0.0, 0.15, shape), 0.02)
    terms = _terms(chain, demand_mean, shelf_life, rng)
    unit_cost = np.maximum((products.unit_cost * rng.uniform(0.97, 1.03, shape)).round(2), 0.5)
    msrp = (unit_cost * products.markup).round(2) + 0.01
    margin = msrp - unit_cost
    holding_cost = np.maximum(unit_cost * products.holding_rate, 0.0001).round(5)
    rule = _plain_rule(chain, demand_mean, shelf_life, terms.lead_time + terms.review_period, rng)

    # the stock that an unhurried order size would reach, no more of it than sells in time
    eoq = np.sqrt(2 * suppliers.fixed_order_cost[terms.supplier] * demand_mean / holding_cost)
    in_time = np.minimum(eoq, demand_mean * shelf_life * 0.5)
    unhurried = np.maximum(rule.order_up_to_level, rule.reorder_point + in_time)
    max_inventory = np.ceil(np.maximum(rule.order_up_to_level, unhurried * rng.uniform(0.7, 3.0, shape)))

    def by_storage(value: np.ndarray, low: float, high: float) -> np.ndarray:
        storages = range(len(STORAGES))
        total = np.stack([value[:, products.department == storage].sum(axis=1) for storage in storages], axis=1)
        return np.maximum((total * rng.uniform(low, high, total.shape)).round(2), 0.01)

    # the generator's numbers are drawn in the order of these lines: another order makes another chain
    return Assortment(
        stores=np.asarray(stores),
        demand_mean=demand_mean,
        lead_time_interval=(rng.random(shape) < 0.15).astype(np.int64),
        unit_cost=unit_cost,
        msrp=msrp.round(2),
        price=np.maximum((unit_cost + 0.8 * margin).round(2), unit_cost),
        holding_cost=holding_cost,
        lost_sale_cost=(margin * rng.uniform(0.9, 1.2, shape)).round(4),
        backorder_cost=(margin * rng.uniform(0.3, 1.0, shape)).round(4),
        disposal_cost=(unit_cost * rng.uniform(0.05, 0.2, shape)).round(4),
        unit_shipping_cost=(unit_cost * rng.uniform(0.002, 0.02, shape)).round(4),
        min_inventory=np.floor(demand_mean * 0.5 * rng.random(shape)).astype(np.int64),
        max_inventory=max_inventory.astype(np.int64) + 12,
        # the plain rule always has room, unhurried orders of everything not always; the budget is around their cost
        storage_volume=np.maximum(
            by_storage(products.volume * unhurried, 0.5, 1.4),
            by_storage(products.volume * rule.order_up_to_level, 1.0, 1.0),
        ),
        storage_budget=by_storage(holding_cost * eoq / 2, 0.6, 1.5),
        **terms._asdict(),
        **rule._asdict(),
    )


def _terms(chain: Chain, demand_mean: np.ndarray, shelf_life: np.ndarray, rng: np.random.Generator) -> _Terms:
    """The supplier of each item and its rules."""
    suppliers, shape = chain.suppliers, demand_mean.shape
    supplier = np.broadcast_to(chain.products.supplier, shape).copy()
    elsewhere = rng.random(shape) < OTHER_SUPPLIER_SHARE
    supplier[elsewhere] = rng.integers(0, len(suppliers.source_id), int(elsewhere.sum()))
    longest = np.where(shelf_life <= 7, 2, 7)
    lead_time = np.minimum(suppliers.lead_time[supplier] + rng.integers(0, 3, shape), longest)
    review_period = np.minimum(suppliers.review_period[supplier], np.maximum(1, shelf_life // 3))

    # a minimum or a case larger than what sells in time would only make waste
    in_time = np.maximum(1, np.floor(demand_mean * np.minimum(14, shelf_life * 0.4))).astype(np.int64)
    case = rng.choice(np.array([1, 1, 1, 2, 4, 6, 12]), shape)
    case = np.where(case <= in_time, case, 1)
    minimum = np.minimum(rng.integers(1, 11, shape), in_time)
    maximum = (np.ceil((demand_mean * 60 + 500) / case) * case).astype(np.int64)
    return _Terms(supplier, lead_time, review_period, minimum, maximum, case)


def _plain_rule(
    chain: Chain, demand_mean: np.ndarray, shelf_life: np.ndarray, protection: np.ndarray, rng: np.random.Generator
) -> _Rule:
    """The stores' rule; `protection` is lead time + review period, days."""
    level = rng.integers(0, len(SERVICE_LEVELS), demand_mean.shape)
    safety_factor = np.array([NormalDist().inv_cdf(p) for p in SERVICE_LEVELS])[level]
    std = np.sqrt(demand_mean * chain.products.dispersion * protection)
    reorder_point = np.ceil(demand_mean * protection + safety_factor * std)
    # the stores' rule is a habit, not a calculation: often too low, sometimes too high
    reorder_point = np.ceil(reorder_point * rng.uniform(0.3, 1.2, demand_mean.shape))
    cover = np.minimum(COVER_DAYS, np.maximum(1.0, shelf_life * 0.4))
    order_up_to_level = np.ceil(reorder_point + np.maximum(demand_mean * cover, 1.0))
    return _Rule(SERVICE_LEVELS[level], reorder_point.astype(np.int64), order_up_to_level.astype(np.int64))
