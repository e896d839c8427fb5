"""The views that join views, positions and item_state: given rows, expected rows. A case is a product."""

from __future__ import annotations

from datetime import date

from tests.item_views import AS_OF, day, rows_of


def place(product, **values):
    return {"location_id": "L1", "product_id": product, **values}


def line(product, lead_time, source="S1", confidence=0.0):
    return place(product, source_id=source, lead_time=lead_time, lead_time_confidence=confidence)


def test_positions_of_stock(spark):
    terms = [
        line("nothing", 2.0),
        line("expiring", 3.0),
        line("expires_later", 2.0),
        line("no_forecast", 2.0),
        line("two_sources", 2.0, "S1"),
        line("two_sources", 2.0, "S2"),
    ]
    stock = [
        # 5 expire in 2 days, with 4 sold until then; of these and 10 more 6 are sold in 3 days: 9 are lost
        place("expiring", on_hand=19.0, expiring_lots=[(2, 5.0), (3, 10.0)]),
        place("expires_later", on_hand=5.0, expiring_lots=[(3, 5.0)]),
        place("no_forecast", on_hand=6.0, expiring_lots=[(1, 4.0)]),
        place("two_sources", on_hand=8.0, expiring_lots=[]),
    ]
    orders = [
        place("two_sources", on_order=7.0, on_order_late=3.0, last_ordered_at={"S2": day(-2), "S9": day(-1)}),
        place("never_supplied", on_order=7.0, on_order_late=0.0, last_ordered_at={"S1": day(-2)}),
    ]
    forecasts = [place(product, demand_mean=[2.0] * 4) for product in ("nothing", "expiring", "expires_later")]
    columns = "product_id source_id on_hand expiring on_order on_order_late inventory_position last_ordered_at"
    tables = {"item_terms": terms, "stock": stock, "open_orders": orders, "forecast": forecasts}
    assert rows_of(spark, "positions", columns, **tables) == [
        ("expires_later", "S1", 5.0, 0.0, 0.0, 0.0, 5.0, None),
        ("expiring", "S1", 19.0, 9.0, 0.0, 0.0, 10.0, None),
        ("no_forecast", "S1", 6.0, 4.0, 0.0, 0.0, 2.0, None),
        ("nothing", "S1", 0.0, 0.0, 0.0, 0.0, 0.0, None),
        # whoever supplies it, it is on order; the last order is each source's own
        ("two_sources", "S1", 8.0, 0.0, 7.0, 3.0, 15.0, None),
        ("two_sources", "S2", 8.0, 0.0, 7.0, 3.0, 15.0, day(-2)),
    ]


def test_positions_of_what_arrives_when(spark):
    products = ("nothing", "soon", "after_the_forecast", "no_forecast")
    orders = [
        place("soon", on_order=9.0, arrivals=[(0, 1.0), (2, 3.0), (2, 5.0)]),
        place("after_the_forecast", on_order=9.0, arrivals=[(3, 1.0), (4, 2.0), (4000, 6.0)]),
        place("no_forecast", on_order=2.0, arrivals=[(1, 2.0)]),
        place("nothing", on_order=0.0, arrivals=[]),
    ]
    forecasts = [place(product, demand_mean=[2.0] * 4) for product in products[:3]]
    tables = {"item_terms": [line(product, 2.0) for product in products], "open_orders": orders, "forecast": forecasts}
    assert rows_of(spark, "positions", "product_id on_order scheduled_receipts", **tables) == [
        ("after_the_forecast", 9.0, [0.0, 0.0, 0.0, 1.0, 8.0]),
        ("no_forecast", 2.0, None),
        ("nothing", 0.0, None),
        ("soon", 9.0, [1.0, 0.0, 8.0]),
    ]


def test_positions_of_lead_time_demand(spark):
    mean, variance = [1.0, 2.0, 3.0, 6.0], [2.0, 4.0, 6.0, 8.0]
    terms = [
        line("at_once", 0.0),
        line("part_of_a_day", 2.5),
        line("longer_than_the_forecast", 6.0),
        line("no_forecast", 2.0),
        line("no_variance", 2.0, confidence=1.0),
        line("unknown_day", 2.0),
        line("uncertain", 2.0, confidence=2.9),
    ]
    forecasts = [
        place(product, demand_mean=mean, demand_variance=variance)
        for product in ("at_once", "part_of_a_day", "longer_than_the_forecast", "uncertain")
    ]
    forecasts += [
        place("no_variance", demand_mean=mean),
        place("unknown_day", demand_mean=[1.0, None, 3.0], demand_variance=[1.0, None, 3.0]),
    ]
    columns = "product_id lead_time_demand_mean lead_time_demand_variance"
    tables = {"item_terms": terms, "stock": [], "open_orders": [], "forecast": forecasts}
    assert rows_of(spark, "positions", columns, **tables) == [
        ("at_once", 0.0, 0.0),
        # two days more, at the forecast's mean day of 3 and 5
        ("longer_than_the_forecast", 12.0 + 2 * 3, 20.0 + 2 * 5),
        ("no_forecast", None, None),
        ("no_variance", 3.0, None),
        ("part_of_a_day", 3.0 + 0.5 * 3, 6.0 + 0.5 * 6),
        ("uncertain", 3.0, 6.0 + 3 * 3 * 2.0),  # each of -2..2 days as likely: a variance of 2 days
        ("unknown_day", None, None),
    ]


def position(location, product, **values):
    given = {"unit_cost": 1.0, "backorder_cost": 1.0, "lead_time": 1.0, "lead_time_confidence": 0.0, "source_rank": 1}
    stock = dict.fromkeys(("on_hand", "expiring", "on_order", "on_order_late", "inventory_position"), 0.0)
    keys = {"location_id": location, "product_id": product, "source_id": "S1"}
    return keys | given | stock | {"fixed_order_cost": 5.0, "forecast_made_at": AS_OF} | values


def kept(location, product, storage, cost, **limits):
    return {"location_id": location, "product_id": product, "storage_id": storage, "holding_cost": cost, **limits}


def test_products_that_a_newer_count_does_not_name(spark):
    absent = {"stock_status": "judged", "on_hand": 1.0, "is_stock_stale": False}
    forecast = {"demand_mean": [4.0, 4.0], "demand_variance": [9.0, 9.0]}
    # (units expected, days unknown, forecast): in 4 days of 4 +- 3 at most 16 + 3 * 6 = 34 are sold, by Poisson 28
    cases = {
        "can_be_gone": (34.0, 4.0, forecast),
        "can_not_be_gone": (34.5, 4.0, forecast),
        "poisson_gone": (28.0, 4.0, {"demand_mean": [4.0, 4.0]}),
        "poisson_not_gone": (28.5, 4.0, {"demand_mean": [4.0, 4.0]}),
        "nothing_left": (0.0, 0.0, {}),
        "no_forecast": (0.5, 4.0, {}),
        "all_sales_known": (0.5, 0.0, forecast),
    }
    stock = [place(name, units_expected=one[0], days_unknown=one[1], **absent) for name, one in cases.items()]
    stock.append(place("counted", stock_status="counted", on_hand=7.0, is_stock_stale=False))
    terms = [line(name, 2.0) for name in (*cases, "counted", "without_a_row")]
    forecasts = [place(name, **one[2]) for name, one in cases.items() if one[2]]
    tables = {"item_terms": terms, "stock": stock, "open_orders": [], "forecast": forecasts}
    assert rows_of(spark, "positions", "product_id stock_status on_hand is_stock_stale", **tables) == [
        ("all_sales_known", "missing", 1.0, False),
        ("can_be_gone", "absent", 1.0, False),
        ("can_not_be_gone", "missing", 1.0, False),
        ("counted", "counted", 7.0, False),
        ("no_forecast", "missing", 1.0, False),
        ("nothing_left", "absent", 1.0, False),
        ("poisson_gone", "absent", 1.0, False),
        ("poisson_not_gone", "missing", 1.0, False),
        ("without_a_row", "no_count", 0.0, True),
    ]


def test_item_state(spark):
    fresh = {"snapshot_at": day(0, 5), "counted_on": date(2017, 1, 10), "is_stock_stale": False}
    old = {"snapshot_at": day(-4), "counted_on": date(2017, 1, 6), "is_stock_stale": True, "stock_status": "counted"}
    counted = fresh | {"stock_status": "counted"}
    missing = fresh | {"stock_status": "missing", "units_expected": 1234.5, "on_hand": 0.0}
    tables = {
        "unread": [],
        "positions": [
            position("L1", "complete", price_breaks=[(50.0, 0.9), (100.0, 0.8)], is_day_taken=True, **counted),
            position("L1", "bare", fixed_order_cost=None, forecast_made_at=None, **counted),
            position("L1", "missing", **missing),
            position("L1", "unsold", **counted | {"on_hand": 7.0, "unsold_days": [17177, 17178]}),
            position("L1", "unsold_long", **counted | {"on_hand": 7.0, "unsold_days": [17177, 17178, 17179, 17182]}),
            position("L1", "never_counted", **fresh, stock_status="never_counted"),
            position("L2", "stale", **old | {"on_hand": 9.0}),
            position("L3", "no_count", stock_status="no_count", is_stock_stale=True),
        ],
        "assortment": [
            {"location_id": "L1", "product_id": "complete", "department_id": "D3", "disposal_cost": 0.25},
            {"location_id": "L1", "product_id": "not_supplied", "department_id": "D3"},
        ],
        "products": [{"product_id": "complete", "list_price": 9.0, "unit_volume": 0.5, "shelf_life": 21}],
        "product_storage": [
            kept("L1", "complete", "A", 0.3, max_inventory=10.0, min_inventory=1.0, lost_sale_cost=4.0),
            kept("L1", "complete", "B", 0.1, max_inventory=5.0, min_inventory=2.0, lost_sale_cost=5.0),
            kept("L2", "stale", "A", 0.3, max_inventory=10.0),
            kept("L2", "stale", "B", 0.3),  # takes all
            *(
                kept("L3" if name == "no_count" else "L1", name, "A", 0.3)
                for name in ("no_count", "missing", "never_counted", "unsold", "unsold_long")
            ),
        ],
        "storages": [{"location_id": "L1", "storage_id": "B", "storage_cost_budget": 12.5}],
    }
    problems = {
        "complete": None,
        "bare": "no forecast made in the 14 days before 2017-01-10; no storage cost in store_product_storage; its "
        "supplier is not in suppliers",
        "missing": "not in the count of 2017-01-10, 1,234.5 expected",
        "never_counted": None,
        "stale": "the stock count of 2017-01-06 is older than 3 days (inputs.stock_max_age)",
        "no_count": "the location has no stock count",
        "unsold": None,
        "unsold_long": None,
    }
    assert dict(rows_of(spark, "item_state", "product_id problem", **tables)) == problems
    columns = "product_id is_blocked on_hand inventory_position stock_expected stock_status remark"
    taken = "what moved on 2017-01-10 without an hour to tell is taken to be in the stock count of that day"
    since = "since its stock count of 2017-01-10, are not known: what was sold then still counts as on hand"
    short = f"the sales of 2017-01-11, 2017-01-12, {since}"
    long = f"the sales of 4 days from 2017-01-11 to 2017-01-16, {since}"
    assert rows_of(spark, "item_state", columns, **tables) == [
        ("bare", False, 0.0, 0.0, None, "counted", None),
        ("complete", False, 0.0, 0.0, None, "counted", f"{taken} (inputs.count_time)"),
        ("missing", True, None, None, 1234.5, "missing", None),
        ("never_counted", False, 0.0, 0.0, None, "never_counted", "no stock count names it: 0 on hand"),
        ("no_count", True, None, None, 0.0, "no_count", None),
        ("stale", True, None, None, 9.0, "counted", None),
        ("unsold", False, 7.0, 0.0, None, "counted", short),
        ("unsold_long", False, 7.0, 0.0, None, "counted", long),
    ]
    columns = "product_id is_blocked on_hand problem"
    ordered = rows_of(spark, "item_state", columns, values={"holds_stale_stock": False}, **tables)
    assert [row for row in ordered if row[0] in ("missing", "stale")] == [
        ("missing", True, None, problems["missing"]),
        ("stale", False, 9.0, problems["stale"]),
    ]
    columns = "product_id storage_id holding_cost lost_sale_cost min_inventory max_inventory storage_cost_budget"
    assert rows_of(spark, "item_state", columns, **tables) == [
        ("bare", None, None, None, None, None, None),
        ("complete", "B", 0.1, 5.0, 3.0, 15.0, 12.5),
        ("missing", "A", 0.3, None, None, None, None),
        ("never_counted", "A", 0.3, None, None, None, None),
        ("no_count", "A", 0.3, None, None, None, None),
        ("stale", "A", 0.3, None, None, None, None),
        ("unsold", "A", 0.3, None, None, None, None),
        ("unsold_long", "A", 0.3, None, None, None, None),
    ]
    columns = "product_id run_id as_of snapshot_at is_stock_stale department_id disposal_cost list_price unit_volume"
    assert rows_of(spark, "item_state", columns, **tables) == [
        ("bare", "r", AS_OF, day(0, 5), False, None, None, None, None),
        ("complete", "r", AS_OF, day(0, 5), False, "D3", 0.25, 9.0, 0.5),
        ("missing", "r", AS_OF, day(0, 5), False, None, None, None, None),
        ("never_counted", "r", AS_OF, day(0, 5), False, None, None, None, None),
        ("no_count", "r", AS_OF, None, True, None, None, None, None),
        ("stale", "r", AS_OF, day(-4), True, None, None, None, None),
        ("unsold", "r", AS_OF, day(0, 5), False, None, None, None, None),
        ("unsold_long", "r", AS_OF, day(0, 5), False, None, None, None, None),
    ]
    columns = "product_id price_break_quantity price_break_cost"
    assert rows_of(spark, "item_state", columns, **tables)[1] == ("complete", [50.0, 100.0], [0.9, 0.8])


def test_an_item_is_blocked_where_a_row_that_it_needs_has_ended(spark):
    ended = date(2017, 1, 9)
    no_terms = "not in store_product_supplier of 2017-01-09"
    products = ("none", "terms", "assortment", "product", "storage", "one_space", "space", "several")
    tables = {
        "unread": [],
        "positions": [
            position("L1", product, delisted=no_terms if product in ("terms", "several") else None)
            for product in products
        ],
        "assortment": [place("assortment", absent_since=ended), place("several", absent_since=ended), place("none")],
        "products": [{"product_id": "product", "absent_since": ended}, {"product_id": "none"}],
        "product_storage": [
            *(kept("L1", product, "A", 0.3) for product in ("none", "terms", "assortment", "product", "several")),
            kept("L1", "storage", "A", 0.2, absent_since=ended, max_inventory=7.0),
            kept("L1", "storage", "B", 0.1, absent_since=ended),
            # of two spaces the one that has not ended counts, though it is dearer
            kept("L1", "one_space", "A", 0.1, absent_since=ended, max_inventory=7.0, min_inventory=2.0),
            kept("L1", "one_space", "B", 0.3, max_inventory=5.0, min_inventory=1.0),
            kept("L1", "space", "C", 0.3),
        ],
        "storages": [{"location_id": "L1", "storage_id": "C", "absent_since": ended}],
    }
    columns = "product_id is_blocked problem"
    assert rows_of(spark, "item_state", columns, **tables) == [
        ("assortment", True, "not in store_department_brand_products of 2017-01-09"),
        ("none", False, None),
        ("one_space", False, None),
        ("product", True, "not in brands_products of 2017-01-09"),
        ("several", True, f"{no_terms}; not in store_department_brand_products of 2017-01-09"),
        ("space", True, "not in store_storage of 2017-01-09"),
        ("storage", True, "not in store_product_storage of 2017-01-09"),
        ("terms", True, no_terms),
    ]
    columns = "product_id storage_id holding_cost min_inventory max_inventory"
    spaces = {row[0]: row[1:] for row in rows_of(spark, "item_state", columns, **tables)}
    assert spaces["one_space"] == ("B", 0.3, 1.0, 5.0) and spaces["storage"][:2] == ("B", 0.1)
