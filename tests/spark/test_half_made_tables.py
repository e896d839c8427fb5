"""A table whose maker died is made by the next run: in a folder, at a URI, in a catalog."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from pathlib import Path

import pytest
from deltalake import DeltaTable

from invopt.config import LakehouseConfig
from invopt.errors import TableError
from invopt.spark import unborn
from invopt.spark.failures import explained
from invopt.spark.folders import LocalFolder
from invopt.spark.session import hadoop_folder
from invopt.spark.stores import open_store
from invopt.tables import Table
from invopt.tables.columns import optional, required
from tests.unit.test_unborn import LEFT, OF_OTHERS, TABLES, lay

COLUMNS = (required("run_id", "string", "", "run"), optional("weight", "double", "kg", "weight"))
PLAIN = Table("gold.weights", "weights", COLUMNS, ("run_id",), remade_by="invopt inputs")
CLUSTERED = Table("gold.weights", "weights", COLUMNS, ("run_id",), ("run_id",), remade_by="invopt inputs")
_number = itertools.count()


@pytest.fixture(autouse=True)
def no_wait(monkeypatch):
    monkeypatch.setattr(unborn, "QUIET", 0.0)


@pytest.fixture(params=["folder", *(pytest.param(name, marks=pytest.mark.slow) for name in ("uri", "catalog"))])
def lakehouse(request, tmp_path, spark):
    """A lakehouse, and the folder in which its table gold.weights will lie."""
    root, schema = tmp_path / "lake", f"half{next(_number)}_"
    if request.param != "catalog":
        yield LakehouseConfig(root=("file:" if request.param == "uri" else "") + str(root)), root / "gold" / "weights"
        return
    warehouse = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:"))
    yield (
        LakehouseConfig(catalog="spark_catalog", schema_prefix=schema, state=str(root)),
        warehouse / f"{schema}gold.db" / "weights",
    )


def left_to_try(lakehouse: LakehouseConfig) -> list[str]:
    # a catalog knows a table only after its first commit: one cut short is a damaged table there
    return [name for name in LEFT if lakehouse.root is not None or "first commit" not in name]


@pytest.mark.parametrize("table", [PLAIN, CLUSTERED], ids=["plain", "clustered"])
def test_the_next_run_makes_the_table(lakehouse, table, spark, tmp_path):
    config, place = lakehouse
    for number, name in enumerate(left_to_try(config)):
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        lay(place, LEFT[name])
        store = open_store(spark, config)
        assert not store.exists(table) and store.version(table) == -1 and store.is_empty(table), name
        rows = [("r1", float(number))]
        if number % 2:
            assert store.append(table, rows) == 1, name
        else:
            assert store.replace(table, spark.createDataFrame(rows, "run_id string, weight double"), {"run_id": "r1"})
        assert [tuple(row) for row in store.rows(table)] == rows, name
        if config.catalog is not None:
            spark.sql(f"DROP TABLE {store.places.sql_name(table)}")


def test_files_that_may_be_rows_stop_the_run_and_stay(lakehouse, spark):
    config, place = lakehouse
    if config.catalog is not None:
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {config.catalog}.{config.schema_prefix}gold")
    for name, files in OF_OTHERS.items():
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        lay(place, files)
        before = LocalFolder(str(place)).files()
        with pytest.raises(TableError, match=r"gold.weights.*(nothing was removed|damaged)"):
            open_store(spark, config).append(CLUSTERED, [("r1", 1.0)])
        assert LocalFolder(str(place)).files() == before, name


def test_a_table_that_its_catalog_has_not_heard_of_is_made_anew_where_it_has_no_row(spark, tmp_path):
    """The process died between the first commit and the catalog's note of it."""
    config = LakehouseConfig(catalog="spark_catalog", schema_prefix=f"half{next(_number)}_", state=str(tmp_path))
    warehouse = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:"))
    place = warehouse / f"{config.schema_prefix}gold.db" / "weights"
    # Spark remembers a table that it has made itself, which a new process does not
    other = open_store(spark, LakehouseConfig(root=str(tmp_path / "lake")))
    other.create(PLAIN)
    shutil.copytree(tmp_path / "lake" / "gold" / "weights", place)
    assert open_store(spark, config).append(PLAIN, [("r1", 1.0)]) == 1

    spark.sql(f"DROP TABLE {config.catalog}.{config.schema_prefix}gold.weights")
    other.append(PLAIN, [("r2", 2.0)])
    shutil.copytree(tmp_path / "lake" / "gold" / "weights", place, dirs_exist_ok=True)
    before = LocalFolder(str(place)).files()
    with pytest.raises(TableError, match="rows that the catalog does not know.*CREATE TABLE .* LOCATION"):
        open_store(spark, config).append(PLAIN, [("r1", 1.0)])
    assert LocalFolder(str(place)).files() == before


@pytest.mark.parametrize("name", [*LEFT, *TABLES, *OF_OTHERS])
def test_hadoops_file_system_sees_the_same_as_this_one(spark, tmp_path, name):
    place = tmp_path / "weights"
    lay(place, {**LEFT, **TABLES, **OF_OTHERS}[name])
    folder = hadoop_folder(spark, f"file:{place}")
    assert folder.files() == LocalFolder(str(place)).files()
    assert unborn.state(folder) is unborn.state(LocalFolder(str(place)))
    old = time.time() - 100
    for path in (*place.rglob("*"), place):
        os.utime(path, (old, old))
    assert 99 < folder.age() < 200
    if name in LEFT:
        unborn.clear(folder, "gold.weights", "", lambda line: None)
        assert not place.exists() and folder.files() is None


def test_a_skipped_write_is_an_error_unless_the_caller_knows_of_it(lakehouse, spark):
    store = open_store(spark, lakehouse[0])
    frame = spark.createDataFrame([("r2", 2.0)], "run_id string, weight double")
    assert store.append(PLAIN, [("r1", 1.0)], transaction=("feed", 7)) == 1
    for rows in ([("r2", 2.0)], frame):
        for number in (7, 6):
            with pytest.raises(TableError, match=rf"gold.weights: its rows were not .*{number} or later of feed"):
                store.append(PLAIN, rows, transaction=("feed", number))
            assert store.append(PLAIN, rows, transaction=("feed", number), is_repeat=True) == 0
    assert [tuple(row) for row in store.rows(PLAIN)] == [("r1", 1.0)]
    # no rows are not a skipped write
    assert store.append(PLAIN, frame.limit(0), transaction=("feed", 8)) == 0
    assert store.append(PLAIN, [], transaction=("feed", 9)) == 0


def test_a_damaged_table_is_told_with_its_name_and_the_way_out(spark, tmp_path):
    def table_at(name: str) -> Path:
        config = LakehouseConfig(root=str(tmp_path / name))
        for number in range(3):
            open_store(spark, config).append(PLAIN, [(f"r{number}", 1.0)])
        return tmp_path / name / "gold" / "weights"

    def told(root: str, is_frame: bool) -> str:
        store = open_store(spark, LakehouseConfig(root=root))
        with pytest.raises(Exception) as caught:  # noqa: B017 - Spark's own classes, which the command line explains
            store.read(PLAIN).collect() if is_frame else store.rows(PLAIN)
        failure = caught.value if isinstance(caught.value, TableError) else explained(caught.value)
        assert isinstance(failure, TableError), caught.value
        return str(failure)

    next(table_at("lost").glob("*.parquet")).unlink()
    place = table_at("cut")
    DeltaTable(str(place)).create_checkpoint()
    for damaged in (next(place.glob("_delta_log/*.checkpoint.parquet")), *place.glob("*.parquet")):
        damaged.write_bytes(damaged.read_bytes()[:-20])
    for name, words in (("lost", "is missing"), ("cut", "is damaged")):
        for scheme in ("", "file:"):
            for is_frame in (False, True):
                text = told(f"{scheme}{tmp_path / name}", is_frame)
                assert "gold.weights" in text and words in text and "from a backup" in text, (
                    name,
                    scheme,
                    is_frame,
                    text,
                )
