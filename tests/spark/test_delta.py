"""The one way to write a table: slices replaced whole, keys and NULLs refused, transactions once, concurrent writers
in sequence.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from invopt.config import LakehouseConfig
from invopt.errors import ConcurrentRunError, TableError
from invopt.spark import commits, delta, direct
from invopt.spark.delta import Lakehouse
from invopt.spark.making import make_folder
from invopt.tables import Table, every_table
from invopt.tables.columns import Column

TABLE = Table(
    "gold.weights",
    "weights of things",
    (
        Column("run_id", "string", "", "run", is_nullable=False),
        Column("thing", "string", "", "thing", is_nullable=False),
        Column("weight", "double", "kg", "weight", is_nullable=False),
        Column("note", "string", "", "anything"),
    ),
    ("run_id", "thing"),
    ("run_id",),
)
SCHEMA = "run_id string, thing string, weight double, note string"


@pytest.fixture(scope="module")
def lakehouses(spark, tmp_path_factory):
    """A new lakehouse for each test that asks."""

    def make() -> Lakehouse:
        return Lakehouse(spark, LakehouseConfig(root=str(tmp_path_factory.mktemp("lake"))))

    return make


@pytest.fixture
def rows(spark):
    def make(*values: tuple, schema: str = SCHEMA):
        return spark.createDataFrame(list(values), schema)

    return make


def content(lakehouse, version=None):
    return sorted(tuple(row) for row in lakehouse.read(TABLE, version).collect())


def test_replace_touches_its_slice_only_twice_is_once_and_old_versions_stay(lakehouses, rows, spark):
    lakehouse = lakehouses()
    lines = []
    lakehouse.log = lines.append
    assert lakehouse.version(TABLE) == -1 and not lakehouse.exists(TABLE)
    one = rows(("r1", "a", 1.0, None), ("r1", "b", 2.0, "x"))
    assert lakehouse.replace(TABLE, one, {"run_id": "r1"}) == 2
    assert lines[-1].startswith("gold.weights: 2 rows written in ")
    assert lakehouse.replace(TABLE, rows(("r2", "a", 5.0, None)), {"run_id": "r2"}) == 1
    both = content(lakehouse)
    assert both == [("r1", "a", 1.0, None), ("r1", "b", 2.0, "x"), ("r2", "a", 5.0, None)]
    before = lakehouse.version(TABLE)
    assert lakehouse.replace(TABLE, one, {"run_id": "r1"}) == 2
    assert content(lakehouse) == both

    # columns in another order, a type that must be cast, one too many; fewer rows than before
    other = spark.sql("SELECT 'too many' AS more, 'n' AS note, 7 AS weight, 'c' AS thing, 'r1' AS run_id")
    assert lakehouse.replace(TABLE, other, {"run_id": "r1"}) == 1
    assert content(lakehouse) == [("r1", "c", 7.0, "n"), ("r2", "a", 5.0, None)]
    assert content(lakehouse, version=before) == both
    assert lakehouse.replace(TABLE, rows(("r1", "c", 7.0, "n")).limit(0), {"run_id": "r1"}) == 0
    assert content(lakehouse) == [("r2", "a", 5.0, None)]

    detail = spark.sql(f"DESCRIBE DETAIL delta.`{lakehouse.path(TABLE)}`").first()
    assert detail["description"] == TABLE.meaning and detail["clusteringColumns"] == ["run_id"]
    comments = {
        row["col_name"]: row["comment"] for row in spark.sql(f"DESCRIBE delta.`{lakehouse.path(TABLE)}`").collect()
    }
    assert comments["weight"] == "weight [kg]" and comments["thing"] == "thing"


def test_what_a_table_refuses(lakehouses, rows, spark):
    lakehouse = lakehouses()
    lakehouse.replace(TABLE, rows(("r1", "a", 1.0, None)), {"run_id": "r1"})
    before = content(lakehouse)
    with pytest.raises(TableError, match=r"table gold.weights: column weight must not be NULL.*nothing was written"):
        lakehouse.replace(TABLE, rows(("r1", "a", 2.0, None), ("r1", "b", None, None)), {"run_id": "r1"})
    with pytest.raises(TableError, match=r"table gold.weights: column thing must not be NULL"):
        lakehouse.append(TABLE, rows(("r1", None, 2.0, None)))
    with pytest.raises(TableError, match=r"gold.weights: the rows to write lack the columns weight, note"):
        lakehouse.append(TABLE, rows(("r1", "a"), schema="run_id string, thing string"))
    with pytest.raises(TableError, match=r"gold.weights.*outside.*run_id = 'r1'"):
        lakehouse.replace(TABLE, rows(("r1", "a", 2.0, None), ("r2", "b", 2.0, None)), {"run_id": "r1"})
    with pytest.raises(TableError, match="can't be the value of a slice"):
        lakehouse.replace(TABLE, rows(("r1", "a", 2.0, None)), {"run_id": "r1' OR 'a' = 'a"})
    assert content(lakehouse) == before

    with pytest.raises(TableError, match=r"run_id=r1, thing=a \(2 rows\)"):
        lakehouse.replace(TABLE, rows(("r1", "a", 2.0, None), ("r1", "a", 3.0, None)), {"run_id": "r1"})

    with pytest.raises(TableError, match=r"gold.weights is not there.*invopt run"):
        lakehouses().read(TABLE)
    path = lakehouses().path(TABLE)
    spark.sql("SELECT 'r1' AS run_id, 'a' AS thing, 'heavy' AS weight").write.format("delta").save(path)
    other = Lakehouse(spark, LakehouseConfig(root=path.removesuffix("/gold/weights")))
    for write in (
        lambda: other.append(TABLE, rows(("r1", "a", 1.0, None))),
        lambda: other.replace(TABLE, rows(), {"run_id": "r1"}),
        lambda: other.merge(TABLE, rows(("r1", "a", 1.0, None))),
    ):
        with pytest.raises(TableError, match=r"lacks the declared columns: weight double, note string"):
            write()


def history(lakehouse) -> list[str]:
    rows = lakehouse.delta_table(TABLE).history().orderBy("version").collect()
    return [row["operationParameters"].get("mode", row["operation"]) for row in rows]


def test_a_slice_that_has_no_row_yet_is_appended_to(lakehouses, rows, monkeypatch):
    """Looking for rows to replace costs more than the write; only where the log tells that there are none is it left
    out.
    """
    lakehouse = lakehouses()
    one, two = rows(("r1", "a", 1.0, None)), rows(("r2", "a", 1.0, None), ("r2", "b", 1.0, None))
    lakehouse.replace(TABLE, one, {"run_id": "r1"})
    lakehouse.replace(TABLE, two, {"run_id": ["r2", "r3"]})
    assert history(lakehouse)[1:] == ["Append", "Append"]
    with pytest.raises(
        TableError, match=r"gold.weights: a row to write lies outside of the slice run_id = 'r4'; nothing was written"
    ):
        lakehouse.replace(TABLE, rows(("r4", "a", 2.0, None), ("r2", "b", 2.0, None)), {"run_id": "r4"})
    with pytest.raises(TableError, match=r"outside of the slice run_id = 'r4'"):
        lakehouse.replace(TABLE, rows(("r4", "a", 2.0, None), (None, "b", 2.0, None)), {"run_id": "r4"})
    with pytest.raises(TableError, match=r"lack the columns thing, weight, note"):
        lakehouse.replace(TABLE, rows(("r4",), schema="run_id string"), {"run_id": "r4"})
    assert len(history(lakehouse)) == 3
    lakehouse.replace(TABLE, rows(("r3", "c", 1.0, None)), {"run_id": ["r2", "r3"]})  # r2 has rows, so they go
    assert content(lakehouse) == [("r1", "a", 1.0, None), ("r3", "c", 1.0, None)]
    # where others can't be kept out, or where deltalake can't tell, nothing is appended
    monkeypatch.setattr(delta, "turn", lambda *args: contextlib.nullcontext(False))
    lakehouse.replace(TABLE, rows(("r5", "a", 1.0, None)), {"run_id": "r5"})
    monkeypatch.undo()
    lakehouse.spark.sql(
        f"ALTER TABLE delta.`{lakehouse.path(TABLE)}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"
    )
    lakehouse.replace(TABLE, rows(("r6", "a", 1.0, None)), {"run_id": "r6"})
    assert [mode for mode in history(lakehouse)[3:] if mode in ("Append", "Overwrite")] == ["Overwrite"] * 3
    assert [row[0] for row in content(lakehouse)] == ["r1", "r3", "r5", "r6"]


NUMBERED = Table(
    "gold.numbered",
    "weights of waves",
    (
        Column("run_id", "string", "", "run", is_nullable=False),
        Column("wave", "int", "", "wave"),
        Column("weight", "double", "kg", "weight"),
    ),
    (),
    ("run_id", "wave"),
)


def test_the_rows_of_a_slice_are_those_that_delta_gives(lakehouses, spark, tmp_path_factory):
    """Read from the files that the log names, for every slice, also where a file has rows of several, and where only
    Spark can tell.
    """
    values = [
        (f"r-{run}" if run % 2 else "r", wave, 10.0 * run + (wave or 0))
        for run in range(4)
        for wave in (None, -1, 0, 1, 2)
    ]
    odd = tmp_path_factory.mktemp("lake") / "a {b}, c"  # Spark would take it for a pattern
    for lakehouse in (lakehouses(), Lakehouse(spark, LakehouseConfig(root=str(odd)))):
        for part in (values[:7], values[7:8], values[8:]):
            lakehouse.append(
                NUMBERED, spark.createDataFrame(part, "run_id string, wave int, weight double").coalesce(1)
            )
        lakehouse.delta_table(NUMBERED).delete("weight = 11")  # a file without it takes the old one's place
        there = [tuple(row) for row in lakehouse.read(NUMBERED).collect()]
        assert len(there) == len(values) - 1
        for run_id in ("r", "r-1", "r-2", "other"):
            for more, is_wave in (
                ({"wave": 1}, lambda wave: wave == 1),
                ({"wave": 7}, lambda wave: False),
                ({}, lambda wave: True),
            ):
                found = lakehouse.slice(NUMBERED, {"run_id": [run_id, "none"], **more})
                assert found.columns == ["run_id", "wave", "weight"]
                expected = [row for row in there if row[0] == run_id and is_wave(row[1])]
                assert sorted(map(tuple, found.collect()), key=str) == sorted(expected, key=str)


def test_a_column_of_another_version_that_must_be_filled_is_told_with_its_cure(lakehouses, rows, spark):
    lakehouse = lakehouses()
    older = replace(TABLE, columns=(*TABLE.columns, Column("colour", "string", "", "colour", is_nullable=False)))
    Lakehouse(spark, lakehouse.config).create(older)
    with pytest.raises(TableError, match=r"must not be NULL and that this version does not fill: colour") as refused:
        lakehouse.append(TABLE, rows(("r1", "a", 1.0, None)))
    spark.sql(str(refused.value).partition("Delta: ")[2])
    assert lakehouse.append(TABLE, rows(("r1", "a", 1.0, None)), transaction=("feed", 1)) == 1
    assert content(lakehouse) == [("r1", "a", 1.0, None)]


@pytest.mark.parametrize("root", ["a [b] c", "100%25", "x|y", "file"])
def test_a_place_that_can_not_be_a_lakehouse_is_refused(spark, tmp_path, root):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(TableError, match="the lakehouse can't be at .*choose another one"):
        Lakehouse(spark, LakehouseConfig(root=str(tmp_path / root)))


def test_writers_of_slices_that_overlap_take_turns(lakehouses, rows):
    lakehouse = lakehouses()
    said = []
    rival = Lakehouse(lakehouse.spark, lakehouse.config, say=said.append)
    lakehouse.create(TABLE)
    with lakehouse._turn(TABLE):
        thread = threading.Thread(
            target=rival.replace, args=(TABLE, rows(("r1", "b", 2.0, None)), {"run_id": ["r1", "r2"]})
        )
        thread.start()
        while not said:
            assert thread.is_alive()
            thread.join(0.05)
    thread.join()
    assert (
        content(lakehouse) == [("r1", "b", 2.0, None)]
        and "gold.weights is being written by another run: waiting" in said[0]
    )


def test_a_table_made_without_spark_is_the_one_that_spark_makes(spark, tmp_path):
    names = [table.name for table in every_table() if not table.cluster_by]
    assert len(names) > 5
    for table in every_table():
        if not table.cluster_by:
            seen = []
            for folder in ("by_spark", "without"):
                path = str(tmp_path / folder / table.name)
                make_folder(spark, table, path, is_local=folder == "without")
                detail = spark.sql(f"DESCRIBE DETAIL delta.`{path}`").first()
                columns = spark.read.format("delta").load(path).schema.jsonValue()
                seen.append(
                    (
                        columns,
                        detail["description"],
                        detail["properties"],
                        detail["partitionColumns"],
                        detail["minReaderVersion"],
                    )
                )
            assert seen[0] == seen[1], table.name


def test_a_transaction_is_written_once(lakehouses, rows):
    lakehouse = lakehouses()
    assert lakehouse.append(TABLE, rows(("r1", "a", 1.0, None)), transaction=("feed", 7)) == 1
    assert lakehouse.append(TABLE, rows(("r1", "a", 1.0, None)), transaction=("feed", 7)) == 0
    assert len(content(lakehouse)) == 1
    assert lakehouse.append(TABLE, rows(("r1", "b", 1.0, None)), transaction=("feed", 8)) == 1
    assert lakehouse.append(TABLE, rows(), transaction=("feed", 9)) == 0
    lakehouse.append(TABLE, rows(("r1", "c", 1.0, None)), transaction=("other feed", 7))
    lakehouse.append(TABLE, rows(("r1", "d", 1.0, None)))
    assert [row[1] for row in content(lakehouse)] == ["a", "b", "c", "d"]


def test_merge_by_key_under_conditions(lakehouses, rows):
    lakehouse = lakehouses()
    start = [("r1", "a", 1.0, None), ("r1", "b", 2.0, None), ("r1", "c", 3.0, None)]
    lakehouse.merge(TABLE, rows(*start))
    assert content(lakehouse) == start
    lakehouse.merge(
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
    assert content(lakehouse) == [("r1", "a", 10.0, "new"), ("r1", "b", 2.0, None), ("r1", "d", 4.0, None)]
    lakehouse.merge(TABLE, rows(("r1", "a", 99.0, "only this")), update=["note"])
    assert content(lakehouse)[0] == ("r1", "a", 10.0, "only this")
    lakehouse.merge(TABLE, rows(("r1", "a", 99.0, "not at all"), ("r1", "f", 6.0, None)), update=[])
    assert content(lakehouse)[0] == ("r1", "a", 10.0, "only this") and content(lakehouse)[-1] == ("r1", "f", 6.0, None)


def test_threads_that_make_a_table_at_the_same_moment(lakehouses, rows):
    lakehouse = lakehouses()
    other = Lakehouse(lakehouse.spark, lakehouse.config)  # as another process: it shares no lock
    start = threading.Barrier(4)
    problems = []

    def add(number: int) -> None:
        start.wait()
        try:
            (lakehouse, other)[number % 2].append(TABLE, rows(("r1", f"thing{number}", 1.0, None)))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert [row[1] for row in content(lakehouse)] == [f"thing{number}" for number in range(4)]


def test_two_writers_of_one_slice_come_one_after_the_other_or_are_told(lakehouses, rows):
    """Real threads, round after round: whatever happens, the slice is one writer's rows whole, and a refusal is a
    ConcurrentRunError.
    """
    lakehouse = lakehouses()
    rival = Lakehouse(lakehouse.spark, lakehouse.config)  # as another process: it shares no lock
    lakehouse.replace(TABLE, rows(("other", "a", 0.0, None)), {"run_id": "other"})
    frames = {name: rows(*(("r1", f"{name}{i}", float(i), name) for i in range(20))) for name in ("x", "y")}
    start = threading.Barrier(2)
    written, refused, unexpected = [], [], []

    def write(name: str) -> None:
        for _ in range(3):
            start.wait()
            try:
                writer = lakehouse if name == "x" else rival
                written.append((name, writer.replace(TABLE, frames[name], {"run_id": "r1"})))
            except ConcurrentRunError as error:
                refused.append(str(error))
            except BaseException as error:  # told by the test below, because a thread's own would be lost
                unexpected.append(error)

    before = lakehouse.version(TABLE)
    threads = [threading.Thread(target=write, args=(name,)) for name in frames]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not unexpected
    assert len(written) + len(refused) == 6 and {n for _, n in written} == {20}
    assert all("gold.weights" in text and "another run" in text for text in refused)
    # every write that succeeded is one commit, every refused one is none
    assert lakehouse.version(TABLE) == before + len(written)
    left = content(lakehouse)
    assert left[0] == ("other", "a", 0.0, None) and len(left) == 21 and len({row[3] for row in left[1:]}) == 1


def test_a_writer_that_is_always_late_is_refused_and_leaves_nothing(lakehouses, rows, monkeypatch):
    """While this write's job runs, another run commits to the same slice, at each attempt, and takes no turn."""
    lakehouse = lakehouses()
    lakehouse.merge(TABLE, rows(("r1", "a", 1.0, None)))
    said = []
    lakehouse.say = said.append
    rival = Lakehouse(lakehouse.spark, lakehouse.config)
    monkeypatch.setattr(
        commits.time, "sleep", lambda seconds: None
    )  # the waits between attempts only make the test longer
    running, overtaken = Path(f"{lakehouse.path(TABLE)}.running"), Path(f"{lakehouse.path(TABLE)}.overtaken")
    names = str(running), str(overtaken)

    def wait_to_be_overtaken(frames):
        import os
        import time

        for frame in frames:
            open(names[0], "w").close()
            end = time.monotonic() + 60
            while not os.path.exists(names[1]) and time.monotonic() < end:
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
    try:
        with pytest.raises(
            ConcurrentRunError, match="gold.weights.*is being written by another run.*nothing of this write was kept"
        ):
            lakehouse.replace(TABLE, late, {"run_id": "r1"})
    finally:
        stop.set()
        thread.join()
    assert n_rival >= commits.ATTEMPTS and content(lakehouse) == [("r1", "a", n_rival + 1.0, "rival")]
    assert (
        len(said) == commits.ATTEMPTS - 1
        and "gold.weights is being written by another run: trying again (2 of 4)" in said[0]
    )


def test_a_folder_of_other_files_is_not_taken_for_a_table(lakehouses, rows, monkeypatch):
    lakehouse = lakehouses()
    monkeypatch.setattr(commits.time, "sleep", lambda seconds: None)
    folder = Path(lakehouse.path(TABLE))
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("not a table")
    with pytest.raises(TableError, match="gold.weights can't be made: .*has files in it and is no Delta table"):
        lakehouse.append(TABLE, rows(("r1", "a", 1.0, None)))


MOMENTS = Table(
    "gold.moments",
    "what happened when",
    (
        Column("run_id", "string", "", "run", is_nullable=False),
        Column("number", "bigint", "", "number", is_nullable=False),
        Column("at", "timestamp", "", "when", is_nullable=False),
        Column("share", "double", "", "share"),
        Column("versions", "map<string,bigint>", "", "versions"),
        Column("series", "array<array<double>>", "", "series"),
        Column("wave", "int", "", "wave"),
        Column("is_true", "boolean", "", "whether"),
        Column("day", "date", "", "day"),
    ),
    ("run_id", "number"),
)


def moment(run_id: str, number: int, at: datetime) -> tuple:
    return (
        run_id,
        number,
        at,
        None if number else 0.5,
        {"a": 1, "b": number},
        [[1.0], [2.0, 3.0]],
        number,
        bool(number),
        date(2026, 1, 2),
    )


def as_utc(row: tuple) -> tuple:
    return tuple(value.astimezone(UTC) if isinstance(value, datetime) else value for value in row)


def test_few_rows_are_what_spark_would_have_written(lakehouses, monkeypatch):
    """The same calls with a lakehouse that deltalake reads and writes and with one that is left to Spark."""
    here, by_spark = lakehouses(), lakehouses()
    monkeypatch.setattr(by_spark, "_is_local", lambda table: False)
    at = datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    contents = []
    for lakehouse in (here, by_spark):
        assert (
            lakehouse.append_few(MOMENTS, [moment("r1", 0, at), moment("r2", 1, at.replace(tzinfo=None))], ("app", 4))
            == 2
        )
        assert lakehouse.append_few(MOMENTS, [moment("r1", 7, at)], ("app", 4)) == 0
        assert lakehouse.append_few(MOMENTS, [moment("r1", 8, at)], ("app", 5)) == 1
        assert lakehouse.replace_few(MOMENTS, [moment("r1", 9, at)], {"run_id": "r1"}) == 1
        rows = sorted(as_utc(row) for row in lakehouse.read(MOMENTS).collect())
        assert rows == sorted(
            as_utc(
                tuple(
                    dict(value) if isinstance(value, list) and value and isinstance(value[0], tuple) else value
                    for value in row
                )
            )
            for row in lakehouse.few(MOMENTS, {})
        )
        assert [row["number"] for row in lakehouse.few(MOMENTS, {"run_id": "r1", "number": 9})] == [9]
        contents.append(rows)
    assert contents[0] == contents[1] and [row[1] for row in contents[0]] == [9, 1]
    assert here.version(MOMENTS) == by_spark.version(MOMENTS) == 3
    assert (
        direct.types(here.path(MOMENTS))
        == dict(here.read(MOMENTS).dtypes)
        == {one.name: one.type for one in MOMENTS.columns}
    )


def test_counts_are_those_of_spark(lakehouses, rows, monkeypatch):
    here, by_spark = lakehouses(), lakehouses()
    monkeypatch.setattr(by_spark, "_is_local", lambda table: False)
    found = []
    for lakehouse in (here, by_spark):
        assert lakehouse.is_empty(TABLE)
        lakehouse.create(TABLE)
        assert lakehouse.is_empty(TABLE) and lakehouse.counts(TABLE, ["run_id"], {}) == []
        lakehouse.append(TABLE, rows(("r1", "a", 1.0, "x"), ("r1", "b", 1.0, None), ("r2", "a", 1.0, None)))
        lakehouse.append(TABLE, rows(("r1", "c", 1.0, None), ("r3", "c", 1.0, "x")))
        assert not lakehouse.is_empty(TABLE)
        lakehouse.replace(TABLE, rows(("r3", "c", 1.0, "x")).limit(0), {"run_id": ["r3", "r4"]})
        by_run = {row["run_id"]: row["n"] for row in lakehouse.counts(TABLE, ["run_id"], {})}
        assert by_run == {"r1": 3, "r2": 1}
        found.append({tuple(row) for row in lakehouse.counts(TABLE, ["run_id", "note"], {"run_id": "r1"})})
        lakehouse.replace(TABLE, rows(("r1", "a", 1.0, "x")).limit(0), {"run_id": ["r1", "r2"]})
        assert lakehouse.is_empty(TABLE)
    assert found[0] == found[1] == {("r1", "x", 1), ("r1", None, 2)}


def test_what_deltalake_can_not_write_is_left_to_spark(lakehouses, monkeypatch):
    lakehouse = lakehouses()

    def refuse(*_: object) -> int:
        raise direct.NotForUs("a feature of tomorrow")

    monkeypatch.setattr(delta.direct, "append", refuse)
    assert lakehouse.append_few(MOMENTS, [moment("r1", 0, datetime(2026, 1, 1, tzinfo=UTC))]) == 1
    assert lakehouse.read(MOMENTS).count() == 1
