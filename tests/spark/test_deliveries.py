"""Deliveries of static datasets: what they change, end and leave, day by day; a case is a key.

The first lakehouse sees changes, ends and late deliveries of one dataset, killed before each of its writes; the second
one deliveries that are held, not whole, of changes only and in folders, a dataset for each; the third is of an older
version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from invopt.config import Config
from invopt.pipelines.conform import conform
from invopt.pipelines.context import Context
from invopt.pipelines.held import held
from invopt.pipelines.history import in_force
from invopt.pipelines.ingest import ingest
from invopt.tables import BATCHES, DELIVERIES, FILES, FOREVER, REJECTED, Table, silver
from invopt.tables.datasets import BY_NAME
from tests.contexts import context_at

pytestmark = pytest.mark.slow

HEADERS = {
    "suppliers": "SupplierID,SupplierName,ShippingCost,MinShippingVolume,MaxShippingVolume,FixedOrderSize,"
    "PurchaseCostBudget",
    "stores": "StoreID,StoreName,AvgHouseHoldIncome,AvgTraffic",
    "brands": "BrandID,BrandName",
    "brands_products": "BrandID,ProductID,ProductName,MSRP,ProductVolume,ShelfLife",
    "store_departments": "StoreID,DepartmentID,DepartmentName",
    "store_storage": "StoreID,StorageID,StorageName,StorageVolume,StorageCostBudget",
    "calendar": "StoreID,Date,IsClosed",
}


def march(day: int) -> date:
    return date(2026, 3, day)


class Zone:
    """A lakehouse and its landing zone; each step lands files, and ingests and conforms them on a day of March."""

    def __init__(self, spark, folder: Path) -> None:
        self.spark, self.folder, self.said, self.done = spark, folder, [], []

    def context(self, day: int, **settings) -> Context:
        places = {"lakehouse": {"root": str(self.folder / "lake")}, "landing": str(self.folder / "landing")}
        as_of = datetime(2026, 3, day, 6, tzinfo=UTC)
        return context_at(self.spark, Config.model_validate(places | settings), as_of, self.said.append)

    def land(self, files: Mapping[str, Sequence[str]]) -> None:
        """Files below publicparameters, by their names without an ending; the dataset's header is put in front."""
        for name, lines in files.items():
            path = self.folder / f"landing/publicparameters/{name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            dataset = max((one for one in HEADERS if name.startswith(one)), key=len)
            path.write_text("\n".join([HEADERS[dataset], *lines]) + "\n", encoding="utf-8")

    def step(self, day: int, files: Mapping[str, Sequence[str]], **settings) -> list[str]:
        """What is said."""
        self.land(files)
        context = self.context(day, **settings)
        self.said.clear()
        ingest(context)
        self.done = conform(context)
        return [line for line in self.said if line.startswith("  ! ") and "no file yet" not in line]

    def rows(self, dataset: str, *columns: str) -> list[tuple]:
        rows = self.context(1).store.rows(silver(BY_NAME[dataset]))
        return sorted((tuple(row[name] for name in columns) for row in rows), key=str)

    def in_force(self, dataset: str, day: date | None, *columns: str) -> dict:
        """key -> these columns of the row that holds on a day; two rows of one key are a fault."""
        rows = in_force(self.context(1).store.read(silver(BY_NAME[dataset])), day)
        (key,) = BY_NAME[dataset].keys
        found = rows.select(key, *columns).collect()
        assert len({row[0] for row in found}) == len(found), f"a key of {dataset} has two rows on {day}"
        return {row[0]: tuple(row)[1:] for row in found}

    def counts(self, dataset: str) -> dict[int, tuple[int, int, int, int]]:
        names = ("rows_in", "rows_kept", "rows_rejected", "rows_duplicate")
        rows = self.context(1).store.rows(BATCHES, {"dataset": dataset})
        return {row["batch_id"]: tuple(row[name] for name in names) for row in rows}

    def deliveries(self, dataset: str) -> dict[str, tuple]:
        rows = self.context(1).store.rows(DELIVERIES, {"dataset": dataset})
        return {row["delivery"]: (row["status"], row["n_absent"], row["n_before"]) for row in rows}

    def versions(self) -> dict[str, int]:
        store = self.context(1).store
        tables = [*(silver(BY_NAME[name]) for name in HEADERS), REJECTED, DELIVERIES, BATCHES]
        return {table.name: store.version(table) for table in tables}


def costs(**of: str | float) -> list[str]:
    return [f"{name},N,{cost},-1,-1,-1,-1" for name, cost in of.items()]


class KilledError(Exception):
    """The machine went down."""


def killed_before(context: Context, table: Table, monkeypatch) -> None:
    """Conforms, and goes down before the first write of a table."""

    def watched(write):
        def writing(written: Table, *rows, **options):
            if written == table:
                raise KilledError
            return write(written, *rows, **options)

        return writing

    with monkeypatch.context() as patched:
        for verb in ("append", "replace", "merge"):
            patched.setattr(context.store, verb, watched(getattr(context.store, verb)))
        with pytest.raises(KilledError):
            conform(context)


@pytest.fixture(scope="module")
def terms(spark, tmp_path_factory):
    """The steps of the suppliers, and what was counted and said at each."""
    zone = Zone(spark, tmp_path_factory.mktemp("terms"))
    said = {}
    first = costs(same=5, changes=5, goes=5, returns=5, unread=5, disputed=5, twice=5)
    said[1] = zone.step(1, {"suppliers": [*first, *costs(twice="5.0")]})
    second = costs(same=5, changes=6, unread="x", disputed=6, new=9, twice=5)
    zone.land({"suppliers_2026-03-04": [*second, *costs(disputed=7)]})
    ingest(zone.context(5))
    patch = pytest.MonkeyPatch()
    for table in (REJECTED, silver(BY_NAME["suppliers"]), DELIVERIES, BATCHES):
        killed_before(zone.context(5), table, patch)
    said[5] = zone.step(5, {})
    zone.counted = zone.counts("suppliers")
    # an undated delivery is older than a dated one taken with it
    undated = costs(same=5, changes=8, goes=4, returns=5, unread=5, disputed=5, new=9, twice=5)
    dated = costs(same=5, changes=9, returns=5, unread=5, disputed=5, new=9, twice=5)
    said[8] = zone.step(8, {"suppliers_8": undated, "suppliers_2026-03-07": dated})
    late = costs(same=5, changes=6, goes=3, returns=5, unread=5, disputed=5, new=9, twice=5)
    said[9] = zone.step(9, {"suppliers_2026-03-05": late})
    # a file of a delivery that is there already: nothing has ended because of it
    said[10] = zone.step(10, {"suppliers_2026-03-07_part_2": costs(later=1)})
    zone.heard = said
    return zone


# (cost, day since which it is absent) of each supplier on a day; "-": there is no row yet
FIVE = (5.0, None)
ON = {
    "same": {1: FIVE, 4: FIVE, 5: FIVE, 7: FIVE, 31: FIVE},
    "changes": {1: FIVE, 4: (6.0, None), 5: (6.0, None), 7: (9.0, None), 31: (9.0, None)},
    "goes": {1: FIVE, 4: (5.0, march(4)), 5: (3.0, None), 7: (4.0, march(7)), 31: (4.0, march(7))},
    "returns": {1: FIVE, 4: (5.0, march(4)), 5: FIVE, 7: FIVE, 31: FIVE},
    "unread": {1: FIVE, 4: FIVE, 5: FIVE, 7: FIVE, 31: FIVE},
    "disputed": {1: FIVE, 4: FIVE, 5: FIVE, 7: FIVE, 31: FIVE},
    "twice": {1: FIVE, 4: FIVE, 5: FIVE, 7: FIVE, 31: FIVE},
    "new": {4: (9.0, None), 5: (9.0, None), 7: (9.0, None), 31: (9.0, None)},
    "later": {7: (1.0, None), 31: (1.0, None)},
}


@pytest.mark.parametrize("day", [1, 4, 5, 7, 31])
def test_each_day_has_the_terms_that_were_known_on_it(terms, day):
    expected = {name: of_day[day] for name, of_day in ON.items() if day in of_day}
    assert terms.in_force("suppliers", march(day), "fixed_order_cost", "absent_since") == expected


def test_the_first_delivery_holds_for_every_earlier_day(terms):
    first = {name: (5.0,) for name in ("same", "changes", "goes", "returns", "unread", "disputed", "twice")}
    assert terms.in_force("suppliers", date(1995, 1, 1), "fixed_order_cost") == first
    assert terms.in_force("suppliers", None, "absent_since")["goes"] == (march(7),)


def test_a_row_holds_until_the_next_one_and_equal_ones_are_one(terms):
    found = terms.rows("suppliers", "source_id", "known_on", "known_until", "n_lines")
    times = {name: [row[1:] for row in found if row[0] == name] for name in ON}
    assert times["same"] == [(FOREVER, None, 1)]
    assert times["changes"] == [(FOREVER, march(4), 1), (march(4), march(7), 1), (march(7), None, 1)]
    # no line stands for a row that says that there is none
    assert times["goes"] == [
        (FOREVER, march(4), 1),
        (march(4), march(5), 0),
        (march(5), march(7), 1),
        (march(7), None, 0),
    ]
    assert times["later"] == [(march(7), None, 1)]


def test_lines_in_are_kept_rejected_or_duplicates_after_every_kill(terms):
    # batch 1: kept are changes and new; rejected the unreadable line and both of disputed; same and twice were there
    assert terms.counted == {0: (8, 7, 0, 1), 1: (7, 2, 3, 2)}
    n_lines = {0: 8, 1: 7, 2: 15, 3: 8, 4: 1}
    counts = terms.counts("suppliers")
    assert {batch: row[0] for batch, row in counts.items()} == n_lines
    assert all(row[0] == sum(row[1:]) for row in counts.values())
    # the late delivery brought goes and returns again; those that came after it only changes, and goes for a while
    assert counts[3][1] >= 2 and counts[4] == (1, 1, 0, 0)


def test_lines_of_one_key_that_say_different_things_are_rejected_with_what_they_say(terms):
    rows = terms.context(1).store.rows(REJECTED, {"dataset": "suppliers"})
    rules = sorted((row["source_id"], row["line"].split(",")[2], row["rules"][0]) for row in rows)
    contradiction = "2 lines of this key say different things: ShippingCost 6 or 7"
    assert rules == [
        ("disputed", "6", contradiction),
        ("disputed", "7", contradiction),
        ("unread", "x", "ShippingCost is not a number: x"),
    ]


def test_a_key_whose_line_was_rejected_is_seen_to_be_readable_again(terms):
    (newest,) = terms.context(1).store.rows(FILES, {"dataset": "suppliers", "batch_id": 2})[:1]
    numbers = dict(terms.rows("suppliers", "source_id", "file_number"))
    assert numbers["unread"] >= newest["file_number"] and numbers["disputed"] >= newest["file_number"]
    assert numbers["same"] == 0


def test_what_ends_and_what_comes_late_is_told_once(terms):
    heard = terms.heard
    assert any(
        line.startswith("  ! suppliers of 2026-03-04 does not hold 2 of the 7 rows before it") for line in heard[5]
    )
    assert any("suppliers: the delivery of 2026-03-05 has come after newer ones" in line for line in heard[9])
    # in the late one nothing is missing that was there before it, but for what is told of those after it already
    assert not any("does not hold" in line for line in (*heard[1], *heard[10]))


def test_again_changes_nothing(terms):
    before = terms.versions()
    assert terms.step(11, {}) == [] and terms.done == []
    assert terms.versions() == before


def many(dataset: str, n: int, value: str = "a") -> list[str]:
    more = "," * (HEADERS[dataset].count(",") - 1)
    return [f"k{number},{value}{more}" for number in range(n)]


@pytest.fixture(scope="module")
def chain(spark, tmp_path_factory):
    """Deliveries of several datasets on three days."""
    zone = Zone(spark, tmp_path_factory.mktemp("chain"))
    delta = {"mapping": {"suppliers": {"delivery": "delta"}}}
    heard = {1: zone.step(1, {
        "brands": many("brands", 40),
        "stores": many("stores", 40),
        "suppliers": costs(**{f"k{number}": 1 for number in range(40)}),
        "brands_products/part-0": ["b,k0,P,1,1,"],
        "brands_products/part-1": ["b,k1,P,1,1,", "b,k2,P,1,1,"],
        "store_departments": [f"1,k{number},D" for number in range(12)],
        "store_storage": ["1,A,Cold,1,-1", "1,B,Dry,1,-1"],
        "calendar": ["1,2026-03-08,True"],
    }, **delta)}  # fmt: skip
    broken = zone.folder / "landing/publicparameters/brands_products_2026-03-02/part-1.csv"
    broken.parent.mkdir()
    broken.write_text("BrandID\nb\n")
    heard[2] = zone.step(2, {
        "brands_2026-03-02": many("brands", 20, "b"),
        "stores_2026-03-02": many("stores", 28, "b"),
        "suppliers_2026-03-02": costs(k0=2, k50=2),
        "brands_products_2026-03-02/part-0": ["b,k0,P,2,1,"],
        "store_departments_2026-03-02": [f"1,k{number},D" for number in range(9)],
        "store_storage_2026-03-02": ["1,A,Cold,2,-1", "1,,Dry,x,-1"],
        "calendar_2026-03-02": ["1,2026-03-15,True"],
    }, **delta)  # fmt: skip
    heard["again"] = zone.step(2, {}, **delta)
    zone.held_rows = {name: zone.rows(name, "known_until", "absent_since") for name in ("brands", "stores")}
    zone.held = [(row["dataset"], row["n_absent"], row["n_before"]) for row in held(zone.context(2))]
    zone.counted = {name: zone.counts(name) for name in HEADERS}
    heard[3] = zone.step(3, {
        "brands_2026-03-03": many("brands", 38, "c"),
        "brands_products_2026-03-02/part-1": ["b,k1,P,2,1,"],
    }, ingest={"max_absent_share": 0.3}, **delta)  # fmt: skip
    zone.heard = heard
    return zone


def test_a_delivery_that_lacks_too_much_waits_and_is_told_at_every_run(chain):
    assert chain.held == [("brands", 20, 40), ("stores", 12, 40)]
    for dataset, rows in chain.held_rows.items():
        assert rows == [(None, None)] * 40, dataset
        assert set(chain.counted[dataset]) == {0}, "a batch that waits is not done"
    for heard in (chain.heard[2], chain.heard["again"]):
        (brands,) = [
            line for line in heard if line.startswith("  ! brands of 2026-03-02 does not hold 20 of the 40 rows")
        ]
        assert "`mapping: {brands: {delivery: delta}}`" in brands and "`ingest: {max_absent_share: 0.5}`" in brands
        assert any(line.startswith("  ! stores of 2026-03-02 does not hold 12 of the 40 rows") for line in heard)


def test_a_delivery_that_was_confirmed_is_applied_from_its_own_day(chain):
    now = chain.in_force("stores", march(2), "location_name", "absent_since")
    assert now == {f"k{number}": ("b", None) if number < 28 else ("a", march(2)) for number in range(40)}
    assert set(chain.in_force("stores", march(1), "location_name").values()) == {("a",)}
    assert chain.counts("stores") == {0: (40, 40, 0, 0), 1: (28, 28, 0, 0)}


def test_a_newer_whole_delivery_takes_the_place_of_one_that_waits(chain):
    assert chain.deliveries("brands") == {
        "batch 0": ("applied", None, None),
        "2026-03-02": ("superseded", 20, 40),
        "2026-03-03": ("applied", 2, 40),
    }
    assert set(chain.in_force("brands", march(2), "brand_name").values()) == {("a",)}
    now = chain.in_force("brands", march(3), "brand_name", "absent_since")
    assert now == {f"k{number}": ("c", None) if number < 38 else ("a", march(3)) for number in range(40)}
    # what waited and came to nothing are duplicates: a newer file replaced them
    assert chain.counts("brands") == {0: (40, 40, 0, 0), 1: (20, 0, 0, 20), 2: (38, 38, 0, 0)}
    assert not any("brands" in line for line in chain.heard[3] if "does not hold 20" in line)


def test_few_rows_that_end_are_never_held(chain):
    rows = chain.rows("store_departments", "department_id", "absent_since")
    assert {name for name, since in rows if since == march(2)} == {"k9", "k10", "k11"}


def test_a_delivery_that_is_not_whole_ends_nothing(chain):
    # a line whose key can't be read may be the one that is missing
    rows = chain.rows("store_storage", "storage_id", "storage_volume", "known_on", "absent_since")
    assert rows == [("A", 1.0, FOREVER, None), ("A", 2.0, march(2), None), ("B", 1.0, FOREVER, None)]
    assert any("store_storage of 2026-03-02: 1 line has no key that can be read" in line for line in chain.heard[2])
    assert any("brands_products of 2026-03-02: part-1.csv was rejected" in line for line in chain.heard[2])


def test_a_file_that_can_be_read_at_last_makes_its_delivery_whole(chain):
    assert chain.in_force("brands_products", march(1), "list_price", "absent_since") == {
        "k0": (1.0, None),
        "k1": (1.0, None),
        "k2": (1.0, None),
    }
    # k0 is in the other file of the folder
    assert chain.in_force("brands_products", march(2), "list_price", "absent_since") == {
        "k0": (2.0, None),
        "k1": (2.0, None),
        "k2": (1.0, march(2)),
    }


def test_deliveries_of_changes_end_nothing(chain):
    days = chain.rows("calendar", "known_on", "absent_since")
    assert days == [(FOREVER, None), (march(2), None)]
    assert chain.deliveries("suppliers")["2026-03-02"] == ("applied", None, None)


def test_what_was_applied_as_changes_is_held_where_it_is_to_be_all(chain):
    assert chain.in_force("suppliers", march(2), "fixed_order_cost", "absent_since") == {
        **{f"k{number}": (1.0, None) for number in range(1, 40)},
        "k0": (2.0, None),
        "k50": (2.0, None),
    }
    heard = chain.step(4, {})
    assert any("suppliers: its deliveries are full now" in line for line in heard)
    assert any(line.startswith("  ! suppliers of 2026-03-02 does not hold 39 of the 40 rows") for line in heard)
    before = {f"k{number}": (1.0, None) for number in range(40)}
    assert chain.in_force("suppliers", march(2), "fixed_order_cost", "absent_since") == before
    (again,) = [line for line in chain.step(4, {}) if "suppliers" in line]
    assert "does not hold 39" in again


def test_a_lakehouse_of_an_older_version_keeps_what_holds(spark, tmp_path):
    """Its files have no day, so that each holds for ever: the newest file's values, and nothing has ended."""
    zone = Zone(spark, tmp_path)
    zone.land({"brands": ["keeps,a", "changes,a", "goes,a"]})
    ingest(zone.context(1))
    zone.land({"brands_2026-03-02": ["keeps,a", "changes,b"]})
    ingest(zone.context(2))
    store, table = zone.context(2).store, silver(BY_NAME["brands"])
    files = [row.asDict() | {"known_on": None} for row in store.rows(FILES)]
    store.replace(FILES, [tuple(row[name] for name in FILES.column_names) for row in files], {}, check_keys=False)
    older = ", ".join(
        f"{column.name} {column.type}" for column in table.columns if column.name not in ("known_on", "known_until")
    )
    name = store.places.sql_name(table)
    spark.sql(f"CREATE TABLE {name} ({older}) USING delta")
    spark.sql(f"INSERT INTO {name} VALUES ('keeps', 'a', 1, 0, 0, NULL)")
    context = zone.context(3)
    context.store.create(BATCHES)
    done = ("brands", 0, 3, 3, 0, 0, datetime(2026, 3, 1, tzinfo=UTC), None)
    context.store.append(BATCHES, [done])
    said = zone.step(3, {"brands_2026-03-03": ["keeps,a", "goes,c"]})
    assert any("silver.brands is made anew" in line for line in said)
    assert zone.in_force("brands", march(2), "brand_name", "absent_since") == {
        "keeps": ("a", None),
        "changes": ("b", None),
        "goes": ("a", None),
    }
    assert zone.in_force("brands", march(3), "brand_name", "absent_since") == {
        "keeps": ("a", None),
        "changes": ("b", march(3)),
        "goes": ("c", None),
    }
