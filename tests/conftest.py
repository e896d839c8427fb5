"""One Spark session for all tests that need one: starting it costs more than any of them. Unit tests never ask for
it. At the end stands what all processes of the tests took together.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WITH_SPARK = (HERE / "spark", HERE / "e2e")
METER = pytest.StashKey()


def pytest_sessionstart(session):
    if Path("/proc").is_dir():  # where the system tells of its processes
        from tests.perf.meter import Meter

        session.config.stash[METER] = Meter(period=1.0).__enter__()


def pytest_terminal_summary(terminalreporter, config):
    if METER in config.stash:
        meter = config.stash[METER]
        meter.__exit__()
        terminalreporter.write_line(
            f"all processes of the tests: {meter.cpu / 60:.1f} CPU-minutes in {meter.wall / 60:.1f} minutes of wall"
        )
    by_file: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration"):
                by_file[report.nodeid.split("::")[0]] += report.duration
    if sum(by_file.values()) > 60:
        terminalreporter.write_line("files that took longest:")
        for file, seconds in by_file.most_common(12):
            terminalreporter.write_line(f"  {seconds:6.1f} s  {file}")


def pytest_collection_modifyitems(items):
    for item in items:
        if any(folder in item.path.parents for folder in WITH_SPARK):
            item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def spark():
    # here and not above: unit tests must not import what needs pyspark
    from invopt.spark.session import spark_session

    # tests work on few rows, and two processes of them share a machine with the commands that they start
    settings = {"spark.driver.memory": "4g"}
    session = spark_session("invopt-tests", settings=settings, local_threads=2, is_short=True)
    yield session
    session.stop()
