"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How many of what each measurement takes.

    items : partitions by the algorithm, rising; models : by model; groups : one call each; sales : rows to ingest
    policies : those measured one by one, all when empty; batch : items in one call of an algorithm; random : partitions
        of the tests' random items; each_by_model : their models; budget_items : items of one budget; peers : instances
        another package solves too; fixed : demos in each place
    """

    items: tuple[int, ...] = (20_000, 200_000, 1_000_000)
    models: int = 2_000
    groups: int = 5_000
    sales: int = 10_000_000
    waves: int = 8
    policies: tuple[str, ...] = ()
    batch: int = 20_000
    random: int = 1_000
    each_by_model: int = 40
    budget_items: int = 10_000
    peers: int = 20
    fixed: int = 2
