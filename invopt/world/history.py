"""The history of some stores: demand, sales, expiry, orders and deliveries, day by day, all items at once.

One day, as in the technical guide's simulator:

    morning   deliveries arrive:                                             stock += received
    day       demand is drawn and sold, oldest lot first; the rest is lost:  sold = min(demand, stock)
    closing   the lot that expires before the next opening is thrown away:   stock -= spoiled
    midnight  an item with stock + on order <= reorder point is ordered up to its level, if the supplier's review
              period has passed

A lot that arrives on the morning of day a with a shelf life of L days is sold on days a .. a+L-1. Products that keep
have one lot. Days are numbered from 0; an order of the midnight that ends day d has order day d+1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from invopt.world.assortment import Assortment
from invopt.world.chain import WEEKDAY_PATTERN, Chain

# expiry day of the products that keep
NEVER = np.iinfo(np.int32).max
# an ordinary delivery that slips
LATE_SHARE, MAX_DAYS_LATE = 0.02, 4
# the held-up supplier has not brought this share of its deliveries that were due in these last days
HELD_UP_SHARE, HELD_UP_DAYS = 0.5, 3

# shelf life L -> (columns of the products that keep L days, (L, n_stores, n_columns) units; [0] expires tonight)
_Ages = dict[int, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Lots:
    """The stock at a day's end, one entry per lot: positions of store and product, expiry day (`NEVER` if it keeps),
    units.
    """

    store: np.ndarray
    product: np.ndarray
    expiry_day: np.ndarray
    units: np.ndarray


@dataclass(frozen=True)
class PlacedOrders:
    """One entry per order; days are numbered from the first day; an order that has not come yet has an `arrival_day`
    >= the number of days.
    """

    store: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    order_day: np.ndarray
    due_day: np.ndarray
    arrival_day: np.ndarray


@dataclass(frozen=True)
class History:
    """(n_days, n_stores, n_products) arrays, units; `opening` is (n_stores, n_products); `lots` has the days of
    `lot_days`.
    """

    opening: np.ndarray
    demand: np.ndarray
    received: np.ndarray
    sold: np.ndarray
    spoiled: np.ndarray
    closing: np.ndarray
    lots: dict[int, Lots]
    orders: PlacedOrders


def mean_demand_on(chain: Chain, assortment: Assortment, weekday: int) -> np.ndarray:
    """(n_stores, n_products) true mean demand of a day; `weekday` 0 is Monday."""
    return assortment.demand_mean * WEEKDAY_PATTERN[chain.products.department, weekday][None, :]


def draw_demand(chain: Chain, assortment: Assortment, weekday: int, rng: np.random.Generator) -> np.ndarray:
    """(n_stores, n_products) demand of one day, units, by the law of each product (see `chain.py`)."""
    mean = mean_demand_on(chain, assortment, weekday)
    overdispersed = np.flatnonzero(chain.products.dispersion > 1)
    excess = chain.products.dispersion[overdispersed] - 1
    # a Poisson whose mean is gamma distributed is negative binomial
    mean[:, overdispersed] = rng.gamma(mean[:, overdispersed] / excess, excess)
    lumpy = np.flatnonzero(chain.products.zero_share > 0)
    zero_share = chain.products.zero_share[lumpy]
    mean[:, lumpy] *= (rng.random((len(mean), len(lumpy))) >= zero_share) / (1 - zero_share)
    return rng.poisson(mean)


def simulate(
    chain: Chain,
    assortment: Assortment,
    *,
    n_days: int,
    first_weekday: int,
    rng: np.random.Generator,
    lot_days: range | None = None,
) -> History:
    """The history of these stores under their plain rule.

    lot_days : the days whose lots are recorded (all, when None): a large world needs only the last.
    """
    lot_days = range(n_days) if lot_days is None else lot_days
    items, shape = assortment, assortment.demand_mean.shape
    demand, received, sold, spoiled, closing = (np.zeros((n_days, *shape), dtype=np.int32) for _ in range(5))
    opening = _opening_stock(chain, items, rng)
    stock, on_order = opening.copy(), np.zeros(shape, dtype=np.int64)
    ages = _opening_ages(opening, chain.products.shelf_life, rng)
    last_order = np.full(shape, -100)
    longest = int(items.lead_time.max()) + 1 + max(MAX_DAYS_LATE, HELD_UP_DAYS + MAX_DAYS_LATE) + 2
    arriving = np.zeros((longest, *shape), dtype=np.int32)
    placed: list[tuple[np.ndarray, ...]] = [(np.zeros(0, dtype=np.int64),) * 6]
    lots: dict[int, Lots] = {}

    for day in range(n_days):
        arrived = arriving[day % longest]
        received[day] = arrived
        stock += arrived
        on_order -= arrived
        demand[day] = draw_demand(chain, items, (first_weekday + day) % 7, rng)
        sold[day] = np.minimum(demand[day], stock)
        stock -= sold[day]
        spoiled[day] = _expired(ages, arrived, sold[day])
        stock -= spoiled[day]
        closing[day] = stock
        arriving[day % longest] = 0
        if day in lot_days:
            lots[day] = _lots_at_close(day, stock, ages, chain.products.shelf_life)
        if day == n_days - 1:
            # a policy decides from the midnight after the last day on
            break
        orders = _place_orders(chain, items, day + 1, n_days, stock + on_order, last_order, rng)
        store, product, quantity, _, _, arrival_day = orders
        arriving[arrival_day % longest, store, product] += quantity.astype(np.int32)
        on_order[store, product] += quantity
        last_order[store, product] = day + 1
        placed.append(orders)
    return History(
        opening,
        demand,
        received,
        sold,
        spoiled,
        closing,
        lots,
        PlacedOrders(*(np.concatenate(column) for column in zip(*placed, strict=True))),
    )


def _opening_stock(chain: Chain, items: Assortment, rng: np.random.Generator) -> np.ndarray:
    """(n_stores, n_products) units before the first day, between the reorder point and the order-up-to level.

    Nothing is on its way yet. Fresh goods start with half of the lead time's demand less, or the first days would throw
    it away.
    """
    above = np.ceil(rng.random(items.demand_mean.shape) * (items.order_up_to_level - items.reorder_point))
    opening = items.reorder_point + above.astype(np.int64)
    less = np.ceil(np.maximum(opening - 0.5 * items.demand_mean * items.lead_time, 1))
    return np.where((chain.products.shelf_life > 0)[None, :], less, opening).astype(np.int64)


def _opening_ages(opening: np.ndarray, shelf_life: np.ndarray, rng: np.random.Generator) -> _Ages:
    """The opening stock by age; each item's is one lot."""
    ages = {}
    for life in np.unique(shelf_life[shelf_life > 0]):
        columns = np.flatnonzero(shelf_life == life)
        units = np.zeros((life, len(opening), len(columns)), dtype=np.int32)
        age = rng.integers(life // 2, life, units.shape[1:])
        np.put_along_axis(units, age[None], opening[None, :, columns].astype(np.int32), axis=0)
        ages[int(life)] = (columns, units)
    return ages


def _expired(ages: _Ages, arrived: np.ndarray, sold: np.ndarray) -> np.ndarray:
    """(n_stores, n_products) units that expire on a day; `ages` becomes that of the next morning."""
    expired = np.zeros_like(sold)
    for life, (columns, units) in ages.items():
        units[-1] += arrived[:, columns]
        older = np.cumsum(units, axis=0, dtype=np.int32) - units
        units -= np.clip(sold[None, :, columns] - older, 0, units)
        expired[:, columns] = units[0]
        ages[life] = (columns, np.concatenate([units[1:], np.zeros_like(units[:1])]))
    return expired


def _place_orders(
    chain: Chain,
    items: Assortment,
    order_day: int,
    n_days: int,
    position: np.ndarray,
    last_order: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, ...]:
    """The orders of one midnight: (store, product, quantity, order day, due day, arrival day)."""
    store, product = np.nonzero((position <= items.reorder_point) & (order_day - last_order >= items.review_period))
    case = items.quantity_multiple[store, product]
    wanted = np.maximum(
        items.order_up_to_level[store, product] - position[store, product], items.min_order_quantity[store, product]
    )
    quantity = np.minimum(-(-wanted // case) * case, items.max_order_quantity[store, product])
    due_day = order_day + items.lead_time[store, product]
    n = len(store)
    interval = items.lead_time_interval[store, product]
    slip = rng.integers(-1, 2, n) * interval + (rng.random(n) < LATE_SHARE) * rng.integers(1, MAX_DAYS_LATE + 1, n)
    # a delivery needs at least one night
    arrival_day = np.maximum(due_day + slip, order_day + 1)
    held_up = (
        (items.supplier[store, product] == chain.held_up_supplier)
        & (due_day >= n_days - HELD_UP_DAYS)
        & (due_day < n_days)
        & (rng.random(n) < HELD_UP_SHARE)
    )
    arrival_day = np.where(held_up, n_days + rng.integers(0, MAX_DAYS_LATE, n), arrival_day)
    return store, product, quantity, np.full(n, order_day), due_day, arrival_day


def _lots_at_close(day: int, stock: np.ndarray, ages: _Ages, shelf_life: np.ndarray) -> Lots:
    """Lots in stock after the closing of `day`, by store, product and expiry; the lot of age 0 is sold tomorrow for the
    last time.
    """
    keeps = np.flatnonzero(shelf_life == 0)
    store, column = np.nonzero(stock[:, keeps])
    parts = [(store, keeps[column], np.full(len(store), NEVER, dtype=np.int64), stock[store, keeps[column]])]
    for columns, by_age in ages.values():
        age, store, column = np.nonzero(by_age)
        parts.append((store, columns[column], day + 2 + age, by_age[age, store, column]))
    store, product, expiry_day, units = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((expiry_day, product, store))
    return Lots(store[order], product[order], expiry_day[order], units[order])
