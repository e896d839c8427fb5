"""Ingest of what people land: nothing stops the others, nothing is taken twice, nothing goes unseen."""

from __future__ import annotations

import gzip
import os
import random
from datetime import datetime
from pathlib import Path

import pytest

from invopt.config import Config
from invopt.errors import FeedError, InputError
from invopt.pipelines import bronze_lines, taking
from invopt.pipelines.arrivals import files_of, literal
from invopt.pipelines.conform import conform
from invopt.pipelines.context import Context
from invopt.pipelines.ingest import ingest
from invopt.tables import FILES, REJECTED, bronze, silver
from invopt.tables.datasets import BY_NAME
from tests.contexts import context_at

SALES = "StoreID,ProductID,TransactionDateTime,Units,Price\n"
BRANDS = "BrandID,BrandName\n"


class Zone:
    """A landing zone and its lakehouse; `said` is what the last ingest told."""

    def __init__(self, spark, folder: Path):
        self.spark, self.folder, self.landing = spark, folder, folder / "landing"
        self.said: list[str] = []
        self.landing.mkdir()

    def context(self, **settings) -> Context:
        values = {"lakehouse": {"root": str(self.folder / "lake")}, "landing": str(self.landing)} | settings
        return context_at(self.spark, Config.model_validate(values), datetime(2026, 3, 2), self.said.append)

    def land(self, name: str, text: str | bytes) -> Path:
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def lines(self, name: str = "sales") -> list[tuple]:
        fields = [field.header for field in BY_NAME[name].fields[:2]]
        return sorted(tuple(row[one] for one in fields) for row in self.context().store.rows(bronze(BY_NAME[name])))

    def files(self) -> dict[str, tuple[str, str | None]]:
        """Name -> status and problem in its newest row."""
        rows = sorted(files_of(self.context()), key=lambda row: row["file_number"])
        return {os.path.basename(row["file"]): (row["status"], row["problem"]) for row in rows}


@pytest.fixture
def zone(spark, tmp_path) -> Zone:
    return Zone(spark, tmp_path)


def test_a_file_that_can_not_be_read_stops_no_other(zone):
    zone.land("rawdata/sales_1.csv", SALES + "1,p1,2026-03-01,2,3\n")
    zone.land("rawdata/sales_mac.csv", (SALES + "1,p2,2026-03-01,2,3\n").replace("\n", "\r"))
    zone.land("rawdata/sales_[1].csv", SALES + "1,p3,2026-03-01,2,3\n")
    zone.land("rawdata/sales_*.csv", SALES + "1,p4,2026-03-01,2,3\n")
    zone.land("rawdata/sales_%31.csv", (SALES + "1,p5,2026-03-01,2,3\n").encode("utf-16"))
    zone.land("rawdata/sales_cut.csv.gz", gzip.compress(SALES.encode() * 100)[:-10])
    zone.land("rawdata/sales_torn.parquet", b"PAR1 and no more")
    zone.land("rawdata/sales_folder.csv/part-0.csv", SALES + "1,p6,2026-03-01,2,3\n")
    (zone.landing / "rawdata/sales_gone.csv").symlink_to("nowhere")
    ingested = ingest(zone.context())
    assert zone.lines() == [("1", f"p{number}") for number in range(1, 7)]
    assert (ingested.n_files, ingested.n_rows, ingested.n_rejected) == (6, 6, 3)
    rejected = {name for name, (status, _) in zone.files().items() if status == "rejected"}
    assert rejected == {"sales_cut.csv.gz", "sales_torn.parquet", "sales_gone.csv"}
    assert any("sales_cut.csv.gz: the packed file is cut short" in line for line in zone.said)
    assert any("sales_mac.csv: its lines end with carriage returns" in line for line in zone.said)
    # and none of it again
    assert ingest(zone.context()).n_files == 0 and len(zone.lines()) == 6


def test_many_files_go_to_the_executors_with_the_same_result(zone, monkeypatch):
    """The same files are read here, by tasks, and as a landing zone that only Spark sees."""
    for number in range(4):
        zone.land(f"rawdata/sales_{number}[a].csv", SALES + f"1,p{number},2026-03-01,2,3\n2,p{number},,\n")
    zone.land("rawdata/sales_cut.csv.gz", b"\x1f\x8b cut")
    zone.land("rawdata/demand_forecasts/2026-03-01.csv", "StoreID,ProductID,DateTime,Demand\n1,p1,2026-03-01,2\n")
    found = []
    for place in ("here", "tasks", "elsewhere"):
        monkeypatch.setattr(taking, "BYTES_HERE", 1 << 20 if place == "here" else -1)
        if place == "elsewhere":
            monkeypatch.setattr("invopt.pipelines.arrivals.is_local", lambda landing: False)
            monkeypatch.setattr("invopt.pipelines.taking.is_local", lambda landing: False)
        own = zone.context(lakehouse={"root": str(zone.folder / place)})
        ingested = ingest(own)
        assert (ingested.n_files, ingested.n_rejected, ingested.n_rows) == (5, 1, 9)
        made_at = [row["ForecastDateTime"] for row in own.store.rows(bronze(BY_NAME["demand_forecasts"]))]
        assert made_at == ["2026-03-01 00:00:00"]
        rows = own.store.rows(bronze(BY_NAME["sales"]))
        found.append(sorted((row["file_number"] % taking.FILES_PER_BATCH, row["ProductID"]) for row in rows))
        monkeypatch.undo()
    assert found[0] == found[1] and sorted(one for _, one in found[2]) == sorted(one for _, one in found[0])
    assert literal("/a[1]") == "/a\\[1\\]"


@pytest.mark.parametrize(
    "stopped_at", [pytest.param("plan", marks=pytest.mark.slow), "lines", pytest.param("end", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("then", ["again", "removed", "mended"])
def test_a_run_that_was_stopped_is_finished_by_its_numbers(zone, monkeypatch, stopped_at, then):
    zone.land("rawdata/sales_1.csv", SALES + "1,p1,2026-03-01,2,3\n")
    second = zone.land("rawdata/sales_2.csv", SALES + "1,p2,2026-03-01,2,3\n")
    zone.land("publicparameters/brands.csv", BRANDS + "1,Best\n")
    context = zone.context()

    def stop(*_, **__):
        raise KeyboardInterrupt

    if stopped_at == "plan":
        monkeypatch.setattr(taking, "write_lines", stop)
    elif stopped_at == "end":
        monkeypatch.setattr(context.store, "replace", stop)
    else:  # the brands are written, the sales are not
        append = context.store.append

        def one(table, rows, **options):
            if table.name == "bronze.sales":
                raise KeyboardInterrupt
            return append(table, rows, **options)

        monkeypatch.setattr(context.store, "append", one)
        monkeypatch.setattr(taking, "THREADS", 1)
    with pytest.raises(KeyboardInterrupt):
        ingest(context)
    monkeypatch.undo()
    assert {status for status, _ in zone.files().values()} == {"pending"}
    if then == "removed":
        second.unlink()
    elif then == "mended":
        second.write_text(SALES + "1,p2,2026-03-01,2,3\n1,p9,2026-03-01,2,3\n")
    ingest(zone.context())
    expected = [("1", "p1"), ("1", "p2")]
    if stopped_at != "end" and then != "again":
        expected = expected[:1] if then == "removed" else [*expected, ("1", "p9")]
    assert zone.lines() == expected and zone.lines("brands") == [("1", "Best")]
    numbers = {row["file_number"] for row in zone.context().store.rows(bronze(BY_NAME["sales"]))}
    assert numbers <= {row["file_number"] for row in files_of(zone.context())}
    assert len(files_of(zone.context())) == 3
    assert ingest(zone.context()).n_files == 0 and zone.lines() == expected
    done = {one.dataset: one.rows_in for one in conform(zone.context())}
    assert done == {"sales": len(expected), "brands": 1}


def test_a_file_that_grows_while_it_is_read_is_looked_at_again(zone, monkeypatch):
    path = zone.land("rawdata/sales_1.csv", SALES + "1,p1,2026-03-01,2,3\n")
    read, grown = bronze_lines.rows_here, []

    def growing(*arguments):
        if not grown:
            grown.append(path.write_text(SALES + "1,p1,2026-03-01,2,3\n1,p2,2026-03-01,2,3\n"))
        return read(*arguments)

    monkeypatch.setattr(taking, "rows_here", growing)
    assert ingest(zone.context()).n_files == 1
    assert zone.lines() == [("1", "p1"), ("1", "p2")]


def test_what_was_refused_is_looked_at_again_with_other_settings_or_when_it_is_mended(zone):
    zone.land("publicparameters/brands.csv", BRANDS + "1,Best\n")
    zone.land("pos/export.csv", SALES.replace("Units", "qty") + "1,p1,01/02/2026,2,3\n")
    zone.land("rawdata/sales_2.csv", SALES + "1,p2,01/02/2026,2,3\n")
    empty = zone.land("rawdata/sales_3.csv", "")
    with pytest.raises(FeedError, match=r"sales: all of its 2 new files were rejected; .*: set `mapping: \{sales: "):
        ingest(zone.context())
    assert zone.files()["export.csv"][0] == "ignored" and zone.files()["sales_2.csv"][0] == "rejected"
    # the lines of the refused file name the items that wait for it
    (done,) = [one for one in conform(zone.context()) if one.dataset == "sales"]
    assert (done.rows_in, done.rows_rejected) == (1, 1)
    (line,) = zone.context().store.rows(REJECTED)
    assert (line["location_id"], line["product_id"]) == ("1", "p2") and "day or with the month" in line["rules"][0]
    assert ingest(zone.context()).n_rejected == 0
    empty.write_text(SALES + "1,p3,2026-02-01,2,3\n")
    mapping = {"sales": {"glob": "pos/*.csv", "headers": {"Units": "qty"}, "dates": "dd/MM/yyyy"}}
    assert ingest(zone.context(mapping=mapping)).n_files == 3
    conform(zone.context(mapping=mapping))
    rows = zone.context().store.read(silver(BY_NAME["sales"])).selectExpr("product_id", "string(sold_at)").collect()
    assert sorted(map(tuple, rows)) == [(f"p{number}", "2026-02-01 00:00:00") for number in (1, 2, 3)]
    assert ingest(zone.context(mapping=mapping)).n_files == 0


def test_limits_and_the_lack_of_a_dataset_end_a_run_with_an_error(zone):
    zone.land("rawdata/sales_1.csv", SALES + "1,p1,2026-03-01,2,3\n")
    zone.land("rawdata/sales_2.csv", "\0")
    assert ingest(zone.context()).n_rejected == 1
    zone.land("rawdata/sales_3.csv", SALES + "1,p1,2026-03-01,2,3\n")
    zone.land("rawdata/sales_4.csv", "\0")
    with pytest.raises(FeedError, match=r"1 files were rejected, and ingest.max_rejected_files allows 0"):
        ingest(zone.context(ingest={"max_rejected_files": 0}))
    assert len(zone.lines()) == 2
    zone.land("rawdata/inv_1.csv", "\0")
    with pytest.raises(FeedError, match=r"inventory: its only new file was rejected; .*inv_1.csv: the file is not a"):
        ingest(zone.context())


def test_optional_datasets_are_missed_once(zone):
    zone.land("rawdata/sales_1.csv", SALES + "1,p1,2026-03-01,2,3\n")
    ingest(zone.context())
    missed = [line for line in zone.said if "no file yet" in line]
    assert any("brands: " in line and "; optional, expected publicparameters/brands*" in line for line in missed)
    zone.said.clear()
    ingest(zone.context())
    needed = sorted(line.split(":")[0].removeprefix("  ! ") for line in zone.said if "no file yet" in line)
    assert needed == [
        "brands_products", "demand_forecasts", "inventory", "store_product_storage", "store_product_supplier",
        "suppliers",
    ]  # fmt: skip


def test_a_landing_zone_that_is_a_file(zone):
    zone.landing.rmdir()
    zone.landing.write_text("x")
    with pytest.raises(InputError, match="is no folder; set `landing`"):
        ingest(zone.context())


def test_malformed_files_beside_good_ones(zone):
    """Every good line is kept, every file is accounted for, and what is told fits a screen."""
    source = random.Random(3)
    for number in range(20):
        zone.land(f"rawdata/sales_good_{number}.csv", SALES + f"1,p{number},2026-03-01,2,3\n")
    for number in range(200):
        content = source.choice(
            [b"\0" * 50, b"", b"\x1f\x8b\x08", b"PK\3\4", b"PAR1", b"a;b\n1;2\n", SALES.encode()[:20], b'"' * 99]
        )
        ending = source.choice(("csv", "csv.gz", "parquet", "xlsx", "json"))
        zone.land(f"rawdata/sales_bad_{number}.{ending}", content + source.randbytes(source.randrange(3)))
    ingested = ingest(zone.context())
    assert len(zone.lines()) == 20
    counts = [row["status"] for row in zone.context().store.rows(FILES)]
    assert counts.count("ingested") == 20 and counts.count("rejected") == 200 == ingested.n_rejected
    assert len(zone.said) < 30


def test_files_of_no_dataset_are_named(zone):
    zone.land("rawdata/sales_1.csv", SALES + "1,p1,2026-03-01,2,3\n")
    for name in ("bestand.xlsx", "publicparameters/suppliers_neu.csv", "README.txt"):
        zone.land(name, "x")
    ingest(zone.context())
    (told,) = [line for line in zone.said if "no dataset has files of that name" in line]
    assert "bestand.xlsx" in told and "suppliers_neu.csv" in told and "README.txt" not in told
    zone.said.clear()
    ingest(zone.context())
    assert not any("no dataset has files" in line for line in zone.said)
