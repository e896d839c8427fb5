"""A policy: a frozen record of what it needs, how it decides, what decisions cost and how it orders.

A policy lives in one file that assigns one `Policy` to the name `POLICY`. Nothing is inherited: the engine in
`solving/` only calls the functions that the record holds. `workbench/laws.py` has the laws that every policy obeys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from invopt.tables.columns import ITEM, Column
from invopt.theory.order_rules import Stock

if TYPE_CHECKING:
    import pyomo.environ as pyo

    from invopt.policies.inputs.items import Items


class Params(BaseModel):
    """Base of every policy's own parameters: unknown names and wrong values are refused, with the allowed ones
    shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def algorithm_alone_because(self) -> str | None:
        """Why only the algorithm can decide under these parameters; None where the model can too."""
        return None


class About(NamedTuple):
    """A policy in words, for people; code never compares them.

    title : what it decides, in one line
    model_class : LP, MILP, ...
    source : where the mathematics was published
    algorithm : name of the algorithm; "" where there is none
    """

    title: str
    model_class: str
    source: str
    algorithm: str = ""


class Decision(NamedTuple):
    """A number that the policy decides for each item.

    name : that of the model's component over ITEMS, or over ITEMS x PERIODS
    has_periods : it has a value for each period of a plan
    """

    name: str
    unit: str
    meaning: str
    has_periods: bool = False


class Answer(NamedTuple):
    """The answer of an algorithm for a bucket of partitions; NaN where an item was refused by `Items.refuse`.

    decisions : decision name -> (n_items,) or (n_items, n_periods) array, in the order of the items
    cost : (n_items,) array, money/period: each item's share; the shares of a partition add up to its objective
    bound : (n_items,) array, money/period: shares of a lower bound of the partition's optimum, where the algorithm
        proves only a bound; None when the cost is the optimum
    prices : price name -> (n_items,) array: what one more unit of a limit is worth; NaN where there is no limit
    """

    decisions: Mapping[str, np.ndarray]
    cost: np.ndarray
    bound: np.ndarray | None = None
    prices: Mapping[str, np.ndarray] | None = None


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
    about : in words
    decides : its decisions
    needs : the columns that it reads, with unit and range. Its SELECT, its inputs table and the checks derive from
        them. A value that is NULL where it must not be, or out of range, makes the partition's solution
        `invalid_input`.
    params : the validated record of the policy's own parameters
    build_model : (items, params) -> ConcreteModel of ONE partition. ITEMS is 0..n-1 in the order of the rows, the
        objective is `total_cost`, and the Expression `item_cost` over ITEMS holds the shares. It calls
        `items.raise_problems` once it has read its columns.
    cost : (items, decisions, params) -> (n,) money/period: each item's share of what ANY decisions cost; NaN where they
        can't be. For the decisions of a solution it is that solution's cost.
    order : (decisions, stock) -> (n,) units wanted now, pure. `decisions` map a name to an (n,) array, or to an
        (n, n_periods) array for a decision with periods (NaN beyond an item's last). `theory/order_rules.py` has the
        usual rules.
    examples : published instances
    algorithm : (items of many partitions, params) -> Answer. It gives the optimum of the model's problem or, where no
        quick algorithm is known, a plan with a bound.
    partition_by : the columns whose items one model decides together, the default of conf/policies.yaml
    select : one SELECT over `views`, one row per item, giving the three keys and `needs`; only where the columns of
        `item_state` are not enough
    views : what the SELECT reads: `item_state`, and tables of silver by their own names
    solver_options : solver -> options that make it quicker on this model; those of conf/solvers.yaml win
    prices : price name -> the model's constraint, single or over ITEMS, whose dual it is; or "" where the algorithm
        alone gives it
    """

    name: str
    about: About
    decides: tuple[Decision, ...]
    needs: tuple[Column, ...]
    params: type[Params]
    build_model: Callable[[Items, Any], pyo.ConcreteModel]
    cost: Callable[[Items, Mapping[str, np.ndarray], Any], np.ndarray]
    order: Callable[[Mapping[str, np.ndarray], Stock], np.ndarray]
    examples: tuple[Example, ...]
    algorithm: Callable[[Items, Any], Answer] | None = None
    partition_by: tuple[str, ...] = ITEM
    select: str | None = None
    views: tuple[str, ...] = ("item_state",)
    solver_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prices: Mapping[str, str] = field(default_factory=dict)

    @property
    def decision_names(self) -> tuple[str, ...]:
        return tuple(decision.name for decision in self.decides)

    @property
    def must_be_given(self) -> tuple[Column, ...]:
        """The needs that nothing can stand for: not NULL, no default, and no part of which items are decided together.

        A column of the last kind may be absent where all items are decided together.
        """
        return tuple(
            column
            for column in self.needs
            if not column.is_nullable and column.default is None and column.name not in self.partition_by
        )
