"""A local folder's faster ways give the same rows as the general way, which stays where deltalake can't do it."""

from __future__ import annotations

import threading
from dataclasses import replace

import deltalake
import pytest

from invopt.config import LakehouseConfig
from invopt.errors import TableError
from invopt.spark import declared, direct, local_store
from invopt.spark.local_store import LocalStore
from invopt.spark.spark_store import SparkStore
from invopt.spark.stores import open_store
from invopt.tables import Table, every_table
from invopt.tables.columns import optional, required

STATISTICS = "spark.databricks.delta.stats.skipping"
TABLE = Table(
    "gold.weights",
    "weights of things",
    (
        required("run_id", "string", "", "run"),
        required("thing", "string", "", "thing"),
        optional("weight", "double", "kg", "weight"),
    ),
    ("run_id", "thing"),
    ("run_id",),
)
SCHEMA = "run_id string, thing string, weight double"


@pytest.fixture
def store(spark, tmp_path) -> LocalStore:
    opened = open_store(spark, LakehouseConfig(root=str(tmp_path / "lake")))
    assert isinstance(opened, LocalStore)
    return opened


@pytest.fixture
def rows(spark):
    return lambda *values: spark.createDataFrame(list(values), SCHEMA)


def content(store) -> list[tuple]:
    return sorted(tuple(row) for row in store.read(TABLE).collect())


def modes(store) -> list[str]:
    history = deltalake.DeltaTable(store.places.path(TABLE)).history()
    return [commit["operationParameters"].get("mode", commit["operation"]) for commit in reversed(history)]


def test_a_slice_that_has_no_row_yet_is_appended_to(store, rows, spark, monkeypatch):
    """Looking for rows to replace costs more than the write; only where the log says that there are none is it left
    out.
    """
    store.replace(TABLE, rows(("r1", "a", 1.0)), {"run_id": "r1"})
    store.replace(TABLE, rows(("r2", "a", 1.0), ("r2", "b", 1.0)), {"run_id": ["r2", "r3"]})
    assert modes(store)[1:] == ["Append", "Append"]
    store.replace(TABLE, rows(("r3", "c", 1.0)), {"run_id": ["r2", "r3"]})  # r2 has rows, so they go
    assert content(store) == [("r1", "a", 1.0), ("r3", "c", 1.0)]
    # where others can't be kept out, or where deltalake can't tell, nothing is appended
    monkeypatch.setattr(local_store, "turn", not_alone)
    store.replace(TABLE, rows(("r5", "a", 1.0)), {"run_id": "r5"})
    monkeypatch.undo()
    with_deletion_vectors(store, spark)
    store.replace(TABLE, rows(("r6", "a", 1.0)), {"run_id": "r6"})
    assert [mode for mode in modes(store)[3:] if mode in ("Append", "Overwrite")] == ["Overwrite"] * 3
    assert [row[0] for row in content(store)] == ["r1", "r3", "r5", "r6"]


class not_alone:
    """A turn on a file system that has no locks."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> bool:
        return False

    def __exit__(self, *_: object) -> None:
        pass


def with_deletion_vectors(store, spark) -> None:
    name = store.places.sql_name(TABLE)
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")


NUMBERED = Table(
    "gold.numbered",
    "weights of waves",
    (
        required("run_id", "string", "", "run"),
        optional("wave", "int", "", "wave"),
        optional("weight", "double", "kg", "weight"),
    ),
    (),
    ("run_id", "wave"),
)


def test_the_rows_of_a_slice_are_those_that_delta_gives(spark, tmp_path):
    """Read from the files that the log names, for every slice, also where a file has rows of several, and where only
    Spark can tell.
    """
    values = [
        (f"r-{run}" if run % 2 else "r", wave, 10.0 * run + (wave or 0))
        for run in range(4)
        for wave in (None, -1, 0, 1, 2)
    ]
    # Spark would take the second for a pattern
    for root in (tmp_path / "lake", tmp_path / "a {b}, c"):
        store = open_store(spark, LakehouseConfig(root=str(root)))
        for part in (values[:7], values[7:8], values[8:]):
            frame = spark.createDataFrame(part, "run_id string, wave int, weight double")
            store.append(NUMBERED, frame.coalesce(1))
        # a file without the row takes the old one's place
        spark.sql(f"DELETE FROM {store.places.sql_name(NUMBERED)} WHERE weight = 11")
        there = [tuple(row) for row in store.read(NUMBERED).collect()]
        assert len(there) == len(values) - 1
        for run_id in ("r", "r-1", "r-2", "other"):
            for more, is_wave in (
                ({"wave": 1}, lambda wave: wave == 1),
                ({"wave": 7}, lambda wave: False),
                ({}, lambda wave: True),
            ):
                read = store.read(NUMBERED, where={"run_id": [run_id, "none"], **more})
                assert read.columns == ["run_id", "wave", "weight"]
                expected = [row for row in there if row[0] == run_id and is_wave(row[1])]
                assert sorted(map(tuple, read.collect()), key=str) == sorted(expected, key=str)


@pytest.fixture
def by_spark(monkeypatch) -> list[str]:
    """The tables that were read by Delta's own index of their files, in turn."""
    asked, general = [], SparkStore.read

    def read(store, table, *how):
        asked.append(table.name)
        return general(store, table, *how)

    monkeypatch.setattr(SparkStore, "read", read)
    return asked


def test_a_small_table_is_read_by_its_files_at_every_version(store, rows, by_spark, monkeypatch):
    store.create(TABLE)
    assert tuple(store.read(TABLE).columns) == TABLE.column_names and content(store) == []
    written = [("r1", "a", 1.0), ("r1", "b", None), ("r2", "a", 3.0)]
    for row in written:
        store.append(TABLE, rows(row))
    store.replace(TABLE, rows(("r2", "c", 4.0)), {"run_id": "r2"})
    by_files = [store.read(TABLE, version) for version in range(store.version(TABLE) + 1)]
    assert by_spark == []
    for version, read in enumerate(by_files):
        general = SparkStore.read(store, TABLE, version)
        assert sorted(map(tuple, read.collect()), key=str) == sorted(map(tuple, general.collect()), key=str)
    assert content(store) == [*written[:2], ("r2", "c", 4.0)]
    # what was read before a write stays what it was
    before = store.read(TABLE)
    store.replace(TABLE, rows(("r1", "d", 5.0)), {"run_id": "r1"})
    assert sorted(map(tuple, before.collect())) == [*written[:2], ("r2", "c", 4.0)]
    # many files, or much data, are Delta's
    for limit in ("FEW_FILES", "LITTLE_DATA"):
        by_spark.clear()
        with monkeypatch.context() as changed:
            changed.setattr(local_store, limit, 1)
            assert content(store) == [("r1", "d", 5.0), ("r2", "c", 4.0)] and by_spark == [TABLE.name]


def test_an_older_table_is_read_as_it_was_made(store, spark, by_spark):
    """A column that it lacks is NULL; a type that is not the declared one is Delta's to read."""
    name = store.places.sql_name(TABLE)
    spark.sql(f"CREATE TABLE {name} (run_id string, thing string) USING delta")
    spark.sql(f"INSERT INTO {name} VALUES ('r1', 'a')")
    assert content(store) == [("r1", "a", None)] and by_spark == []
    spark.sql(f"ALTER TABLE {name} ADD COLUMN weight string")
    spark.sql(f"INSERT INTO {name} VALUES ('r1', 'b', '2.5')")
    assert content(store) == [("r1", "a", None), ("r1", "b", "2.5")] and by_spark == [TABLE.name]


def test_writers_of_slices_that_overlap_take_turns(store, rows, spark):
    said = []
    rival = LocalStore(spark, store.places, say=said.append)
    store.create(TABLE)
    with store.turn(TABLE) as is_alone:
        assert is_alone
        slices = {"run_id": ["r1", "r2"]}
        thread = threading.Thread(target=rival.replace, args=(TABLE, rows(("r1", "b", 2.0)), slices))
        thread.start()
        while not said:
            assert thread.is_alive()
            thread.join(0.05)
    thread.join()
    assert content(store) == [("r1", "b", 2.0)]
    assert "gold.weights is being written by another run: waiting" in said[0]


def test_a_table_made_without_spark_is_the_one_that_spark_makes(store, spark, tmp_path):
    tables = [table for table in every_table() if not table.cluster_by]
    assert len(tables) > 5
    general = SparkStore(spark, type(store.places)(LakehouseConfig(root=str(tmp_path / "general"))))
    for table in tables:
        seen = []
        for maker in (general, store):
            maker.create(table)
            detail = spark.sql(f"DESCRIBE DETAIL {maker.places.sql_name(table)}").first()
            schema = spark.table(maker.places.sql_name(table)).schema.jsonValue()
            facts = ("description", "properties", "partitionColumns", "minReaderVersion")
            seen.append((schema, *(detail[fact] for fact in facts)))
        assert seen[0] == seen[1], table.name


def test_what_deltalake_can_not_write_or_read_is_left_to_spark(store, rows, spark, monkeypatch):
    def refuse(*_: object) -> int:
        raise direct.NotForUs("a feature of tomorrow")

    monkeypatch.setattr(direct, "append", refuse)
    assert store.append(TABLE, [("r1", "a", 1.0)]) == 1
    monkeypatch.undo()
    assert [tuple(row) for row in store.rows(TABLE)] == [("r1", "a", 1.0)]


@pytest.mark.parametrize("feature", ["delta.columnMapping.mode' = 'name", "delta.enableDeletionVectors' = 'true"])
def test_tables_with_features_of_others_are_read_right(store, rows, spark, feature, request):
    """deltalake's pyarrow way gives NULL in every cell of a column-mapped table, without an error."""
    store.append(TABLE, rows(("r1", "a", 1.0), ("r1", "b", 2.0), ("r2", "c", 3.0)))
    name = store.places.sql_name(TABLE)
    versions = "'delta.minReaderVersion' = '3', 'delta.minWriterVersion' = '7'"
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ({versions}, '{feature}')")
    if "columnMapping" in feature:
        spark.sql(f"ALTER TABLE {name} RENAME COLUMN weight TO mass")
        spark.sql(f"ALTER TABLE {name} RENAME COLUMN mass TO weight")
    spark.sql(f"DELETE FROM {name} WHERE thing = 'b'")
    # without statistics, as in a session that starts fast, Delta reads no deletion vectors, and says so
    is_kept = spark.conf.get(STATISTICS)
    request.addfinalizer(lambda: spark.conf.set(STATISTICS, is_kept))
    spark.conf.set(STATISTICS, "true")
    expected = [("r1", "a", 1.0)]
    assert [tuple(row) for row in store.rows(TABLE, {"run_id": "r1"})] == expected
    assert [tuple(row) for row in store.read(TABLE, where={"run_id": "r1"}).collect()] == expected
    assert {tuple(row) for row in store.counts(TABLE, ["run_id"])} == {("r1", 1), ("r2", 1)}
    assert store.append(TABLE, [("r1", "d", 4.0)]) == 1 and len(content(store)) == 3


def test_columns_are_told_in_the_words_of_the_declaration(store, spark):
    store.create(replace(TABLE, name="gold.others"))
    there = direct.columns(store.places.path(replace(TABLE, name="gold.others")))
    assert there == {column.name: (column.type, column.is_nullable) for column in TABLE.columns}
    assert declared.differences(TABLE, there) == []


@pytest.mark.parametrize("place", ["gold", "gold/weights"])
def test_a_file_where_a_folder_is_needed_is_named(store, rows, tmp_path, place):
    path = tmp_path / "lake" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a note")
    said = f"a file stands where a folder is needed, at {tmp_path}/lake/gold.* Move it away, then run again"
    if place == "gold":
        with pytest.raises(TableError, match=f"the gold layer: {said}"), store.turn("gold"):
            pass
    with pytest.raises(TableError, match=f"table gold.weights: {said}"):
        store.append(TABLE, rows(("r1", "a", 1.0)))
    assert path.read_text() == "a note"
