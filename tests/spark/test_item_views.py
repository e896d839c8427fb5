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


class Stock:
    """A chain whose locations are cases, and the rows that the view stock makes of it; one query for all of them."""

    COLUMNS = (
        "location_id product_id stock_status on_hand expiring_lots is_stock_stale counted_on is_day_taken "
        "units_expected days_unknown unsold_days"
    )

    def __init__(self, spark):
        self.spark, self.made = spark, {}
        self.given = {name: [] for name in ("stock_lots", "sales", "spoilage", "receipts", "calendar")}
        self.items = {("never_counted", "never"), ("day_s_count", "never"), ("four_days", "never")}

    def lot(self, location, product, units, counted, expires=None, is_partial=None):
        self.given["stock_lots"].append(lot(location, product, units, counted, expires) | {"is_partial": is_partial})
        self.items.add((location, product))

    def moved(self, table, location, product, *moves):
        """moves : (units, moment)"""
        at = "received_at" if table == "receipts" else "sold_at"
        keys = {"location_id": location, "product_id": product}
        self.given[table] += [keys | {"units": float(units), at: moment} for units, moment in moves]

    def rows(self, location, columns, **values):
        """These columns of a location's rows, in the order of their products, by parameters that are not the usual."""
        key = tuple(values.items())
        if key not in self.made:
            supplies = [{"location_id": one, "product_id": product, "source_id": "S1"} for one, product in self.items]
            tables = self.given | {"product_suppliers": supplies, "unread": []}
            found = rows_of(self.spark, "stock", self.COLUMNS, over=("counted",), values=values, **tables)
            self.made[key] = [dict(zip(self.COLUMNS.split(), row, strict=True)) for row in found]
        rows = [row for row in self.made[key] if row["location_id"] == location]
        return [tuple(row[name] for name in columns.split()) for row in sorted(rows, key=lambda row: row["product_id"])]


# settings that do not get in each other's way: three queries answer all cases
OTHERS = {"counts_hold_their_day": False, "absent": "last", "zone": "America/New_York"}
ZERO = {"absent": "zero", "is_partial": True}


@pytest.fixture(scope="module")
def stock(spark):
    made = Stock(spark)
    # two counts on a day: the last one of each product
    for product, units, hour in (("twice", 10, 1), ("twice", 3, 5), ("twice", 4, 5), ("once", 1, 1)):
        made.lot("day", product, units, day(0, hour))
    for units, hour in ((2, 5), (9, 7)):
        made.lot("day", "after_as_of", units, day(0, hour))
    for units, expires in ((1, day(3, 20)), (2, day(1, 1)), (4, day(500)), (8, None), (16, day(0)), (32, day(-1))):
        made.lot("day", "lots", units, day(0, 5), expires)
    made.lot("day", "expired", 32, day(0, 5), day(-1))
    # counted three days ago: the days after it whose sales the location, which delivers some, has not delivered
    for location, moments in (("late_sales", [day(-2, 9)]), ("all_sales", [day(-2), day(-1)]), ("no_sales", [])):
        made.lot(location, "p", 50, day(-3))
        made.moved("sales", location, "other", *((1, moment) for moment in moments))
    # counted seven days ago: all are closed five days ago, the first one of them two days ago as well
    for location in ("closed", "opened", "closed_supplier"):
        made.lot(location, "p", 50, day(-7))
    made.given["calendar"] = [
        {"location_id": location, "source_id": source, "day": day(n), "is_closed": is_closed, "absent_since": absent}
        for location, source, n, is_closed, absent in (
            ("", "", -5, True, day(-4).date()),
            ("", "", -4, True, day(-4).date()),
            ("closed", "", -2, True, None),
            ("opened", "", -5, False, None),
            ("", "S1", -3, True, None),
        )
    ]
    # counted yesterday at 20:00, or yesterday
    for product in ("by_hour", "by_day", "received"):
        made.lot("hour", product, 100, day(-1, 20))
        made.lot("no_hour", product, 100, day(-1, 0))
    sales = [(1, day(-1, 19)), (2, day(-1, 20)), (4, day(-1, 21)), (8, day(0, 5)), (16, day(0, 7))]
    made.moved("sales", "hour", "by_hour", *sales)
    made.moved("sales", "hour", "by_day", (1, day(-2, 0)), (2, day(-1, 0)), (4, day(0, 0)))
    made.moved("receipts", "hour", "received", (1, day(-2, 0)), (2, day(-1, 0)), (4, day(0, 0)), (8, day(-1, 21)))
    made.moved("sales", "no_hour", "by_hour", (1, day(-2, 23)), (2, day(-1, 12)), (4, day(0, 5)))
    made.moved("sales", "no_hour", "by_day", (1, day(-2, 0)), (2, day(-1, 0)))
    made.moved("receipts", "no_hour", "received", (2, day(-1, 0)), (4, day(0, 0)))
    # sold before what came was booked
    made.lot("hours", "more_than_counted", 10, day(-2, 20))
    made.moved("sales", "hours", "more_than_counted", (15, day(-1, 12)), (4, day(-1, 18)))
    made.moved("receipts", "hours", "more_than_counted", (30, day(-1, 16)))
    made.lot("hours", "received_on_the_next_day", 10, day(-3, 20))
    made.moved("sales", "hours", "received_on_the_next_day", (15, day(-2, 12)))
    made.moved("receipts", "hours", "received_on_the_next_day", (30, day(-1, 5)))
    made.lot("hours", "returned", 10, day(-2, 20))
    made.moved("sales", "hours", "returned", (11, day(-1, 12)), (-3, day(-1, 16)))
    # counted today without an hour: what has moved since midnight is taken to be in the count, and that is said
    for product in ("sold", "received", "still"):
        made.lot("today", product, 100, day(0, 0))
    made.moved("sales", "today", "sold", (4, day(0, 5)))
    made.moved("receipts", "today", "received", (8, day(0, 3)))
    # counts after midnight
    made.lot("midnight", "evening", 10, day(-1, 23))
    made.lot("midnight", "night", 10, day(0, 1))
    made.lot("midnight", "night_before", 10, day(-1, 5))
    made.lot("night", "by_day", 10, day(-1, 1))
    made.moved("sales", "night", "by_day", (1, day(-2, 0)), (2, day(-1, 0)))
    # a day without an hour, and in the night after it a count of some products
    made.lot("both", "at_5", 10, day(-1, 0))
    made.lot("both", "at_5", 7, day(0, 5))
    made.lot("both", "at_0", 10, day(-1, 0))
    # half an hour after midnight, and in the evening of that day, without an hour
    for product in ("named", "left_out"):
        made.lot("evening", product, 10, day(-1, 0).replace(minute=30))
    made.lot("evening", "named", 8, day(-1, 0))
    # at midnight, without an hour, and at 5 in the morning
    for product, units, hour in (("at_both", 10, 0), ("at_0", 10, 0), ("at_both", 7, 5), ("at_5", 7, 5)):
        made.lot("morning", product, units, day(0, hour))
    made.lot("zone", "by_hour", 10, day(-2, 0))
    made.moved("sales", "zone", "by_hour", (1, day(-2, 4)), (2, day(-2, 6)))
    # lots
    counted = day(-3, 20)
    for product, units, expires in (
        ("expires", 5, day(-1, 7)), ("expires", 6, day(5, 7)), ("expires", 1, None),
        ("evening", 5, day(-1, 18)), ("evening", 6, day(5, 7)),
        ("spoils", 5, day(-1, 7)), ("spoils", 6, day(5, 7)), ("breaks", 6, day(5, 7)),
        ("more_sold_than_counted", 2, None), ("returned", 2, None),
    ):  # fmt: skip
        made.lot("lots", product, units, counted, expires)
    made.moved("sales", "lots", "expires", (3, day(-2, 12)), (4, day(-1, 12)))
    made.moved("sales", "lots", "evening", (3, day(-2, 12)), (4, day(-1, 12)))
    made.moved("sales", "lots", "more_sold_than_counted", (5, day(-2, 12)))
    made.moved("sales", "lots", "returned", (-3, day(-2, 12)), (1, day(-2, 13)))
    made.moved("spoilage", "lots", "spoils", (5, day(-1, 0)))
    made.moved("spoilage", "lots", "breaks", (2, day(-1, 9)))
    made.moved("receipts", "lots", "more_sold_than_counted", (4, day(-1, 8)))
    # products that the count of today does not name
    made.lot("absent", "named", 1, day(0, 5), is_partial=False)
    made.lot("absent", "expired", 10, day(-1, 5), day(0, 0), is_partial=False)
    made.lot("absent", "long_ago", 10, day(-300), is_partial=False)
    made.lot("absent", "counted_0", 0, day(-1, 5), is_partial=False)
    for product in ("sold", "not_sold", "received_before", "received_since"):
        made.lot("absent", product, 10, day(-1, 5), is_partial=False)
        if product != "not_sold":
            made.moved("sales", "absent", product, (10, day(-1, 12)))
    made.moved("receipts", "absent", "received_before", (4, day(-1, 13)))
    made.moved("receipts", "absent", "received_since", (6, day(0, 5).replace(minute=30)))
    # counts of some products
    for product, counted in (("a", day(-2, 20)), ("b", day(-2, 20)), ("c", day(-4, 20))):
        made.lot("partial", product, 9, counted)
    made.lot("partial", "b", 5, day(-1, 20), is_partial=True)
    made.moved("sales", "partial", "a", (1, day(-1, 12)))
    made.moved("sales", "partial", "b", (2, day(-1, 12)), (1, day(-1, 21)))
    # age
    made.lot("day_s_count", "named", 1, day(0, 0))
    made.moved("receipts", "day_s_count", "never", (3, day(0, 0)), (5, day(0, 1)))
    made.lot("three_days", "a", 1, day(-3, 0))
    made.lot("four_days", "a", 1, day(-4, 23))
    made.lot("long_ago", "a", 7, day(-20))
    return made


def test_stock_of_the_day_s_counts(stock):
    columns = "product_id stock_status on_hand expiring_lots is_stock_stale"
    assert stock.rows("day", columns) == [
        ("after_as_of", "counted", 2.0, [], False),
        ("expired", "counted", 0.0, [], False),
        # 16 expire at :as_of, and 32 have expired
        ("lots", "counted", 15.0, [(1, 2.0), (3, 1.0)], False),
        ("once", "counted", 1.0, [], False),
        ("twice", "counted", 7.0, [], False),
    ]


def test_what_moves_after_a_count_with_an_hour(stock):
    assert stock.rows("hour", "product_id on_hand is_day_taken") == [
        # of the day of the count a part is in it, so all is taken to be; the total of today is not known
        ("by_day", 100.0, True),
        ("by_hour", 100.0 - 4 - 8, False),
        ("received", 100.0 + 4 + 8, True),
    ]


def test_days_after_a_count_whose_sales_are_not_known_are_named(stock):
    def row(*days):
        return [(50.0, [(day(n).date() - date(1970, 1, 1)).days for n in days])]

    columns = "on_hand unsold_days"
    assert stock.rows("late_sales", columns) == row(-1)
    assert stock.rows("all_sales", columns) == row()
    # its feed has stopped, or never came: the others deliver
    assert stock.rows("no_sales", columns) == row(-2, -1)
    assert stock.rows("late_sales", columns, **ZERO) == row(-1)
    assert stock.rows("hour", columns)[0][1] == []
    # six days, of which two, one and none are closed; a day of a supplier closes no location
    assert stock.rows("closed", columns) == row(-6, -4, -3, -1)
    assert stock.rows("closed_supplier", columns) == row(-6, -4, -3, -2, -1)
    assert stock.rows("opened", columns) == row(-6, -5, -4, -3, -2, -1)


def test_what_was_received_on_a_day_comes_before_what_was_sold_on_it_whatever_the_hours(stock):
    columns = "product_id on_hand"
    assert stock.rows("hours", columns) == [
        # 10 + 30 - 15 - 4, and what was sold on the day before the receipt can't be of it
        ("more_than_counted", 21.0),
        ("received_on_the_next_day", 30.0),
        ("returned", 2.0),
    ]


def test_what_moves_after_a_count_without_an_hour(stock):
    columns = "product_id on_hand is_day_taken"
    assert stock.rows("today", columns) == [
        ("received", 100.0, True),
        ("sold", 100.0, True),
        ("still", 100.0, False),
    ]
    assert stock.rows("no_hour", columns) == [
        ("by_day", 100.0, True),
        ("by_hour", 96.0, True),
        ("received", 104.0, True),
    ]
    assert stock.rows("no_hour", columns, **OTHERS) == [
        ("by_day", 98.0, False),
        ("by_hour", 94.0, False),
        ("received", 106.0, False),
    ]


def test_a_count_after_midnight_is_one_of_the_evening_before(stock):
    assert stock.rows("midnight", "product_id stock_status") == [
        ("evening", "counted"),
        ("night", "counted"),
        ("night_before", "judged"),
    ]
    # the total of its day comes after it; that of the day before was in it
    assert stock.rows("night", "product_id on_hand") == [("by_day", 8.0)]
    # and it takes nothing from a count of its day without an hour, which names more
    assert stock.rows("both", "product_id stock_status on_hand") == [
        ("at_0", "counted", 10.0),
        ("at_5", "counted", 7.0),
    ]
    # the count after midnight is of the evening before; the next evening's is newer, also of what it does not name
    assert stock.rows("evening", "product_id stock_status on_hand units_expected") == [
        ("left_out", "judged", 0.0, 10.0),
        ("named", "counted", 8.0, None),
    ]


def test_a_count_of_the_start_of_its_day_is_older_than_one_of_that_night(stock):
    columns = "product_id stock_status on_hand"
    assert stock.rows("morning", columns, counts_hold_their_day=False) == [
        ("at_0", "counted", 10.0),
        ("at_5", "counted", 7.0),
        ("at_both", "counted", 7.0),
    ]
    # one that holds its whole day is newer
    assert stock.rows("morning", columns) == [
        ("at_0", "counted", 10.0),
        ("at_5", "judged", 0.0),
        ("at_both", "counted", 10.0),
    ]


def test_days_are_those_of_the_stores_clocks(stock):
    # of the day that is counted, in New York from 5:00 on; what is sold at 4:00 is of the day before
    assert stock.rows("zone", "product_id on_hand", **OTHERS) == [("by_hour", 8.0)]


def test_the_first_expired_is_the_first_sold(stock):
    assert stock.rows("lots", "product_id on_hand expiring_lots") == [
        ("breaks", 4.0, [(5, 4.0)]),
        # 3 and 2 of yesterday's lot, and 2 of the later one
        ("evening", 4.0, [(5, 4.0)]),
        # 3 of yesterday's lot are sold before its day, 2 are lost; 4 of the later one are sold since
        ("expires", 3.0, [(5, 2.0)]),
        # never below 0: what is received later is there
        ("more_sold_than_counted", 4.0, []),
        ("returned", 4.0, []),
        # what is thrown away is what has expired
        ("spoils", 6.0, [(5, 6.0)]),
    ]


def test_a_product_that_a_newer_count_does_not_name(stock):
    # the sales of yesterday are known, 19 of the 24 hours; those of today's 5 hours are not
    hours = pytest.approx(5 / 24)
    assert stock.rows("absent", "product_id stock_status on_hand units_expected days_unknown") == [
        ("counted_0", "judged", 0.0, 0.0, hours),
        ("expired", "judged", 0.0, 0.0, hours),
        # 299 days and 23 hours, but for yesterday and the day on which all were closed
        ("long_ago", "judged", 0.0, 10.0, pytest.approx(300 - 1 / 24 - 2)),
        ("named", "counted", 1.0, None, None),
        ("not_sold", "judged", 0.0, 10.0, hours),
        ("received_before", "judged", 0.0, 4.0, hours),
        ("received_since", "judged", 6.0, 0.0, hours),
        ("sold", "judged", 0.0, 0.0, hours),
    ]
    columns = "product_id stock_status on_hand is_stock_stale"
    zero = {row[0]: row[1:] for row in stock.rows("absent", columns, **ZERO)}
    assert zero["not_sold"] == ("absent", 0.0, False) and zero["received_since"] == ("absent", 6.0, False)
    last = {row[0]: row[1:] for row in stock.rows("absent", columns, **OTHERS)}
    assert (last["not_sold"], last["received_before"]) == (("counted", 10.0, False), ("counted", 4.0, False))
    assert last["long_ago"] == ("counted", 10.0, True)


def test_a_partial_count_says_nothing_of_others(stock):
    assert stock.rows("partial", "product_id stock_status on_hand counted_on") == [
        ("a", "counted", 8.0, date(2017, 1, 8)),
        ("b", "counted", 4.0, date(2017, 1, 9)),
        ("c", "judged", 0.0, date(2017, 1, 8)),
    ]
    # all counts are of some products: each product has its own newest
    assert stock.rows("partial", "product_id on_hand is_stock_stale", **ZERO) == [
        ("a", 8.0, False),
        ("b", 4.0, False),
        ("c", 9.0, True),
    ]


def test_never_counted_and_too_old(stock):
    columns = "product_id stock_status on_hand is_stock_stale"
    # the count of today holds what came on its day
    assert stock.rows("day_s_count", columns)[1] == ("never", "never_counted", 0.0, False)
    assert stock.rows("three_days", columns) == [("a", "counted", 1.0, False)]
    assert stock.rows("four_days", columns) == [
        ("a", "counted", 1.0, True),
        ("never", "never_counted", 0.0, True),
    ]
    assert stock.rows("long_ago", columns) == [("a", "counted", 7.0, True)]
    assert stock.rows("never_counted", columns) == [("never", "no_count", 0.0, True)]


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


def test_what_the_first_orders_say_holds_for_every_earlier_day_but_for_orders_of_ours(spark):
    def of(product, known_on, **more):
        keys = {"order_id": "", "order_number": "", "file_number": 1, "known_on": known_on}
        return landed(product, 6, day(3), policy="erp") | keys | more

    tomorrow, after = date(2017, 1, 11), date(2017, 1, 12)
    their = [of("theirs", tomorrow), of("ours", tomorrow, order_id="id of ours"), of("later", after)]
    columns = "product_id known_on own_order_id"
    # the first file is of tomorrow
    orders = [our_order("ours", 6, day(1))]
    assert rows_of(spark, "landed_versions", columns, landed_orders=their, orders=orders) == [("theirs", None, None)]
    values = {"landed_until": day(2)}
    assert rows_of(spark, "landed_versions", columns, values=values, landed_orders=their, orders=orders) == [
        ("later", after, None),
        ("ours", tomorrow, "id of ours"),
        ("theirs", None, None),
    ]
    # not the first file where an older version took one, and noted no day
    older = [*their, of("older", None)]
    assert rows_of(spark, "landed_versions", columns, landed_orders=older, orders=orders) == [("older", None, None)]
    assert rows_of(spark, "landed_versions", columns, values=values, landed_orders=older, orders=orders) == [
        ("later", after, None),
        ("older", None, None),
        ("ours", tomorrow, "id of ours"),
        ("theirs", tomorrow, None),
    ]


def test_an_order_number_that_is_used_again_is_another_order(spark):
    def of(product, ordered, file, state=None, quantity=40, **more):
        keys = {"order_id": "", "order_number": "17", "file_number": file, "order_status": state}
        return landed(product, quantity, day(3), policy="erp", ordered=day(ordered)) | keys | more

    arrived = {"received_quantity": 40.0}
    their = [
        of("again", -90, 1, "received", **arrived),
        of("again", -4, 2, "open"),
        of("again", -4, 3, quantity=30),
        # a file may tell the history too
        of("again", -90, 3, "received", **arrived),
        of("cancelled", -90, 1, "cancelled"),
        of("cancelled", -4, 2, "open"),
        of("twice", -90, 1, **arrived),
        of("twice", -50, 2, "open"),
        of("twice", -50, 3, "received"),
        of("twice", -4, 4, "open"),
        # one order, whose day is written in another way from file to file
        of("redated", -4, 1, "open"),
        of("redated", -3, 2, "open", received_quantity=10.0),
        of("redated", -2, 3, "received"),
        of("redated", -1, 4, "received"),
        of("again_and_redated", -90, 1, "received"),
        of("again_and_redated", -4, 2, "open"),
        of("again_and_redated", -3, 3, "open"),
        # an end that was a mistake, and one that is not taken back
        of("reopened", -4, 1, "received"),
        of("reopened", -4, 2, "open"),
        of("silent", -4, 1, "received"),
        of("silent", -3, 2),
        # of days before that of the order that ended
        of("older", -4, 1, "received"),
        of("older", -9, 2, "open"),
    ]
    first = {(product, file): identity for product, file, identity in rows_of(
        spark, "landed_versions", "product_id file_number identity", landed_orders=their, orders=[]
    ) if (product, file) != ("again", 3)}  # fmt: skip
    old, new = "number 17", "number 17 of 2017-01-06"
    assert first == {
        ("again", 1): old,
        ("again", 2): new,
        ("again_and_redated", 1): old,
        ("again_and_redated", 2): new,
        ("again_and_redated", 3): new,
        ("cancelled", 1): old,
        ("cancelled", 2): new,
        ("older", 1): old,
        ("older", 2): old,
        ("redated", 1): old,
        ("redated", 2): old,
        ("redated", 3): old,
        ("redated", 4): old,
        ("reopened", 1): old,
        ("reopened", 2): old,
        ("silent", 1): old,
        ("silent", 2): old,
        ("twice", 1): old,
        ("twice", 2): "number 17 of 2016-11-21",
        ("twice", 3): "number 17 of 2016-11-21",
        ("twice", 4): new,
    }
    told = rows_of(spark, "landed_versions", "product_id quantity identity", landed_orders=their, orders=[])
    assert ("again", 30.0, new) in told
    assert told.count(("again", 40.0, old)) == 2


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
        # heard of for the first time, weeks after it was due
        version("history", 10, 5, state="received", ordered_at=day(-60), eta=day(-40)),
        version("ours_at_last", 10, 5, state="received", ordered_at=day(-60), eta=day(-40), own_order_id="x"),
        version("at_last", 10, 2, state="open", ordered_at=day(-60), eta=day(-40)),
        version("at_last", 10, 5, state="received", ordered_at=day(-60), eta=day(-40)),
    ]
    assert rows_of(spark, "receipts", "product_id units received_at", landed_versions=versions) == [
        ("at_last", 10.0, day(-5, 0)),
        ("at_once", 10.0, day(-9, 0)),
        ("in_three", 3.0, day(-8, 0)),
        ("in_three", 7.0, day(-5, 0)),
        ("ours_at_last", 10.0, day(-5, 0)),
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
        their_line("overdue_by_its_day", 8, None, "S9", ordered=day(-31)),
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
    tables = {"landed_lines": their, "own_on_order": our, "product_suppliers": terms}
    arrivals = dict(rows_of(spark, "open_orders", "product_id arrivals", **tables))
    assert arrivals == {
        "both": [(3, 2.0), (3, 9.0)],
        "in_lead_time": [(0, 8.0)],
        "landed": [(1, 2.0), (2, 4.0)],
        "late": [(0, 1.0), (0, 3.0), (3, 5.0)],
        "our_late_order": [(0, 6.0)],
        "our_order": [(1, 6.0)],
        "our_order_came_back": [(1, 7.0)],
        "overdue": [(0, 2.0)],
        "two_sources": [(2, 1.0), (2, 2.0)],
    } | dict.fromkeys(("our_order_was_received", "overdue_by_its_day", "overdue_by_lead_time", "received"), [])
    since = rows_of(spark, "open_orders", "product_id late_orders late_since overdue_since", **tables)
    assert {product: told for product, *told in since if any(told)} == {
        "in_lead_time": [1, day(-28).date(), None],
        "late": [1, day(-2).date(), None],
        "our_late_order": [1, day(-1).date(), None],
        "overdue": [1, day(-30).date(), day(-31).date()],
        "overdue_by_its_day": [0, None, day(-31).date()],
        "overdue_by_lead_time": [0, None, day(-33).date()],
    }
    columns = "product_id on_order on_order_late overdue last_ordered_at"
    assert rows_of(spark, "open_orders", columns, **tables) == [
        ("both", 11.0, 0.0, 0.0, {"S1": day(-1)}),
        ("in_lead_time", 8.0, 8.0, 0.0, {"S2": day(-35)}),
        ("landed", 6.0, 0.0, 0.0, {"S1": day(-5)}),
        ("late", 9.0, 3.0, 0.0, {"S1": day(-5)}),
        ("our_late_order", 6.0, 6.0, 0.0, {"S1": day(-5)}),
        ("our_order", 6.0, 0.0, 0.0, {"S1": day(-5)}),
        ("our_order_came_back", 7.0, 0.0, 0.0, {"S1": day(-8)}),
        ("our_order_was_received", 0.0, 0.0, 0.0, {"S1": day(-8)}),
        ("overdue", 2.0, 2.0, 5.0, {"S1": day(-5)}),
        ("overdue_by_its_day", 0.0, 0.0, 8.0, {"S9": day(-31)}),
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
