"""Odd feeds, day after day, beside a ledger of its own. Thirty days by hand: `python -m tests.e2e.thirty_days F`."""

from __future__ import annotations

import pytest

from tests.e2e import thirty_days


@pytest.mark.slow
def test_every_position_order_and_replay_is_as_the_ledger_has_it(spark, tmp_path):
    said: list[str] = []
    assert list(thirty_days.days(spark, tmp_path, 5, said.append)) == []
    # the days were there, with orders, and with an item whose count can't be believed
    assert len(said) == 10 and said[0].startswith("2026-03-02: 20 items, 20 orders")
