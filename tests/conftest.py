"""One Spark session for all tests that need one: starting it costs more than any of them. Unit tests never ask for
it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
WITH_SPARK = (HERE / "spark", HERE / "e2e")


def pytest_collection_modifyitems(items):
    for item in items:
        if any(folder in item.path.parents for folder in WITH_SPARK):
            item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def spark():
    # here and not above: unit tests must not import what needs pyspark
    import os
    from invopt.spark.session import FAST_START, spark_session

    settings = {}
    if "fast" in os.environ.get("TS_HOW", ""): settings |= FAST_START
    if "nocg" in os.environ.get("TS_HOW", ""): settings |= {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    session = spark_session("invopt-tests", settings=settings, local_threads=2)
    yield session
    session.stop()
