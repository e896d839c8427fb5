"""The laws of the store, in a folder, at a URI and in a catalog: slices replaced whole, keys and NULLs refused,
transactions once, writers one after the other, older tables brought to the declared columns.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from invopt.config import LakehouseConfig
from invopt.errors import ConcurrentRunError, TableError
from invopt.spark import commits
from invopt.spark.local_store import LocalStore
from invopt.spark.store import Store
from invopt.spark.stores import open_store
from invopt.tables import Table
from invopt.tables.columns import optional, required

TABLE = Table(
    "gold.weights",
    "weights of things, in the supplier's words",
    (
        required("run_id", "string", "", "run"),
        required("thing", "string", "", "thing"),
        required("weight", "double", "kg", "weight"),
        optional("note", "string", "", "anything"),
    ),
    ("run_id", "thing"),
    ("run_id",),
)
SCHEMA = "run_id string, thing string, weight double, note string"
# a catalog's tables are written by the same code as a URI's, under other names
PLACES = ("folder", *(pytest.param(place, marks=pytest.mark.slow) for place in ("uri", "catalog")))
_number = itertools.count()


@pytest.fixture(params=PLACES)
def lakehouse(request, tmp_path) -> LakehouseConfig:
    """A place for tables that no other test has."""
    root, number = tmp_path / "lake", next(_number)
    return {
        "folder": LakehouseConfig(root=str(root)),
        "uri": LakehouseConfig(root=f"file:{root}"),
        "catalog": LakehouseConfig(catalog="spark_catalog", schema_prefix=f"laws{number}_", state=str(root)),
    }[request.param]


@pytest.fixture
def store(spark, lakehouse) -> Store:
    return open_store(spark, lakehouse)


@pytest.fixture
def rows(spark):
    def make(*values: tuple, schema: str = SCHEMA):
        return spark.createDataFrame(list(values), schema)

    return make


def content(store: Store, version: int | None = None) -> list[tuple]:
    return sorted(tuple(row) for row in store.read(TABLE, version).collect())


def test_a_local_folder_has_the_quick_way_and_no_other_place(spark, store, lakehouse):
    is_folder = lakehouse.root is not None and not lakehouse.root.startswith("file:")
    assert isinstance(store, LocalStore) == is_folder


def test_replace_touches_its_slice_only_twice_is_once_and_old_versions_stay(store, rows, spark):
    lines = []
    store.log = lines.append
    assert store.version(TABLE) == -1 and not store.exists(TABLE) and store.is_empty(TABLE)
    first = rows(("r1", "a", 1.0, None), ("r1", "b", 2.0, "x"))
    assert store.replace(TABLE, first, {"run_id": "r1"}) == 2
    assert lines[-1].startswith("gold.weights: 2 rows written in ")
    assert store.replace(TABLE, rows(("r2", "a", 5.0, None)), {"run_id": "r2"}) == 1
    both = content(store)
    assert both == [("r1", "a", 1.0, None), ("r1", "b", 2.0, "x"), ("r2", "a", 5.0, None)]
    before = store.version(TABLE)
    assert store.replace(TABLE, first, {"run_id": "r1"}) == 2
    assert content(store) == both

    # columns in another order, a type that must be cast, one too many; fewer rows than before
    other = spark.sql("SELECT 'too many' AS more, 'n' AS note, 7 AS weight, 'c' AS thing, 'r1' AS run_id")
    assert store.replace(TABLE, other, {"run_id": "r1"}) == 1
    assert content(store) == [("r1", "c", 7.0, "n"), ("r2", "a", 5.0, None)]
    assert content(store, version=before) == both
    assert [tuple(row) for row in store.read(TABLE, where={"run_id": ["r1", "none"]}).collect()] == [
        ("r1", "c", 7.0, "n")
    ]
    assert store.replace(TABLE, rows().limit(0), {"run_id": "r1"}) == 0
    assert content(store) == [("r2", "a", 5.0, None)] and not store.is_empty(TABLE)

    columns = {row["col_name"]: row for row in spark.sql(f"DESCRIBE {store.places.sql_name(TABLE)}").collect()}
    assert columns["weight"]["comment"] == "weight [kg]" and columns["thing"]["comment"] == "thing"
    detail = spark.sql(f"DESCRIBE DETAIL {store.places.sql_name(TABLE)}").first()
    assert detail["description"] == TABLE.meaning and detail["clusteringColumns"] == ["run_id"]


def test_what_a_table_refuses(store, rows, spark):
    store.replace(TABLE, rows(("r1", "a", 1.0, None)), {"run_id": "r1"})
    before = content(store)
    with pytest.raises(TableError, match=r"table gold.weights: column weight must not be NULL.*nothing was written"):
        store.replace(TABLE, rows(("r1", "a", 2.0, None), ("r1", "b", None, None)), {"run_id": "r1"})
    with pytest.raises(TableError, match=r"table gold.weights: column thing must not be NULL"):
        store.append(TABLE, rows(("r1", None, 2.0, None)))
    with pytest.raises(TableError, match=r"gold.weights: the rows to write lack the columns weight, note"):
        store.append(TABLE, rows(("r1", "a"), schema="run_id string, thing string"))
    for slice_ in ({"run_id": "r1"}, {"run_id": "r4"}):  # one that has rows, and one that has none
        outside = rows((slice_["run_id"], "a", 2.0, None), ("r2", "b", 2.0, None))
        with pytest.raises(TableError, match=rf"gold.weights.*outside.*{slice_['run_id']}.*nothing was written"):
            store.replace(TABLE, outside, slice_)
    with pytest.raises(TableError, match="can't be the value of a slice"):
        store.replace(TABLE, rows(("r1", "a", 2.0, None)), {"run_id": "r1' OR 'a' = 'a"})
    assert content(store) == before
    with pytest.raises(TableError, match=r"run_id=r1, thing=a \(2 rows\)"):
        store.replace(TABLE, rows(("r1", "a", 2.0, None), ("r1", "a", 3.0, None)), {"run_id": "r1"})
    with pytest.raises(TableError, match=r"gold.others is not there.*invopt run"):
        store.read(replace(TABLE, name="gold.others"))


def test_a_transaction_is_written_once(store, rows):
    assert store.append(TABLE, rows(("r1", "a", 1.0, None)), transaction=("feed", 7)) == 1
    assert store.append(TABLE, rows(("r1", "a", 1.0, None)), transaction=("feed", 7), is_repeat=True) == 0
    assert store.append(TABLE, rows(("r1", "b", 1.0, None)), transaction=("feed", 8)) == 1
    assert store.append(TABLE, [("r1", "b", 1.0, None)], transaction=("feed", 8), is_repeat=True) == 0
    # rows that would be lost are never skipped in silence
    for lost in (rows(("r1", "d", 1.0, None)), [("r1", "d", 1.0, None)]):
        with pytest.raises(TableError, match="gold.weights: its rows were not written, because"):
            store.append(TABLE, lost, transaction=("feed", 8))
    assert store.append(TABLE, rows(), transaction=("feed", 9)) == 0
    assert store.append(TABLE, [("r1", "c", 1.0, None)], transaction=("other feed", 7)) == 1
    store.append(TABLE, rows(("r1", "d", 1.0, None)))
    assert [row[1] for row in content(store)] == ["a", "b", "c", "d"]


def test_merge_by_key_under_conditions(store, rows):
    start = [("r1", "a", 1.0, None), ("r1", "b", 2.0, None), ("r1", "c", 3.0, None)]
    store.merge(TABLE, rows(*start))
    assert content(store) == start
    store.merge(
        TABLE,
        rows(
            ("r1", "a", 10.0, "new"),
            ("r1", "b", 2.0, "same"),
            ("r1", "c", -1.0, None),
            ("r1", "d", 4.0, None),
            ("r1", "e", -2.0, None),
        ),
        delete_where="new.weight < 0",
        update_where="new.weight > old.weight",
        insert_where="new.weight > 0",
    )
    assert content(store) == [("r1", "a", 10.0, "new"), ("r1", "b", 2.0, None), ("r1", "d", 4.0, None)]
    store.merge(TABLE, rows(("r1", "a", 99.0, "only this")), update=["note"])
    assert content(store)[0] == ("r1", "a", 10.0, "only this")
    store.merge(TABLE, rows(("r1", "a", 99.0, "not at all"), ("r1", "f", 6.0, None)), update=[])
    assert content(store)[0] == ("r1", "a", 10.0, "only this") and content(store)[-1] == ("r1", "f", 6.0, None)


def test_counts_and_whether_there_is_a_row(store, rows):
    assert store.is_empty(TABLE)
    assert store.create(TABLE) and not store.create(TABLE)
    assert store.is_empty(TABLE) and store.counts(TABLE, ["run_id"]) == [] and store.rows(TABLE) == []
    store.append(TABLE, rows(("r1", "a", 1.0, "x"), ("r1", "b", 1.0, None), ("r2", "a", 1.0, None)))
    store.append(TABLE, rows(("r1", "c", 1.0, None), ("r3", "c", 1.0, "x")))
    assert not store.is_empty(TABLE)
    store.replace(TABLE, rows().limit(0), {"run_id": ["r3", "r4"]})
    assert {row["run_id"]: row["n"] for row in store.counts(TABLE, ["run_id"])} == {"r1": 3, "r2": 1}
    by_note = {tuple(row) for row in store.counts(TABLE, ["run_id", "note"], {"run_id": "r1"})}
    assert by_note == {("r1", "x", 1), ("r1", None, 2)}
    store.replace(TABLE, [], {"run_id": ["r1", "r2"]})
    assert store.is_empty(TABLE)


MOMENTS = Table(
    "gold.moments",
    "what happened when",
    (
        required("run_id", "string", "", "run"),
        required("number", "bigint", "", "number"),
        required("at", "timestamp", "", "when"),
        optional("share", "double", "", "share"),
        optional("versions", "map<string,bigint>", "", "versions"),
        optional("series", "array<array<double>>", "", "series"),
        optional("wave", "int", "", "wave"),
        optional("is_true", "boolean", "", "whether"),
        optional("day", "date", "", "day"),
    ),
    ("run_id", "number"),
)


def moment(run_id: str, number: int, at: datetime) -> tuple:
    share = None if number else 0.5
    series = [[1.0], [2.0, 3.0]]
    return (run_id, number, at, share, {"a": 1, "b": number}, series, number, bool(number), date(2026, 1, 2))


def in_utc(row: tuple) -> tuple:
    """Maps come from deltalake as lists of pairs, and moments from Spark without their zone."""
    plain = (dict(v) if isinstance(v, list) and v and isinstance(v[0], tuple) else v for v in row)
    return tuple(value.astimezone(UTC) if isinstance(value, datetime) else value for value in plain)


def test_rows_that_the_driver_has_are_written_and_read(store):
    at = datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    first, second = moment("r1", 0, at), moment("r2", 1, at.replace(tzinfo=None))
    assert store.append(MOMENTS, [first, second]) == 2
    assert store.append(MOMENTS, [moment("r1", 8, at)]) == 1
    assert store.replace(MOMENTS, [moment("r1", 9, at)], {"run_id": "r1"}) == 1
    expected = [in_utc(moment("r1", 9, at)), in_utc(second)]
    assert sorted(map(in_utc, store.rows(MOMENTS))) == expected
    assert sorted(in_utc(row) for row in store.read(MOMENTS).collect()) == expected
    assert [row["number"] for row in store.rows(MOMENTS, {"run_id": "r1", "number": 9})] == [9]
    assert store.read(MOMENTS).dtypes == [(column.name, column.type) for column in MOMENTS.columns]


def test_an_older_table_gets_the_columns_that_it_lacks_with_its_rows(store, rows, spark, lakehouse):
    older = replace(TABLE, columns=(*TABLE.columns[:3], required("colour", "string", "", "colour")))
    store.append(older, spark.sql("SELECT 'r1' AS run_id, 'a' AS thing, 1D AS weight, 'red' AS colour"))
    newer = open_store(spark, lakehouse)
    # readable before anything is written
    assert content(newer) == [("r1", "a", 1.0, None)] == list(map(tuple, newer.rows(TABLE)))
    assert list(map(tuple, newer.counts(TABLE, ["note"], {"run_id": "r1"}))) == [(None, 1)]
    assert newer.append(TABLE, rows(("r1", "b", 2.0, "x"))) == 1
    assert content(newer) == [("r1", "a", 1.0, None), ("r1", "b", 2.0, "x")]
    assert newer.append(TABLE, [("r1", "c", 3.0, "y")]) == 1
    columns = {row["col_name"]: row for row in spark.sql(f"DESCRIBE {newer.places.sql_name(TABLE)}").collect()}
    assert columns["note"]["comment"] == "anything"


def test_a_table_that_differs_otherwise_is_made_anew_only_where_its_rows_can_be(store, rows, spark, lakehouse):
    older = replace(TABLE, columns=(*TABLE.columns[:2], required("weight", "string", "", "weight")))
    store.append(older, spark.sql("SELECT 'r1' AS run_id, 'a' AS thing, 'heavy' AS weight"))
    with pytest.raises(TableError, match=r"weight is string instead of double.*can't be made again.*CHANGELOG"):
        open_store(spark, lakehouse).append(TABLE, rows(("r1", "a", 1.0, None)))
    said = []
    newer = open_store(spark, lakehouse, say=said.append)
    with pytest.raises(TableError, match="other version"):
        newer.create_all([TABLE, replace(TABLE, name="gold.missing")])
    can_be = replace(TABLE, remade_by="invopt inputs")
    assert newer.create(can_be) and newer.is_empty(can_be)
    assert said == ["  ! gold.weights is made anew, because weight is string instead of double"]
    assert newer.append(can_be, rows(("r1", "a", 1.0, None))) == 1 and not newer.create(can_be)


def test_threads_that_make_a_table_at_the_same_moment(store, spark, lakehouse, rows):
    other = open_store(spark, lakehouse)  # as another process: it shares no lock
    start = threading.Barrier(4)
    problems = []

    def add(number: int) -> None:
        start.wait()
        try:
            (store, other)[number % 2].append(TABLE, rows(("r1", f"thing{number}", 1.0, None)))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert [row[1] for row in content(store)] == [f"thing{number}" for number in range(4)]


def test_two_writers_of_one_slice_come_one_after_the_other_or_are_told(store, spark, lakehouse, rows):
    """Real threads, round after round: the slice is one writer's rows whole, and a refusal is a ConcurrentRunError."""
    rival = open_store(spark, lakehouse)  # as another process: it shares no lock
    store.replace(TABLE, rows(("other", "a", 0.0, None)), {"run_id": "other"})
    frames = {name: rows(*(("r1", f"{name}{i}", float(i), name) for i in range(20))) for name in ("x", "y")}
    start = threading.Barrier(2)
    written, refused, unexpected = [], [], []

    def write(name: str) -> None:
        for _ in range(2):
            start.wait()
            try:
                writer = store if name == "x" else rival
                written.append((name, writer.replace(TABLE, frames[name], {"run_id": "r1"})))
            except ConcurrentRunError as error:
                refused.append(str(error))
            except BaseException as error:  # told by the test below, because a thread's own would be lost
                unexpected.append(error)

    before = store.version(TABLE)
    threads = [threading.Thread(target=write, args=(name,)) for name in frames]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not unexpected
    assert len(written) + len(refused) == 4 and {n for _, n in written} == {20}
    assert all("gold.weights" in text and "another run" in text for text in refused)
    # every write that succeeded is one commit, every refused one is none
    assert store.version(TABLE) == before + len(written)
    left = content(store)
    assert left[0] == ("other", "a", 0.0, None) and len(left) == 21 and len({row[3] for row in left[1:]}) == 1


def test_a_writer_that_is_always_late_is_refused_and_leaves_nothing(
    store, spark, lakehouse, rows, monkeypatch, tmp_path
):
    """While this write's job runs, another run commits to the same slice, at each attempt, and takes no turn."""
    store.merge(TABLE, rows(("r1", "a", 1.0, None)))
    said = []
    store.say = said.append
    rival = open_store(spark, lakehouse)
    # the waits between attempts only make the test longer
    monkeypatch.setattr(commits.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(commits, "ATTEMPTS", 2)
    running, overtaken = tmp_path / "running", tmp_path / "overtaken"
    names = str(running), str(overtaken)

    def wait_to_be_overtaken(frames):
        import os
        import time

        for frame in frames:
            open(names[0], "w").close()
            while not os.path.exists(names[1]):
                time.sleep(0.02)
            os.remove(names[1])
            yield frame

    n_rival = 0
    stop = threading.Event()

    def overtake() -> None:
        nonlocal n_rival
        while not stop.wait(0.02):
            if running.exists():
                running.unlink()
                rival.merge(TABLE, rows(("r1", "a", float(n_rival + 2), "rival")))
                n_rival += 1
                overtaken.touch()

    late = rows(("r1", "late", 1.0, None)).coalesce(1).mapInPandas(wait_to_be_overtaken, SCHEMA)
    thread = threading.Thread(target=overtake)
    thread.start()
    refusal = "gold.weights.*is being written by another run.*nothing of this write was kept"
    try:
        with pytest.raises(ConcurrentRunError, match=refusal):
            store.replace(TABLE, late, {"run_id": "r1"})
    finally:
        stop.set()
        thread.join()
    assert n_rival >= commits.ATTEMPTS and content(store) == [("r1", "a", n_rival + 1.0, "rival")]
    assert len(said) == commits.ATTEMPTS - 1
    assert "gold.weights is being written by another run: trying again (2 of 2)" in said[0]


def test_a_folder_of_other_files_is_not_taken_for_a_table(spark, tmp_path, rows, monkeypatch):
    monkeypatch.setattr(commits.time, "sleep", lambda seconds: None)
    for root in (str(tmp_path), f"file:{tmp_path}"):
        folder = tmp_path / "gold" / "weights"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "notes.txt").write_text("not a table")
        with pytest.raises(TableError, match=r"gold.weights can't be used: .* has files \(notes.txt\), but no "):
            open_store(spark, LakehouseConfig(root=root)).append(TABLE, rows(("r1", "a", 1.0, None)))


@pytest.mark.parametrize("root", ["a [b] c", "100%25", "x|y", "file"])
def test_a_place_that_can_not_be_a_lakehouse_is_refused(spark, tmp_path, root):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(TableError, match="the lakehouse can't be at .*choose another one"):
        open_store(spark, LakehouseConfig(root=str(tmp_path / root)))


def test_a_catalog_of_two_names_keeps_all_tables_in_that_schema(spark, tmp_path):
    number = next(_number)
    store = open_store(spark, LakehouseConfig(catalog=f"spark_catalog.retail{number}", state=str(tmp_path)))
    assert store.append(TABLE, [("r1", "a", 1.0, None)]) == 1
    assert spark.table(f"spark_catalog.retail{number}.gold_weights").count() == 1


def test_what_is_no_delta_table_is_never_replaced(spark, tmp_path, rows):
    number = next(_number)
    schema = f"retail{number}"
    spark.sql(f"CREATE SCHEMA spark_catalog.{schema}")
    spark.sql(f"CREATE TABLE spark_catalog.{schema}.gold_weights (mine STRING) USING parquet")
    spark.sql(f"INSERT INTO spark_catalog.{schema}.gold_weights VALUES ('dear to me')")
    store = open_store(spark, LakehouseConfig(catalog=f"spark_catalog.{schema}", state=str(tmp_path)))
    with pytest.raises(TableError, match=r"gold.weights can't be made: .* is there and is no Delta table"):
        store.append(replace(TABLE, remade_by="invopt inputs"), rows(("r1", "a", 1.0, None)))
    assert spark.table(f"spark_catalog.{schema}.gold_weights").first()["mine"] == "dear to me"
