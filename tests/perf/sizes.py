"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """items : partitions by the exact algorithm, rising; models : by model; groups : one call each; sales : rows to ingest."""

    items: tuple[int, ...] = (20_000, 200_000, 1_000_000)
    models: int = 2_000
    groups: int = 5_000
    sales: int = 10_000_000
    waves: int = 8
