"""The views that read tables: given rows, expected rows. A case is a location or a product."""

from __future__ import annotations

import re
from datetime import date
from importlib.resources import files

import pytest

from invopt.config import Config
from invopt.errors import TableError
from invopt.pipelines import item_views
from invopt.run import now
from invopt.tables import FOREVER, RUNS
from tests.contexts import context_at
from tests.item_views import AS_OF, KEYS, VIEWS, day, rows_of


def test_every_file_is_a_view_in_the_list_after_those_that_it_reads():
    folder = files("invopt").joinpath("sql", "gold")
    statements = {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in folder.iterdir()}
    # what the views read: a table, and the lines of gold.orders that count
    for name in (
        *("demand_forecasts", "own_orders", "unread", "implausible", "unmatched", "settled_orders"),
        "implausible_orders",
    ):
        del statements[name]
    assert set(statements) == set(item_views.VIEWS) == set(VIEWS)
    for place, name in enumerate(item_views.VIEWS):
        # a view that is not made yet might be there from an earlier run of the session
        reads = set(re.findall(r"(?:FROM|JOIN) ([a-z_]+)", statements[name]))
        assert reads.isdisjoint(set(item_views.VIEWS[place:]) - set(item_views.VIEWS[:place])), name


def lot(location, product, units, counted, expires=None):
    return {
        "location_id": location,
        "product_id": product,
        "units": float(units),
        "snapshot_at": counted,
        "expires_at": expires,
    }


OF_STOCK = ("counted",)


def stock_of(spark, lots, *, columns="product_id stock_status on_hand", location="L1", values=None, **given):
    """Rows of the view stock of the location's products, from its lots and what moved."""
    places = {row["product_id"] for rows in (lots, *given.values()) for row in rows if row["location_id"] == location}
    tables = {"sales": [], "spoilage": [], "receipts": []} | given
    items = [{"location_id": location, "product_id": product, "source_id": "S1"} for product in places]
    tables |= {"product_suppliers": items, "unread": []}
    return rows_of(spark, "stock", columns, over=OF_STOCK, values=values, stock_lots=lots, **tables)


def sold(product, units, at, location="L1"):
    return {"location_id": location, "product_id": product, "units": float(units), "sold_at": at}


def received(product, units, at):
    return {"location_id": "L1", "product_id": product, "units": float(units), "received_at": at}


def test_stock_of_the_day_s_counts(spark):
    given = [
        # two counts on a day: the last one of each product
        lot("L1", "twice", 10, day(0, 1)),
        lot("L1", "twice", 3, day(0, 5)),
        lot("L1", "twice", 4, day(0, 5)),
        lot("L1", "once", 1, day(0, 1)),
        lot("L1", "after_as_of", 2, day(0, 5)),
        lot("L1", "after_as_of", 9, day(0, 7)),
        lot("L1", "lots", 1, day(0, 5), day(3, 20)),
        lot("L1", "lots", 2, day(0, 5), day(1, 1)),
        lot("L1", "lots", 4, day(0, 5), day(500)),
        lot("L1", "lots", 8, day(0, 5)),
        lot("L1", "lots", 16, day(0, 5), day(0)),  # expires at :as_of
        lot("L1", "lots", 32, day(0, 5), day(-1)),
        lot("L1", "expired", 32, day(0, 5), day(-1)),
    ]
    columns = "product_id stock_status on_hand expiring_lots is_stock_stale"
    assert stock_of(spark, given, columns=columns) == [
        ("after_as_of", "counted", 2.0, [], False),
        ("expired", "counted", 0.0, [], False),
        ("lots", "counted", 15.0, [(1, 2.0), (3, 1.0)], False),
        ("once", "counted", 1.0, [], False),
        ("twice", "counted", 7.0, [], False),
    ]


def test_sales_after_a_count_and_in_it(spark):
    hourly, daily = day(-1, 20), day(-1, 0)
    given = [
        *(lot("L1", f"hour_{name}", 100, hourly) for name in ("hours", "days", "receipts")),
        *(lot("L2", f"day_{name}", 100, daily) for name in ("hours", "days", "receipts")),
    ]
    # yesterday 20:00 is counted: what is sold at 19:00 is in it, and so is a total of the day, of which a part is
    sales = [
        sold("hour_hours", 1, day(-1, 19)),
        sold("hour_hours", 2, day(-1, 20)),
        sold("hour_hours", 4, day(-1, 21)),
        sold("hour_hours", 8, day(0, 5)),
        sold("hour_hours", 16, day(0, 7)),  # after :as_of
        sold("hour_days", 1, day(-2, 0)),
        sold("hour_days", 2, day(-1, 0)),
        sold("hour_days", 4, day(0, 0)),  # the total of a day that is not over
    ]
    receipts = [received("hour_receipts", 1, day(-2, 0)), received("hour_receipts", 2, day(-1, 0))]
    receipts += [received("hour_receipts", 4, day(0, 0)), received("hour_receipts", 8, day(-1, 21))]
    columns = "product_id on_hand is_day_taken"
    assert stock_of(spark, given, columns=columns, sales=sales, receipts=receipts) == [
        ("hour_days", 100.0, True),
        ("hour_hours", 100.0 - 4 - 8, False),
        ("hour_receipts", 100.0 + 4 + 8, True),
    ]
    of_days = [
        sold("day_hours", 1, day(-2, 23), "L2"),
        sold("day_hours", 2, day(-1, 12), "L2"),
        sold("day_hours", 4, day(0, 5), "L2"),
        sold("day_days", 1, day(-2, 0), "L2"),
        sold("day_days", 2, day(-1, 0), "L2"),
    ]
    of_receipts = [received("day_receipts", 2, day(-1, 0)), received("day_receipts", 4, day(0, 0))]
    of_receipts = [row | {"location_id": "L2"} for row in of_receipts]
    moved = {"location": "L2", "columns": columns, "sales": of_days, "receipts": of_receipts}
    # a count without an hour holds what moved on its day
    assert stock_of(spark, given, **moved) == [
        ("day_days", 100.0, True),
        ("day_hours", 96.0, True),
        ("day_receipts", 104.0, True),
    ]
    # or nothing of it
    assert stock_of(spark, given, values={"counts_hold_their_day": False}, **moved) == [
        ("day_days", 98.0, False),
        ("day_hours", 94.0, False),
        ("day_receipts", 106.0, False),
    ]


def test_a_count_after_midnight_is_one_of_the_evening_before(spark):
    given = [
        lot("L1", "evening", 10, day(-1, 23)),
        lot("L1", "night", 10, day(0, 1)),
        lot("L1", "day_before", 10, day(-1, 5)),
    ]
    # its day's total comes after it; that of the day before was in it
    lots = [*given, lot("L2", "night", 10, day(-1, 1))]
    assert stock_of(spark, lots, columns="product_id stock_status") == [
        ("day_before", "judged"),
        ("evening", "counted"),
        ("night", "counted"),
    ]
    sales = [sold("night", 1, day(-2, 0), "L2"), sold("night", 2, day(-1, 0), "L2")]
    assert stock_of(spark, lots, location="L2", sales=sales) == [("night", "counted", 8.0)]
    # on the stores' clocks, five hours behind: 3:00 is 22:00 of the day before, and so is the day of what is sold
    lots = [lot("L1", "day", 10, day(-1, 0))]
    sales = [sold("day", 1, day(0, 3)), sold("day", 2, day(0, 5).replace(minute=30))]
    assert stock_of(spark, lots, sales=sales, values={"zone": "America/New_York"}) == [("day", "counted", 8.0)]


def test_the_first_expired_is_the_first_sold(spark):
    counted = day(-3, 20)
    given = [
        # 3 of yesterday's lot are sold before its day, 2 are lost; 4 of the later one are sold since
        lot("L1", "expires", 5, counted, day(-1, 7)),
        lot("L1", "expires", 6, counted, day(5, 7)),
        lot("L1", "expires", 1, counted),
        # what is thrown away is what has expired
        lot("L1", "spoils", 5, counted, day(-1, 7)),
        lot("L1", "spoils", 6, counted, day(5, 7)),
        lot("L1", "breaks", 6, counted, day(5, 7)),
        lot("L1", "more_sold_than_counted", 2, counted),
        lot("L1", "returned", 2, counted),
    ]
    sales = [
        sold("expires", 3, day(-2, 12)),
        sold("expires", 4, day(-1, 12)),
        sold("more_sold_than_counted", 5, day(-2, 12)),
        sold("returned", -3, day(-2, 12)),
        sold("returned", 1, day(-2, 13)),
    ]
    spoilage = [sold("spoils", 5, day(-1, 0)), sold("breaks", 2, day(-1, 9))]
    receipts = [received("more_sold_than_counted", 4, day(-1, 8))]
    columns = "product_id on_hand expiring_lots"
    assert stock_of(spark, given, columns=columns, sales=sales, spoilage=spoilage, receipts=receipts) == [
        ("breaks", 4.0, [(5, 4.0)]),
        ("expires", 3.0, [(5, 2.0)]),
        ("more_sold_than_counted", 4.0, []),
        ("returned", 4.0, []),
        ("spoils", 6.0, [(5, 6.0)]),
    ]


def test_a_product_that_a_newer_count_does_not_name(spark):
    given = [
        lot("L1", "named", 1, day(0, 5)),
        *(
            lot("L1", name, 10, day(-1, 5))
            for name in ("sold", "not_sold", "expired", "received_before", "received_since")
        ),
        lot("L1", "long_ago", 10, day(-300)),
        lot("L1", "counted_0", 0, day(-1, 5)),
        lot("L2", "counted_long_ago", 7, day(-20)),
    ]
    given = [row | {"expires_at": day(0, 0)} if row["product_id"] == "expired" else row for row in given]
    sales = [
        sold("sold", 10, day(-1, 12)),
        sold("received_before", 10, day(-1, 12)),
        sold("received_since", 10, day(-1, 12)),
    ]
    receipts = [
        received("received_before", 4, day(-1, 13)),
        received("received_since", 6, day(0, 5).replace(minute=30)),
    ]
    moved = {"sales": sales, "receipts": receipts}
    columns = "product_id stock_status on_hand units_expected days_unknown"
    # the sales of yesterday are known, 19 of the 24 hours; those of today's 5 hours are not
    hours = pytest.approx(5 / 24)
    assert stock_of(spark, given, columns=columns, **moved) == [
        ("counted_0", "judged", 0.0, 0.0, hours),
        ("expired", "judged", 0.0, 0.0, hours),
        # of 300 days all but the week before today, of which yesterday's sales are known
        ("long_ago", "judged", 0.0, 10.0, pytest.approx(300 - 1 / 24 - 1)),
        ("named", "counted", 1.0, None, None),
        ("not_sold", "judged", 0.0, 10.0, hours),
        ("received_before", "judged", 0.0, 4.0, hours),
        ("received_since", "judged", 6.0, 0.0, hours),
        ("sold", "judged", 0.0, 0.0, hours),
    ]
    columns = "product_id stock_status on_hand is_stock_stale"
    zero = {row[0]: row[1:] for row in stock_of(spark, given, columns=columns, values={"absent": "zero"}, **moved)}
    assert zero["not_sold"] == ("absent", 0.0, False) and zero["received_since"] == ("absent", 6.0, False)
    last = {row[0]: row[1:] for row in stock_of(spark, given, columns=columns, values={"absent": "last"}, **moved)}
    assert (last["not_sold"], last["received_before"]) == (("counted", 10.0, False), ("counted", 4.0, False))
    assert last["long_ago"] == ("counted", 10.0, True)
    # the count of three weeks ago is the location's last one
    assert stock_of(spark, given, columns=columns, location="L2") == [("counted_long_ago", "counted", 7.0, True)]


def test_a_partial_count_says_nothing_of_others(spark):
    given = [
        lot("L1", "a", 9, day(-2, 20)),
        lot("L1", "b", 9, day(-2, 20)),
        lot("L1", "c", 9, day(-4, 20)),
        lot("L1", "b", 5, day(-1, 20)) | {"is_partial": True},
    ]
    sales = [sold("a", 1, day(-1, 12)), sold("b", 2, day(-1, 12)), sold("b", 1, day(-1, 21))]
    columns = "product_id stock_status on_hand counted_on"
    assert stock_of(spark, given, columns=columns, sales=sales) == [
        ("a", "counted", 8.0, date(2017, 1, 8)),
        ("b", "counted", 4.0, date(2017, 1, 9)),
        ("c", "judged", 0.0, date(2017, 1, 8)),
    ]
    # all counts are of some products: each product has its own newest
    assert stock_of(spark, given, columns="product_id on_hand is_stock_stale", values={"is_partial": True}) == [
        ("a", 9.0, False),
        ("b", 5.0, False),
        ("c", 9.0, True),
    ]


def test_never_counted_and_too_old(spark):
    given = [
        lot("L1", "named", 1, day(0, 0)),
        lot("L2", "three_days", 1, day(-3, 0)),
        lot("L3", "four_days", 1, day(-4, 23)),
    ]
    items = [
        {"location_id": location, "product_id": product, "source_id": "S1"}
        for location, product in (
            ("L1", "never"), ("L2", "three_days"), ("L3", "four_days"), ("L3", "never"), ("L4", "never"),
        )
    ]  # fmt: skip
    receipts = [received("never", 3, day(0, 0)), received("never", 5, day(0, 1))]
    tables = {
        "product_suppliers": items,
        "unread": [],
        "stock_lots": given,
        "sales": [],
        "spoilage": [],
        "receipts": receipts,
    }
    columns = "location_id product_id stock_status on_hand is_stock_stale"
    assert rows_of(spark, "stock", columns, over=OF_STOCK, **tables) == [
        # the count of today holds what came on its day
        ("L1", "never", "never_counted", 0.0, False),
        ("L2", "three_days", "counted", 1.0, False),
        ("L3", "four_days", "counted", 1.0, True),
        ("L3", "never", "never_counted", 0.0, True),
        ("L4", "never", "no_count", 0.0, True),
    ]


def landed(product, quantity, eta, source="S1", *, policy="s_Q", ordered=None, received=None):
    return {
        "policy_name": policy,
        "location_id": "L1",
        "product_id": product,
        "source_id": source,
        "quantity": float(quantity),
        "ordered_at": ordered or day(-5),
        "eta": eta,
        "is_received": received,
    }


def our_order(product, quantity, eta, source="S1", *, ordered=None):
    line = landed(product, quantity, eta, source, ordered=ordered)
    del line["policy_name"], line["is_received"]
    return line | {"policy_id": "mine", "status": "open", "order_id": f"id of {product}"}


def test_landed_versions(spark):
    def of(product, quantity=6, file=1, **more):
        keys = {"order_id": "", "order_number": "", "file_number": file}
        return landed(product, quantity, day(3), policy=more.pop("policy", "erp")) | keys | more

    ours = {"policy": "mine", "order_number": "4711"}
    their = [
        of("by_day", source_id="S2"),
        of("by_number", order_number="1", ordered_at=day(-4)),
        of("ours_by_day", ordered_at=day(-5, 0), **ours),
        of("ours_by_id", order_id="id of ours_by_id", ordered_at=day(-1)),
        # the id is of an order for another product
        of("ours_by_moment", order_id="id of ours_by_id", policy="nobody"),
        of("ours_elsewhere", policy="other", order_number="9"),
        of("ours_on_another_day", ordered_at=day(-4), **ours),
        of("unknown_id", order_id="X1", order_number="3"),
        of("cancelled_and_new", ordered_at=day(-5, 0), **ours),
        of("received", is_received=True, order_status="open"),
        of("open", is_received=False),
        of("arrived", is_received=True),
        # what is not known yet at the moment that is looked at
        of("later", ordered_at=day(0)),
        of("today", ordered_at=day(0, 0)),
        of("known_today", known_on=date(2017, 1, 10)),
        of("known_tomorrow", known_on=date(2017, 1, 11)),
        of("baseline", policy="Sim"),
    ]
    names = ("ours_by_day", "ours_by_id", "ours_by_moment", "ours_on_another_day", "never_came")
    orders = [our_order(name, 6, day(1)) for name in names]
    orders += [
        our_order("cancelled_and_new", 6, day(1), ordered=day(-5, 1)) | {"order_id": "first", "status": "cancelled"},
        our_order("cancelled_and_new", 6, day(1)) | {"order_id": "second"},
        our_order("by_day", 6, day(1)) | {"status": "shadow"},
    ]
    columns = "product_id own_order_id identity state"
    assert rows_of(spark, "landed_versions", columns, landed_orders=their, orders=orders) == [
        ("arrived", None, "day 2017-01-05 of erp", "received"),
        ("by_day", None, "day 2017-01-05 of erp", None),
        ("by_number", None, "number 1", None),
        ("cancelled_and_new", "second", "id second", None),
        ("known_today", None, "day 2017-01-05 of erp", None),
        ("open", None, "day 2017-01-05 of erp", "open"),
        ("ours_by_day", "id of ours_by_day", "id id of ours_by_day", None),
        ("ours_by_id", "id of ours_by_id", "id id of ours_by_id", None),
        ("ours_by_moment", "id of ours_by_moment", "id id of ours_by_moment", None),
        ("ours_elsewhere", None, "day 2017-01-05", None),
        ("ours_on_another_day", None, "day 2017-01-06", None),
        ("received", None, "day 2017-01-05 of erp", "open"),
        ("today", None, "day 2017-01-10 of erp", None),
        ("unknown_id", None, "id X1", None),
    ]


def version(product, quantity, file=1, identity="1", **more):
    """A line of a file; the files are of 2017-01-01 on, one a day."""
    return {
        "location_id": "L1",
        "product_id": product,
        "source_id": "S1",
        "ordered_at": day(-9),
        "quantity": float(quantity),
        "file_number": file,
        "known_on": date(2017, 1, file),
        "identity": identity,
    } | more


def test_landed_lines(spark):
    versions = [
        version("amended", 100),
        version("amended", 10, 2, source_id="S2"),
        version("two_lines", 4, 2),
        version("two_lines", 5, 2),
        version("two_lines", 99, 1),
        version("two_orders", 7),
        version("two_orders", 8, 2, "2"),
        version("partly", 10, received_quantity=4.0),
        version("partly_then_silent", 10, received_quantity=4.0),
        version("partly_then_silent", 12, 2),
        version("fully", 10, received_quantity=10.0),
        version("more_than_all", 10, received_quantity=11.0),
        version("short", 10, received_quantity=4.0, state="received"),
        version("cancelled", 10, state="cancelled"),
        version("cancelled_then_silent", 10, state="cancelled"),
        version("cancelled_then_silent", 10, 2),
        version("received_then_silent", 10, state="received"),
        version("received_then_silent", 10, 2),
        version("opened_again", 10, state="received"),
        version("opened_again", 10, 2, state="open"),
    ]
    columns = "product_id quantity left_to_come is_open is_cancelled"
    assert rows_of(spark, "landed_lines", columns, landed_versions=versions) == [
        ("amended", 10.0, 10.0, True, False),
        ("cancelled", 10.0, 10.0, False, True),
        ("cancelled_then_silent", 10.0, 10.0, False, True),
        ("fully", 10.0, 0.0, False, False),
        ("more_than_all", 10.0, 0.0, False, False),
        ("opened_again", 10.0, 10.0, True, False),
        ("partly", 10.0, 6.0, True, False),
        ("partly_then_silent", 12.0, 8.0, True, False),
        ("received_then_silent", 10.0, 10.0, False, False),
        ("short", 10.0, 6.0, False, False),
        ("two_lines", 4.0, 4.0, True, False),
        ("two_lines", 5.0, 5.0, True, False),
        ("two_orders", 7.0, 7.0, True, False),
        ("two_orders", 8.0, 8.0, True, False),
    ]


def test_receipts(spark):
    versions = [
        version("at_once", 10, state="received"),
        version("in_three", 10, 2, received_quantity=3.0),
        version("in_three", 10, 3),
        version("in_three", 10, 4, received_quantity=3.0),
        version("in_three", 10, 5, state="received"),
        version("short", 10, 2, state="received", received_quantity=8.0),
        version("with_its_day", 10, 5, state="received", received_at=day(-7, 15)),
        # known for ever, and nobody says since when
        version("before_all", 10, known_on=None, state="received"),
        version("taken_back", 10, 1, received_quantity=6.0),
        version("taken_back", 10, 2, received_quantity=2.0),
        version("taken_back", 10, 3, received_quantity=7.0),
        version("two_lines", 4, 2, state="received"),
        version("two_lines", 5, 2, state="open"),
        version("open", 10),
    ]
    assert rows_of(spark, "receipts", "product_id units received_at", landed_versions=versions) == [
        ("at_once", 10.0, day(-9, 0)),
        ("in_three", 3.0, day(-8, 0)),
        ("in_three", 7.0, day(-5, 0)),
        ("short", 8.0, day(-8, 0)),
        ("taken_back", 1.0, day(-7, 0)),
        ("taken_back", 6.0, day(-9, 0)),
        ("two_lines", 4.0, day(-8, 0)),
        ("with_its_day", 10.0, day(-7, 15)),
    ]


def test_open_orders(spark):
    def their_line(product, quantity, eta, source="S1", *, ordered=None, is_open=True, own=None):
        return {
            "location_id": "L1",
            "product_id": product,
            "source_id": source,
            "ordered_at": ordered or day(-5),
            "eta": eta,
            "left_to_come": float(quantity),
            "is_open": is_open,
            "is_cancelled": False,
            "own_order_id": own,
        }

    their = [
        their_line("landed", 4, day(2)),
        their_line("landed", 2, day(1)),
        their_line("received", 900, day(-1), is_open=False),
        their_line("late", 3, day(-2)),
        their_line("late", 1, None),  # without an ETA and a lead time nobody knows that it is late
        their_line("late", 5, day(3)),
        their_line("overdue", 5, day(-31)),
        their_line("overdue", 2, day(-30)),
        their_line("overdue_by_lead_time", 8, None, ordered=day(-35)),
        their_line("in_lead_time", 8, None, "S2", ordered=day(-35)),
        their_line("two_sources", 1, day(2), "S1", ordered=day(-3)),
        their_line("two_sources", 2, day(2), "S2", ordered=day(-4)),
        their_line("two_sources", 4, day(-1), "S2", ordered=day(-2), is_open=False),
        their_line("our_order_came_back", 7, day(1), ordered=day(-8), own="id of our_order_came_back"),
        their_line(
            "our_order_was_received", 7, day(1), ordered=day(-8), is_open=False, own="id of our_order_was_received"
        ),  # fmt: skip
        their_line("both", 9, day(3), ordered=day(-1)),
    ]
    # test_order_cycles.py says which of our lines are on order
    our = [
        our_order("our_order", 6, day(1)),
        our_order("our_late_order", 6, day(-1)),
        our_order("our_order_came_back", 7, day(1), ordered=day(-8)),
        our_order("our_order_was_received", 7, day(1), ordered=day(-8)),
        our_order("both", 2, day(3), ordered=day(-2)),
    ]
    terms = [
        {"location_id": "L1", "product_id": "overdue_by_lead_time", "source_id": "S1", "lead_time": 2.0},
        {"location_id": "L1", "product_id": "in_lead_time", "source_id": "S2", "lead_time": 7.5},
    ]
    columns = "product_id on_order on_order_late overdue last_ordered_at"
    assert rows_of(spark, "open_orders", columns, landed_lines=their, own_on_order=our, product_suppliers=terms) == [
        ("both", 11.0, 0.0, 0.0, {"S1": day(-1)}),
        ("in_lead_time", 8.0, 0.0, 0.0, {"S2": day(-35)}),
        ("landed", 6.0, 0.0, 0.0, {"S1": day(-5)}),
        ("late", 9.0, 3.0, 0.0, {"S1": day(-5)}),
        ("our_late_order", 6.0, 6.0, 0.0, {"S1": day(-5)}),
        ("our_order", 6.0, 0.0, 0.0, {"S1": day(-5)}),
        ("our_order_came_back", 7.0, 0.0, 0.0, {"S1": day(-8)}),
        ("our_order_was_received", 0.0, 0.0, 0.0, {"S1": day(-8)}),
        ("overdue", 2.0, 2.0, 5.0, {"S1": day(-5)}),
        ("overdue_by_lead_time", 0.0, 0.0, 8.0, {"S1": day(-35)}),
        ("received", 0.0, 0.0, 0.0, {"S1": day(-5)}),
        ("two_sources", 3.0, 0.0, 0.0, {"S1": day(-3), "S2": day(-2)}),
    ]


def supply(product, source="S1", **terms):
    keys = {"location_id": "L1", "product_id": product, "source_id": source}
    return keys | {"lead_time": 2.0, "purchase_cost": 10.0, "backorder_cost": 3.0} | terms


def test_terms(spark):
    limits = {"min_order_quantity": 2.0, "max_order_quantity": 90.0, "quantity_multiple": 6.0}
    given = [
        supply("plain", lead_time_confidence=1.5, service_level=0.9, shipping_interval=7, **limits),
        supply("shipped", "S2", unit_shipping_cost=1.5, price_breaks="100:8.5;50:9"),
        supply("of_no_supplier", "S9"),
        supply("ranked", "S1", purchase_cost=10.0, lead_time=1.0),
        supply("ranked", "S2", purchase_cost=8.0, unit_shipping_cost=2.0, lead_time=0.5),
        supply("ranked", "S3", purchase_cost=9.0, lead_time=9.0),
    ]
    suppliers = [
        {"source_id": "S1", "fixed_order_cost": 50.0},
        {"source_id": "S2", "fixed_order_cost": 70.0, "max_shipping_volume": 40.0, "purchase_cost_budget": 900.0},
        {"source_id": "S3", "fixed_order_cost": 0.0},
    ]
    tables = {"product_suppliers": given, "suppliers": suppliers}
    columns = "product_id source_id unit_cost fixed_order_cost lead_time lead_time_confidence source_rank"
    assert rows_of(spark, "terms", columns, **tables) == [
        ("of_no_supplier", "S9", 10.0, None, 2.0, 0.0, 1),
        ("plain", "S1", 10.0, 50.0, 2.0, 1.5, 1),
        # at equal cost the faster source comes first
        ("ranked", "S1", 10.0, 50.0, 1.0, 0.0, 3),
        ("ranked", "S2", 10.0, 70.0, 0.5, 0.0, 2),
        ("ranked", "S3", 9.0, 0.0, 9.0, 0.0, 1),
        ("shipped", "S2", 11.5, 70.0, 2.0, 0.0, 1),
    ]
    cheaper = {row[1]: row[2] for row in rows_of(spark, "terms", "product_id source_id cheaper_sources", **tables)
               if row[0] == "ranked"}  # fmt: skip
    assert cheaper == {"S3": [], "S2": ["S3"], "S1": ["S3", "S2"]}
    columns = "product_id price_breaks max_shipping_volume purchase_budget"
    assert rows_of(spark, "terms", columns, **tables)[-1] == (
        "shipped",
        [(50.0, 10.5), (100.0, 10.0)],
        40.0,
        900.0,
    )
    columns = f"product_id price_breaks backorder_cost service_level shipping_interval {' '.join(limits)}"
    assert rows_of(spark, "terms", columns, **tables)[1] == ("plain", None, 3.0, 0.9, 7, 2.0, 90.0, 6.0)


def test_terms_that_have_ended_come_after_those_that_have_not(spark):
    ended = date(2017, 1, 9)
    given = [
        supply("one", absent_since=ended),
        supply("two", "S1", purchase_cost=8.0, absent_since=ended),
        supply("two", "S2", purchase_cost=9.0),
        supply("supplier", "S3", purchase_cost=1.0),
        supply("supplier", "S2", purchase_cost=2.0),
        supply("both", "S3", absent_since=ended),
    ]
    suppliers = [{"source_id": "S2"}, {"source_id": "S3", "absent_since": date(2017, 1, 8)}]
    tables = {"product_suppliers": given, "suppliers": suppliers}
    line, supplier = "not in store_product_supplier of 2017-01-09", "not in suppliers of 2017-01-08"
    columns = "product_id source_id source_rank cheaper_sources delisted"
    assert rows_of(spark, "terms", columns, **tables) == [
        ("both", "S3", 1, [], f"{line}; {supplier}"),
        ("one", "S1", 1, [], line),
        ("supplier", "S2", 1, [], None),
        ("supplier", "S3", 2, ["S2"], supplier),
        ("two", "S1", 2, ["S2"], line),
        ("two", "S2", 1, [], None),
    ]


def test_forecast(spark):
    def of(product, first, mean, **more):
        keys = {"location_id": "L1", "product_id": product, "first_date": first.date(), "made_at": first}
        return keys | {"demand_distribution": "poisson", "demand_mean": mean} | more

    given = [
        of("from_today", day(0), [1.0, 2.0], demand_variance=[3.0, 4.0]),
        of("made_before", day(-2), [1.0, 2.0, 3.0, 4.0], demand_variance=[1.0, 2.0, 3.0, 4.0]),
        of("longer_than_the_horizon", day(-1), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        of("starts_later", day(2), [7.0]),
        of("its_last_day", day(-2), [1.0, 2.0, 3.0]),
        of("ended", day(-3), [1.0, 2.0, 3.0]),
        of("pmf", day(-1), [1.0, 2.0], demand_variance=[0.0, 0.0], demand_pmf=[[0.0, 1.0], [0.0, 0.0, 1.0]]),
    ]
    columns = "product_id forecast_made_at demand_mean demand_variance demand_pmf"
    assert rows_of(spark, "forecast", columns, demand_forecasts=given, calendar=[]) == [
        ("from_today", day(0), [1.0, 2.0], [3.0, 4.0], None),
        ("its_last_day", day(-2), [3.0], None, None),
        ("longer_than_the_horizon", day(-1), [1.0, 2.0, 3.0, 4.0], None, None),
        ("made_before", day(-2), [3.0, 4.0], [3.0, 4.0], None),
        ("pmf", day(-1), [2.0], [0.0], [[0.0, 0.0, 1.0]]),
        ("starts_later", day(2), [7.0], None, None),
    ]


def test_closed_and_missing_days_of_a_forecast(spark):
    def of(location, mean, **more):
        keys = {"location_id": location, "product_id": "p", "first_date": day(-1).date(), "made_at": day(-1)}
        return keys | {"demand_distribution": "pmf", "demand_mean": mean} | more

    def days(location, n, is_closed=True, source=""):
        return {"location_id": location, "source_id": source, "day": day(n, 0), "is_closed": is_closed}

    given = [
        of(
            "closed",
            [9.0, 1.0, 2.0, 3.0],
            demand_variance=[9.0, 1.0, 2.0, 3.0],
            demand_pmf=[[1.0], [0.0, 1.0], [0.5, 0.5], [1.0]],
        ),
        of("opens", [9.0, 1.0, 2.0, 3.0]),
        of("missing", [9.0, 1.0, None, None]),
        of("closed_where_missing", [9.0, 1.0, 2.0, None]),
    ]
    # all are closed on day 1, but for one; a supplier's day closes no store
    calendar = [
        days("", 1),
        days("opens", 1, False),
        days("closed", 0),
        days("closed_where_missing", 2),
        days("", 0, True, "S1"),
    ]
    columns = "location_id demand_mean demand_variance demand_pmf missing_days"
    assert rows_of(spark, "forecast", columns, demand_forecasts=given, calendar=calendar) == [
        ("closed", [0.0, 0.0, 3.0], [0.0, 0.0, 3.0], [[1.0], [1.0], [1.0]], None),
        ("closed_where_missing", [1.0, 0.0, 0.0], None, None, None),
        ("missing", [1.0, 0.0, None], None, None, ["2017-01-12"]),
        ("opens", [1.0, 2.0, 3.0], None, None, None),
    ]


def rows_to_store(table, given: list[dict]) -> list[tuple]:
    """Whole rows of a silver table."""
    return [
        tuple(
            ({"n_lines": 1, "file_number": 1, "batch_id": 1, "known_on": FOREVER} | row).get(name)
            for name in table.column_names
        )
        for row in given
    ]


def test_terms_of_a_run_are_those_of_the_versions_that_its_manifest_pins(spark, tmp_path):
    settings = {"lakehouse": {"root": str(tmp_path)}, "landing": "landing", "policies": [], "schedules": []}
    context = context_at(spark, Config.model_validate(settings | {"solvers": [{"name": "highs"}]}), AS_OF)
    supplies, suppliers = item_views.SILVER["product_suppliers"], item_views.SILVER["suppliers"]
    with pytest.raises(TableError, match=f"silver.product_suppliers and silver.suppliers run {context.run_id} reads"):
        item_views.terms_of_run(context)
    for table in (supplies, suppliers):
        context.store.create(table)
    context.store.append(supplies, rows_to_store(supplies, [supply("a"), supply("a", "S9", purchase_cost=9.0)]))
    context.store.append(suppliers, rows_to_store(suppliers, [{"source_id": "S1", "fixed_order_cost": 50.0}]))
    # of a table with history the rows of the run's day are seen, 2017-01-10
    before, after = date(2017, 1, 10), date(2017, 1, 11)
    times = [
        supply("c", purchase_cost=1.0, known_until=before),
        supply("c", purchase_cost=2.0, known_on=before, known_until=after),
        supply("c", purchase_cost=3.0, known_on=after),
        supply("d", known_on=after),
        supply("e", known_until=before),
        supply("e", known_on=before, absent_since=before),
    ]
    context.store.append(supplies, rows_to_store(supplies, times))
    versions = {table.name: context.store.version(table) for table in (supplies, suppliers)}
    manifest = (context.run_id, AS_OF, "", context.config.as_json(), "0", versions, now())
    context.store.replace(RUNS, [manifest], {"run_id": context.run_id}, check_keys=False)
    # what comes later is of another run
    context.store.append(supplies, rows_to_store(supplies, [supply("b")]))
    context.store.append(suppliers, rows_to_store(suppliers, [{"source_id": "S9", "fixed_order_cost": 1.0}]))
    terms = item_views.terms_of_run(context).select(*KEYS, "unit_cost", "fixed_order_cost", "source_rank").collect()
    assert sorted(map(tuple, terms)) == [
        ("L1", "a", "S1", 10.0, 50.0, 2),
        ("L1", "a", "S9", 9.0, None, 1),
        ("L1", "c", "S1", 2.0, 50.0, 1),
        ("L1", "e", "S1", 10.0, 50.0, 1),
    ]
