"""What texts mean: one line per text, all lines of a dataset and its settings in one query.

Each case is a header, a text, and either the value that it is or how the sentence of its rejection goes on.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import functions as F

from invopt.pipelines.rules import broken_rules
from invopt.pipelines.typed import typed
from invopt.tables.datasets import BY_NAME

GOOD = {
    "StoreID": "s1", "ProductID": "p1", "SupplierID": "v1", "BrandID": "b1", "InventoryPolicyName": "erp",
    "Quantity": "1", "Units": "1", "Price": "1", "LeadTime": "1", "Cost": "1", "BackorderCost": "1", "Demand": "1",
    "OrderTimestamp": "2026-01-01", "TransactionDateTime": "2026-01-01", "InventoryDateTime": "2026-01-01",
    "DateTime": "2026-01-01", "ForecastDateTime": "2026-01-01",
}  # fmt: skip


class Rejected(str):
    """How the rule of a rejected line goes on after its header."""


MISSING, NO_NUMBER, NO_DATE = Rejected("is missing"), Rejected("is not a number: "), Rejected("is not a date: ")


def outcomes(spark, name, cases, extra=None, **settings):
    """(header, text, value or rules) of each case, as `typed` has it."""
    dataset = BY_NAME[name]
    headers = [field.header for field in dataset.fields]
    extra = extra or {}
    rows = [
        (number, *(text if here == header else GOOD.get(here) for here in headers), None, *extra.values())
        for number, (header, text, _) in enumerate(cases)
    ]
    columns = [*(f"`{header}`" for header in headers), "malformed_line", *extra]
    lines = spark.createDataFrame(rows, "n int, " + ", ".join(f"{column} string" for column in columns))
    read = typed(lines, dataset, **settings)
    kept = {key: value for key, value in settings.items() if key in ("decimal", "formats")}
    values = [F.col(field.column) for field in dataset.fields]
    rules = broken_rules(read, dataset, **kept)
    by_number = {row["n"]: row for row in read.select("n", *values, "is_broken", rules.alias("rules")).collect()}
    by_header = {field.header: field.column for field in dataset.fields}
    for number, (header, text, expected) in enumerate(cases):
        row = by_number[number]
        value = row[by_header[header]]
        if isinstance(value, datetime):
            value = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        yield header, text, expected, value, row["is_broken"], row["rules"]


def check(spark, name, cases, extra=None, **settings):
    wrong = []
    for header, text, expected, value, is_broken, rules in outcomes(spark, name, cases, extra, **settings):
        if isinstance(expected, Rejected):
            is_right = is_broken and len(rules) == 1 and rules[0].startswith(f"{header} {expected}")
        else:
            is_right = not is_broken and rules == [] and value == expected
        if not is_right:
            wrong.append(f"{header} {text!r}: {value!r}, {rules}, not {expected!r}")
    assert not wrong, "\n".join(wrong)


def of(header, *pairs):
    return [(header, text, expected) for text, expected in pairs]


NUMBERS = of(
    "Quantity",
    ("5", 5.0), ("12.5", 12.5), ("1e3", 1000.0), ("+5", 5.0), (".5", 0.5), ("5.", 5.0), ("\u00a05\u202f", 5.0),
    ("\ufeff7", 7.0), ("\t8\r", 8.0), ("1,234.56", 1234.56), ("1.234,56", 1234.56), ("1 234,5", 1234.5),
    ("1\u202f234", 1234.0), ("1'234.5", 1234.5), ("1,234,567", 1234567.0), ("1.234.567", 1234567.0), ("12,5", 12.5),
    ("0,125", 0.125), ("1.234", 1.234), ("1,23,456.5", 123456.5),
    ("1,234", Rejected("may be 1234 or 1.234 ")), ("999,999", Rejected("may be 999999 or 999.999 ")),
    ("5-", Rejected("is below 0: 5-")), ("(5)", Rejected("is below 0: (5)")), ("\u22125", Rejected("is below 0")),
    ("1e13", Rejected("is above 1e+12: 1e13")),
    ("$5", NO_NUMBER), ("5 %", NO_NUMBER), ("1.5f", NO_NUMBER), ("5d", NO_NUMBER), ("0x1p3", NO_NUMBER),
    ("Infinity", NO_NUMBER), ("1e400", NO_NUMBER), ("5 kg", NO_NUMBER), ("1 2", NO_NUMBER), ("1,2,3", NO_NUMBER),
    ("--5", NO_NUMBER), ("two", NO_NUMBER), ("(5", NO_NUMBER),
    ("NULL", Rejected("is missing (it says NULL)")), ("nan", Rejected("is missing (it says nan)")),
    ("", MISSING), (None, MISSING), ("\u00a0 ", MISSING),
)  # fmt: skip
OPTIONAL = [
    *((header, word, None) for header in ("ETA", "ConfidenceInterval", "Fulfilled") for word in
      (None, "", "null", "NULL", "N/A", "na", "n/a", "-", "--", "None", "nan", "NaN", "nil", "#N/A", "Missing", "\\N",
       "(null)", "NaT", "\u00a0-\u00a0")),
    *of("ETA", ("0000-00-00", None), ("0000-00-00 00:00:00", None), ("00.00.0000", None)),
    *of("Fulfilled", *((word, True) for word in
        ("t", "TRUE", "Yes", "y", "1", "1.0", "on", "Ja", "oui", "si", "WAHR", "x")),
        *((word, False) for word in ("f", "False", "NO", "n", "0", "0.0", "off", "nein", "non", "falsch")),
        ("maybe", Rejected("is not True or False: maybe")), ("2", Rejected("is not True or False"))),
    *of("InventoryPolicyName", ("none", "none"), ("", MISSING)),
]  # fmt: skip
DATES = of(
    "ETA",
    *((text, "2026-02-27 00:00:00") for text in
      ("2026-02-27", "2026-2-27", "2026/02/27", "20260227", "2026.02.27", "27.02.2026", "27.2.2026", "27/02/2026",
       "02/27/2026", "27-02-2026", "2026-02-27T00:00:00+01:00", "2026-02-27T00:00:00Z", "2026-02-27 00:00:00 +0100")),
    *((text, "2026-02-27 20:05:00") for text in
      ("2026-02-27 20:05:00", "2026-02-27T20:05", "27.02.2026 20:05", "02/27/2026 8:05 PM", "2026-02-27 08:05 p.m.",
       "20260227 20:05:00", "2026-02-27T20:05:00-05:00", "2026-02-27 20:05:00.000")),
    ("02/27/2026 12:10 AM", "2026-02-27 00:10:00"), ("05/05/2026", "2026-05-05 00:00:00"),
    ("9999-12-31", "9999-12-31 00:00:00"), ("31.12.9999", "9999-12-31 00:00:00"),
    ("9999-12-31T23:59:59-05:00", "9999-12-31 00:00:00"),
    ("10/02/2026", Rejected("may be day first or month first (say which by `dates` under `mapping: orders`")),
    ("46080", Rejected("is a number and no date; as a spreadsheet's day it would be 2026-02-27 (add `excel` to ")),
    ("1989-12-31", Rejected("is not in the years 1990 to 2100 or 9999")),
    ("2101-01-01", Rejected("is not in the years")), ("0001-01-01", Rejected("is not in the years")),
    *((text, NO_DATE) for text in
      ("202602", "2026", "2026-02", "08:00:00", "T08:00:00", "12345", "2026-02-30", "31/04/2026", "1772150400",
       "2026-02-27 25:00", "tomorrow", "10000-01-01", "27/02/26", "20261327", "2026-02-27 13:00 PM")),
)  # fmt: skip
MOMENTS = of(
    "OrderTimestamp",
    ("2026-02-27T08:00:00+01:00", "2026-02-27 07:00:00"), ("2026-03-02T00:00:00+01:00", "2026-03-01 23:00:00"),
    ("2026-02-27 08:00:00Z", "2026-02-27 08:00:00"), ("2026-02-27", "2026-02-27 00:00:00"),
    ("9999-12-31", Rejected("is not in the years 1990 to 2100: ")),
    ("0000-00-00", Rejected("is missing (it says 0000-00-00)")), ("", MISSING),
)  # fmt: skip
IDS = of(
    "ProductID",
    *((text, text) for text in ("007", "1E5", "01.0", "8_4", "0x1F", "12:30", "yes", "STORE1", "aB", "1.10", "p-1")),
    ("4006381333931.0", "4006381333931"), ("4.006381333931E12", "4006381333931"),
    ("4.006381333931e+12", "4006381333931"), ("5.0", "5"), ("5.00", "5"), ("4.0E12", "4000000000000"),
    (" p\u00a0", "p"), ("A\u00a01", "A 1"), ("\ufeffp", "p"), ("p\u200b1", "p1"),
    ("1.23457E+12", Rejected("was a number that has lost its last digits")),
    ("12345678901234567.0", Rejected("was a number that has lost its last digits")),
    ("1.2345678901234567E17", Rejected("was a number that has lost its last digits")),
    ("NULL", Rejected("is missing (it says NULL); where that is an id, set `ids: {product_id: any_text}`")),
    ("-", Rejected("is missing (it says -)")), ("#N/A", Rejected("is missing (it says #N/A)")),
    ("NA", "NA"), ("none", "none"), ("nan", "nan"), ("Unknown", "Unknown"),
)  # fmt: skip


def test_texts_of_orders(spark):
    check(spark, "orders", [*NUMBERS, *OPTIONAL, *DATES, *MOMENTS, *IDS])


def test_words_for_nothing_are_ids_where_that_is_said(spark):
    words = of("ProductID", *((word, word) for word in ("NULL", "NA", "none", "-")), ("", MISSING), ("5.0", "5"))
    check(spark, "orders", words, ids={"product_id": ["any_text"]})


def test_terms_have_ranges_and_money_its_signs(spark):
    cases = [
        *of("Cost", ("$5", 5.0), ("5 €", 5.0), ("EUR 5,50", 5.5), ("$1,234.50", 1234.5), ("1e13", Rejected("is above")),
            ("-$5", Rejected("is below 0: -$5")), ("1,234", Rejected("may be 1234 or 1.234"))),
        *of("ServiceLevel", ("95%", 0.95), ("97,5 %", 0.975), ("0.95", 0.95), ("150%", Rejected("is above 1: 150%"))),
        *of("MinOrderQuantity", ("-1", None), ("-1.0", None), ("NULL", None), ("-2", Rejected("is below 0: -2"))),
        *of("LeadTime", ("3650", 3650.0), ("1e10", Rejected("is above 3,650: 1e10")), ("1e8", Rejected("is above"))),
        *of("ShipmentFreq", ("1 week", 7), ("none", None), ("-1", None), ("soon", Rejected("is not a duration")),
            ("99999999 months", Rejected("is above 36,500")), ("9" * 20 + " days", Rejected("is above 36,500"))),
        *of("PriceBreaks", ("50: 9.5; 100: 9", "50:9.5;100:9"), ("n/a", None), ("50 for 9", Rejected("is not a list"))),
    ]  # fmt: skip
    check(spark, "store_product_supplier", cases)


@pytest.mark.parametrize(
    ("decimal", "cases"),
    [
        (".", [("1,234", 1234.0), ("1.234", 1.234), ("1,234.5", 1234.5), ("12,5", NO_NUMBER), ("1.234,5", NO_NUMBER)]),
        (",", [("1,234", 1.234), ("1.234", 1234.0), ("1.234,5", 1234.5), ("12,5", 12.5), ("7", 7.0), ("1.5", NO_NUMBER),
               ("0.125", NO_NUMBER), ("1,234.5", NO_NUMBER)]),
    ],
)  # fmt: skip
def test_a_declared_decimal_sign_decides(spark, decimal, cases):
    check(spark, "sales", of("Price", *cases), decimal=decimal)


def test_numbers_of_files_with_types_have_a_point_whatever_is_declared(spark):
    lines = typed_lines(spark, [("1.234", True), ("1.234", False)])
    read = typed(lines, BY_NAME["sales"], decimal=",")
    assert [row["unit_price"] for row in read.orderBy("n").collect()] == [1.234, 1234.0]


def typed_lines(spark, prices):
    fields = BY_NAME["sales"].fields
    rows = [
        (n, *(price if field.header == "Price" else GOOD[field.header] for field in fields), None, is_typed)
        for n, (price, is_typed) in enumerate(prices)
    ]
    columns = ", ".join(f"`{field.header}` string" for field in fields)
    return spark.createDataFrame(rows, f"n int, {columns}, malformed_line string, is_of_typed_file boolean")


@pytest.mark.parametrize(
    ("order", "cases"),
    [
        ("dmy", [("27/02/2026", "2026-02-27 00:00:00"), ("10/02/2026 08:00", "2026-02-10 08:00:00"),
                 ("02/27/2026", Rejected("is not a date as its file writes them, day first")),
                 ("27.02.2026", "2026-02-27 00:00:00"), ("2026-02-27", "2026-02-27 00:00:00")]),
        ("mdy", [("02/27/2026", "2026-02-27 00:00:00"), ("10/02/2026 8:00 PM", "2026-10-02 20:00:00"),
                 ("27/02/2026", Rejected("is not a date as its file writes them, month first")),
                 ("27.02.2026", "2026-02-27 00:00:00")]),
    ],
)  # fmt: skip
def test_one_order_of_day_and_month_for_all_dates_of_a_file(spark, order, cases):
    both = [*of("ETA", *cases), *of("OrderTimestamp", *cases)]
    check(spark, "orders", both, extra={"dates": order})


def test_declared_formats_come_first_and_decide_alone(spark):
    cases = of(
        "ETA",
        ("31/12/2025", "2025-12-31 00:00:00"), ("10/02/2026", "2026-02-10 00:00:00"),
        ("10/02/2026 08:00", "2026-02-10 08:00:00"), ("2026-02-27", "2026-02-27 00:00:00"),
        ("46080", "2026-02-27 00:00:00"), ("46080.5", "2026-02-27 12:00:00"), ("2958465", "9999-12-31 00:00:00"),
        ("02/27/2026", Rejected("is not a date by the formats dd/MM/yyyy, excel of `dates` under `mapping: orders`")),
        ("12345", Rejected("is not in the years")),
    )  # fmt: skip
    check(spark, "orders", cases, formats=("dd/MM/yyyy", "excel"))


@pytest.mark.parametrize(("dataset", "header"), [("sales", "TransactionDateTime"), ("orders", "ETA")])
def test_dots_are_read_as_declared_too(spark, dataset, header):
    declared = of(
        header,
        ("03.02.2026", "2026-03-02 00:00:00"), ("02.28.2026", "2026-02-28 00:00:00"),
        ("2026-02-27", "2026-02-27 00:00:00"), ("28.02.2026", Rejected("is not a date by the formats MM.dd.yyyy")),
    )  # fmt: skip
    check(spark, dataset, declared, formats=("MM.dd.yyyy",))
    days_first = of(
        header,
        ("2026-02-03", "2026-03-02 00:00:00"),
        ("2026-02-13", Rejected("is not a date by the formats yyyy-dd-MM")),
    )
    check(spark, dataset, days_first, formats=("yyyy-dd-MM",))
    plain = of(header, ("02.03.2026", Rejected("is not a date by the formats yyyy-MM-dd")))
    check(spark, dataset, plain, formats=("yyyy-MM-dd",))


def test_zones_move_moments_and_no_days(spark):
    orders = [
        *of("ETA", ("2026-07-02 08:00:00", "2026-07-02 08:00:00"), ("2026-07-02", "2026-07-02 00:00:00")),
        *of("OrderTimestamp", ("2026-07-02 08:00:00", "2026-07-02 06:00:00"), ("2026-07-02", "2026-07-02 00:00:00"),
            ("2026-07-02T08:00:00Z", "2026-07-02 08:00:00"), ("2026-01-02 00:00:00", "2026-01-01 23:00:00"),
            ("07/22/2026 8:00 PM", "2026-07-22 18:00:00")),
    ]  # fmt: skip
    check(spark, "orders", orders, zone="Europe/Berlin")
    counts = of(
        "InventoryDateTime",
        ("2026-07-02 00:00:00", "2026-07-02 00:00:00"), ("2026-07-02 08:00", "2026-07-02 06:00:00"),
        ("2026-07-02T00:00:00+02:00", "2026-07-02 00:00:00"), ("2026-07-01T23:30:00-05:00", "2026-07-02 04:30:00"),
    )  # fmt: skip
    check(spark, "inventory", counts, zone="Europe/Berlin")


def test_of_a_piece_there_are_no_fractions_and_of_an_unknown_product_there_may_be(spark):
    pieces = spark.createDataFrame([("p1",)], "product_id string")
    dataset = BY_NAME["inventory"]
    nothing = [None] * (len(dataset.fields) - 3)  # for the fields behind the units, and the malformed line
    rows = [("s1", product, "2026-01-01", units, *nothing) for product in ("p1", "kg") for units in ("2", "1.5")]
    columns = ", ".join(f"`{field.header}` string" for field in dataset.fields)
    read = typed(spark.createDataFrame(rows, f"{columns}, malformed_line string"), dataset, pieces=pieces)
    seen = {
        (row["product_id"], row["units"]): (row["is_broken"], row["rules"])
        for row in read.select("product_id", "units", "is_broken", broken_rules(read, dataset).alias("rules")).collect()
    }
    reason = ["Units is not a whole number, and the product's UnitOfMeasure is piece: 1.5"]
    assert seen == {
        ("p1", 2.0): (False, []),
        ("p1", 1.5): (True, reason),
        ("kg", 2.0): (False, []),
        ("kg", 1.5): (False, []),
    }


def test_each_line_of_a_rejected_file_is_rejected_with_its_keys(spark):
    ((_, _, _, value, is_broken, rules),) = outcomes(
        spark, "orders", of("ProductID", ("p9", "p9")), extra={"file_problem": "dates of both orders"}
    )
    assert (value, is_broken, rules) == ("p9", True, ["dates of both orders"])
