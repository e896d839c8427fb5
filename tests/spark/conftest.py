"""One Spark session for all tests under tests/spark: starting it costs more than any of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from invopt.spark.session import FAST_START, spark_session


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def spark():
    session = spark_session("invopt-tests", settings=FAST_START, local_threads=2)
    yield session
    session.stop()
