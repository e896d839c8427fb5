"""From columns to the volume that the items of a partition share each day; an item that can't be planned is refused."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from invopt.policies.inputs.items import Items
from invopt.policies.inputs.lot_sizing import LotSizingInputs, lot_sizing_inputs
from invopt.tables.columns import Column
from invopt.theory.lot_sizing.overtime_price import usual_overtime_price

CAPACITY_COLUMNS = (
    Column("unit_volume", "double", "volume/unit", "volume of a unit; NULL is 1", minimum=0, default=1.0),
    Column(
        "setup_volume",
        "double",
        "volume/order",
        "volume an order of the item takes up whatever its size; NULL is 0",
        minimum=0,
        default=0.0,
    ),
    Column(
        "max_shipping_volume",
        "double",
        "volume/day",
        "volume the source ships to the location in a day, the same in all rows of a partition; NULL is no limit",
        minimum=0,
    ),
)


class SharedCapacity(NamedTuple):
    """The limits that the items of a partition share, with each item's volumes; m partitions, n items.

    unit_volume, setup_volume : (n,) arrays, volume
    capacity : (m,) array, volume/period; infinite where there is no limit
    overtime_price : (m,) array, money/volume
    n_periods : (m,) array of int: the longest plan of the partition's items
    """

    unit_volume: np.ndarray
    setup_volume: np.ndarray
    capacity: np.ndarray
    overtime_price: np.ndarray
    n_periods: np.ndarray


def shared_capacity_inputs(items: Items, overtime_price: float | None) -> tuple[LotSizingInputs, SharedCapacity]:
    """The columns as arrays; all plans of a partition are as long as its longest.

    overtime_price : money/volume; None for `usual_overtime_price`
    """
    cells = items.objects("demand_mean")
    lengths = np.fromiter((len(cell) if hasattr(cell, "__len__") else 0 for cell in cells), np.int64, len(cells))
    n_periods = np.maximum.reduceat(lengths, items.offsets[:-1])
    inputs = lot_sizing_inputs(items, np.repeat(n_periods, items.sizes))
    unit_volume, setup_volume = items.numbers_of("unit_volume", "setup_volume")
    if overtime_price is None:
        costs = inputs.fixed_order_cost, inputs.unit_cost, inputs.holding_cost
        requirement = inputs.requirements.requirement
        price = usual_overtime_price(items.offsets, requirement, n_periods, costs, unit_volume, setup_volume)
    else:
        price = np.full(len(n_periods), float(overtime_price))
    capacity = items.limits("max_shipping_volume")
    return inputs, SharedCapacity(unit_volume, setup_volume, capacity, price, n_periods)
