"""What happened in some stores: demand, sales, expiry, orders and deliveries, day by day, all items at once.

One day, as in the technical guide's simulator:

    morning   deliveries arrive:            stock += received
    day       demand is drawn, what is there is sold, oldest lot first: sold = min(demand, stock); the rest is lost
    closing   the lot that expires before the next opening is thrown away: stock -= spoiled
    midnight  where stock + on order <= reorder point, and the supplier's review period has passed, order up to the level

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
# the supplier that is held up at the end: this share of what it should have brought in these last days has not come
HELD_UP_SHARE, HELD_UP_DAYS = 0.5, 3


@dataclass(frozen=True)
class Lots:
    """What is in stock at a day's end, one entry per lot: positions of store and product, expiry day (`NEVER` if it
    keeps), units.
    """

    store: np.ndarray
    product: np.ndarray
    expiry_day: np.ndarray
    units: np.ndarray


@dataclass(frozen=True)
class PlacedOrders:
    """One entry per order; days are numbers from the first day; `arrival_day` >= the number of days if it has not
    come yet.
    """

    store: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    order_day: np.ndarray
    due_day: np.ndarray
    arrival_day: np.ndarray


@dataclass(frozen=True)
class History:
    """(n_days, n_stores, n_products) units each, except `opening` (n_stores, n_products); `lots` by day, for the
    days asked for.
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
    """(n_stores, n_products) units asked for on one day, by the law of each product (see `chain.py`)."""
    mean = mean_demand_on(chain, assortment, weekday)
    over = np.flatnonzero(chain.products.dispersion > 1)
    excess = chain.products.dispersion[over] - 1
    # a Poisson whose mean is gamma distributed is negative binomial
    mean[:, over] = rng.gamma(mean[:, over] / excess, excess)
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

    lot_days : the days whose lots are kept (all, when None): a large world needs the last few only.
    """
    lot_days = range(n_days) if lot_days is None else lot_days
    shape = assortment.demand_mean.shape
    items = assortment
    cells = (n_days, *shape)
    demand, received, sold, spoiled, closing = (np.zeros(cells, dtype=np.int32) for _ in range(5))
    spread = items.order_up_to_level - items.reorder_point
    opening = items.reorder_point + np.ceil(rng.random(shape) * spread).astype(np.int64)
    # nothing is on its way yet; of fresh goods half of what would be is left out, or the first days would throw it away
    fresh = (chain.products.shelf_life > 0)[None, :]
    opening = np.where(
        fresh, np.ceil(np.maximum(opening - 0.5 * items.demand_mean * items.lead_time, 1)), opening
    ).astype(np.int64)
    stock, on_order = opening.copy(), np.zeros(shape, dtype=np.int64)
    last_order = np.full(shape, -100)
    # ages[L] = (columns of the products that keep L days, (L, n_stores, n_columns) units; [0] expires tonight)
    ages = {}
    for life in np.unique(chain.products.shelf_life[chain.products.shelf_life > 0]):
        columns = np.flatnonzero(chain.products.shelf_life == life)
        stacked = np.zeros((life, len(stock), len(columns)), dtype=np.int32)
        age = rng.integers(life // 2, life, stacked.shape[1:])
        np.put_along_axis(stacked, age[None], opening[None, :, columns].astype(np.int32), axis=0)
        ages[int(life)] = (columns, stacked)
    longest = int(items.lead_time.max()) + 1 + max(MAX_DAYS_LATE, HELD_UP_DAYS + MAX_DAYS_LATE) + 2
    arriving = np.zeros((longest, *shape), dtype=np.int32)
    nothing = np.zeros(0, dtype=np.int64)
    placed: list[tuple[np.ndarray, ...]] = [(nothing,) * 6]
    lots: dict[int, Lots] = {}

    for day in range(n_days):
        arrived = arriving[day % longest]
        received[day] = arrived
        stock += arrived
        on_order -= arrived
        demand[day] = draw_demand(chain, items, (first_weekday + day) % 7, rng)
        sold[day] = np.minimum(demand[day], stock)
        stock -= sold[day]
        for life, (columns, stacked) in ages.items():
            stacked[-1] += arrived[:, columns]
            older = np.cumsum(stacked, axis=0, dtype=np.int32) - stacked
            stacked -= np.clip(sold[day][None, :, columns] - older, 0, stacked)
            spoiled[day][:, columns] = stacked[0]
            stacked = np.concatenate([stacked[1:], np.zeros_like(stacked[:1])])
            ages[life] = (columns, stacked)
        stock -= spoiled[day]
        closing[day] = stock
        arriving[day % longest] = 0
        if day in lot_days:
            lots[day] = _lots_at_close(day, stock, ages, chain.products.shelf_life)
        if day == n_days - 1:
            # the midnight after the last day is the first one that is for a policy to decide
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


def _lots_at_close(
    day: int, stock: np.ndarray, ages: dict[int, tuple[np.ndarray, np.ndarray]], shelf_life: np.ndarray
) -> Lots:
    """Lots in stock after the closing of `day`, by store, product, expiry; after the shift [0] is sold tomorrow for
    the last time.
    """
    keeps = np.flatnonzero(shelf_life == 0)
    store, column = np.nonzero(stock[:, keeps])
    parts = [(store, keeps[column], np.full(len(store), NEVER, dtype=np.int64), stock[store, keeps[column]])]
    for columns, stacked in ages.values():
        age, store, column = np.nonzero(stacked)
        parts.append((store, columns[column], day + 2 + age, stacked[age, store, column]))
    store, product, expiry_day, units = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((expiry_day, product, store))
    return Lots(store[order], product[order], expiry_day[order], units[order])
