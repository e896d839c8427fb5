"""Rows of the driver's as a frame: the same values and types that Spark makes of them by its own, slower way."""

from datetime import UTC, date, datetime

import pytest

from invopt.spark.frames import frame

COLUMNS = "moment timestamp, local timestamp, list array<double>, map map<string,array<double>>, day date, n bigint"
MOMENT = datetime(2026, 6, 1, 12)
ROWS = [(MOMENT.replace(tzinfo=UTC), MOMENT, [1.5, None], {"k": [2.0]}, date(2026, 6, 1), 3), (None,) * 6]


def test_rows_become_what_spark_makes_of_them(spark):
    ours, theirs = frame(spark, ROWS, COLUMNS), spark.createDataFrame(ROWS, COLUMNS)
    assert ours.schema == theirs.schema
    assert ours.collect() == theirs.collect()
    assert frame(spark, [], COLUMNS).schema == theirs.schema and frame(spark, [], COLUMNS).isEmpty()


@pytest.mark.parametrize(("value", "column"), [(1, "text string"), (1.5, "n bigint"), ("1", "n bigint")])
def test_a_value_of_another_type_is_refused_and_not_cast(spark, value, column):
    with pytest.raises((TypeError, ValueError)):
        frame(spark, [(value,)], column)
