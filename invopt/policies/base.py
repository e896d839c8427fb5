"""A policy: a frozen record of the columns it needs, how it decides and how it orders.

A policy lives in one file that assigns one `Policy` to the name `POLICY`. Nothing is inherited: the engine in
`solving/` only calls the functions that the record holds. `workbench/laws.py` has the laws that every policy obeys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from invopt.tables.columns import Column

if TYPE_CHECKING:
    import pyomo.environ as pyo


class Params(BaseModel):
    """Base of every policy's own parameters: unknown names and wrong values are refused, with the allowed ones
    shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


class ExactSolution(NamedTuple):
    """The answer of an exact algorithm for a bucket of partitions.

    decisions : decision name -> (n_items,) or (n_items, n_periods) array, in the order of the items
    cost : (n_items,) array, money/period: each item's share; the shares of a partition add up to its objective
    message : (n_items,) array of str or None, or None when no item has one. An item whose cost is NaN was not solved,
        and its message says why.
    bound : (n_items,) array, money/period: shares of a lower bound of the partition's optimum, where the algorithm
        proves only a bound; None when the cost is the optimum
    """

    decisions: Mapping[str, np.ndarray]
    cost: np.ndarray
    message: np.ndarray | None = None
    bound: np.ndarray | None = None


@dataclass(frozen=True)
class Example:
    """A tiny published instance: documentation, test and demo at once.

    items : one mapping per item with the policy's input columns
    decisions : decision name -> one value (or list over periods) per item; empty when only the cost was published
    """

    name: str
    items: tuple[Mapping[str, Any], ...]
    params: Mapping[str, Any]
    cost: float
    decisions: Mapping[str, tuple]
    source: str
    rel_tolerance: float = 1e-6


@dataclass(frozen=True)
class Policy:
    """One inventory policy.

    name : the file's name, and `policy:` in conf/policies.yaml
    title : what it decides, in one line for the table of policies
    model_class : LP, MILP, ... for the table of policies
    algorithm : name of the exact algorithm, for the table of policies
    source : where the mathematics was published
    partition_by : the columns whose items one model decides together, the default of conf/policies.yaml
    inputs : one SELECT over the view `item_state`, one row per item, giving the three keys and `input_columns`
    input_columns : the columns that the SELECT gives beside the keys; the inputs table derives from them. A NULL or NaN
        in a column that is not nullable makes the partition's solution `invalid_input`.
    params : the validated record of the policy's own parameters
    decisions : names of the decisions; each is a component of the model over ITEMS [x PERIODS]
    build_model : (items, params) -> ConcreteModel of ONE partition. ITEMS is 0..n-1 in the order of the rows, the
        objective is `total_cost`, and the Expression `item_cost` over ITEMS holds the shares.
    order : (decisions, state) -> (n,) units wanted now, pure. `decisions` map a name to an (n,) array, or to an
        (n, n_periods) array for a decision with periods (NaN beyond an item's last). The DataFrame `state` has
        `inventory_position` (units), and in whole days `day` (since 1970-01-01), `period` (since the decisions were
        made: 0 on that day) and `days_since_order` (since the item's last order, NaN when there is none).
    solve_exact : (items of many partitions, offsets, params) -> ExactSolution; partition k is rows
        offsets[k]:offsets[k+1]. It gives the optimum of the model's problem or, where no quick algorithm is known, a
        plan with a bound.
    highs_options : options that make HiGHS quicker on this model, by its own names; those of conf/solvers.yaml win
    """

    name: str
    title: str
    model_class: str
    algorithm: str
    source: str
    partition_by: tuple[str, ...]
    inputs: str
    input_columns: tuple[Column, ...]
    params: type[Params]
    decisions: tuple[str, ...]
    build_model: Callable[[pd.DataFrame, Any], pyo.ConcreteModel]
    order: Callable[[Mapping[str, np.ndarray], pd.DataFrame], np.ndarray]
    examples: tuple[Example, ...]
    solve_exact: Callable[[pd.DataFrame, np.ndarray, Any], ExactSolution] | None = None
    highs_options: Mapping[str, Any] = field(default_factory=dict)
