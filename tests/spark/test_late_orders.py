"""What should have arrived is told with its lines, units and day, once for a location x product."""

from __future__ import annotations

from datetime import date

from invopt.pipelines.late_orders import late_orders

SCHEMA = (
    "location_id string, product_id string, source_id string, on_order_late double, late_orders bigint, "
    "late_since date, overdue double, overdue_since date"
)


def test_late_and_overdue_orders_are_told_once(spark):
    late, overdue = date(2026, 3, 1), date(2026, 1, 20)
    rows = [
        ("L", "a", "S1", 5.0, 2, late, 0.0, None),
        # the same place by its other source
        ("L", "a", "S2", 5.0, 2, late, 0.0, None),
        ("L", "b", "S1", 7.5, 1, date(2026, 2, 27), 12.0, overdue),
        ("L", "c", "S1", 0.0, 0, None, 0.0, None),
        # of an item whose order can't be read nothing is known but what is overdue
        ("L", "d", "S1", None, None, None, 3.0, date(2026, 1, 25)),
    ]
    told = {one.kind: one for one in late_orders(spark.createDataFrame(rows, SCHEMA), 30)}
    assert (told["late"].n, told["late"].first, told["overdue"].n, told["overdue"].first) == (2, "L/a", 2, "L/b")
    assert told["late"].sentence == (
        "orders: 3 lines of 12.5 units for 2 location x products should have arrived, the oldest on 2026-02-27, and "
        "are still counted on order (L/a ...)"
    )
    assert told["overdue"].sentence == (
        "orders: 15 units for 2 location x products are overdue by more than 30 days, the oldest since 2026-01-20, and "
        "no longer counted on order (L/b ...): report them as received or cancelled"
    )


def test_one_line_and_none(spark):
    row = ("L", "a", "S1", 5.0, 1, date(2026, 3, 1), 0.0, None)
    (told,) = late_orders(spark.createDataFrame([row], SCHEMA), 30)
    assert "1 line of 5 units for 1 location x product should have arrived" in told.sentence
    assert told.sentence.endswith("and is still counted on order (L/a)")
    assert late_orders(spark.createDataFrame([], SCHEMA), 30) == []
