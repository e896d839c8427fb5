"""Files of every kind that people meet: how each is read, or why it is not; none of them raises."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import re
import zipfile
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from invopt.config import MappingConfig
from invopt.landing.csv_block import parse
from invopt.landing.decoding import blocks
from invopt.landing.listing import by_name, listing, printable
from invopt.landing.reading import Reading, lines
from invopt.landing.survey import EMPTY, Survey, survey
from invopt.tables.datasets import BY_NAME, with_mapping

SALES, ORDERS = BY_NAME["sales"], BY_NAME["orders"]
HEADER = "StoreID,ProductID,TransactionDateTime,Units,Price"
GOOD = f"{HEADER}\n1,p1,2026-03-01,2,3.5\n1,p2,2026-03-01,1,4\n"
TWO = [("1", "p1", "2026-03-01", "2", "3.5", None), ("1", "p2", "2026-03-01", "1", "4", None)]


def rows(path: Path, told: Survey) -> list[tuple]:
    """The lines by a reading that went through its text, as it does on the way to an executor."""
    reading = Reading.from_text(told.reading.as_text())
    columns = [field.header for field in SALES.fields] + ["malformed_line"]
    return [
        tuple(row.get(name) for name in columns) for table in lines(str(path), reading) for row in table.to_pylist()
    ]


def look(tmp_path: Path, content: bytes | str, name: str = "sales_1.csv", dataset=SALES) -> tuple[Survey, list[tuple]]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    told = survey(str(path), dataset)
    # the same by its bytes, as an executor gets a file that only Spark sees
    assert survey(str(path), dataset, path.read_bytes()) == told
    found = rows(path, told) if told.reading else []
    assert len(found) == told.n_lines
    return told, found


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (GOOD, None),
        (GOOD.rstrip("\n"), None),
        (GOOD.replace("\n", "\r\n"), None),
        (GOOD.replace("\n", "\r"), "its lines end with carriage returns"),
        ("\n\n" + GOOD.replace("\n", "\n\n"), None),
        ("\ufeff" + GOOD, None),
        (GOOD.encode("utf-16"), "read as UTF-16"),
        (GOOD.encode("utf-16-le"), "read as UTF-16-LE"),
        (GOOD.encode("utf-16-be"), "read as UTF-16-BE"),
        (GOOD.replace("\n", ",\n"), None),
        (GOOD.replace("3.5\n", "3.5,\n").replace("4\n", "4,\n"), None),
        (GOOD.replace("Price\n", "Price,\n"), None),
        ("sep=;\r\n" + GOOD.replace(",", ";"), "its fields are separated by ;"),
        (GOOD.replace(",", ";"), "its fields are separated by ;"),
        (GOOD.replace(",", "\t"), "its fields are separated by a tab"),
        (GOOD.replace("p1", '"p1"').replace("Units", '"Units"'), None),
        (gzip.compress(GOOD.encode()), "it is packed by gzip, and was unpacked"),
    ],
    ids=range(17),
)
def test_a_text_is_read_however_it_is_written(tmp_path, content, note):
    told, found = look(tmp_path, content)
    assert (told.problem, told.note) == (None, note)
    assert found == TWO


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_western_texts_are_told_by_bytes_anywhere_in_the_file(tmp_path, encoding):
    name = "Süß" + ("\x81" if encoding == "latin-1" else "€")
    many = "1,plain,2026-03-01,2,3.5\n" * 200_000
    told, found = look(tmp_path, (HEADER + "\n" + many + f"1,{name},2026-03-01,1,4\n").encode(encoding))
    assert told.problem is None and found[-1][1] == name and len(found) == 200_001
    assert (
        told.note == f"read as {'ISO 8859-1 (latin-1)' if encoding == 'latin-1' else 'Windows-1252 (Western European)'}"
    )


def test_accents_are_written_in_one_way(tmp_path):
    _, found = look(tmp_path, GOOD.replace("p1", "cafe\u0301"))
    assert found[0][1] == "caf\xe9" and found[1] == TWO[1]


def test_names_do_not_say_what_a_file_is(tmp_path):
    assert look(tmp_path, GOOD, "sales_1.csv.gz")[0].note == "its name ends in .gz, and it is not packed"
    pq.write_table(pa.table({name: ["1"] for name in HEADER.split(",")}), tmp_path / "parquet")
    told, found = look(tmp_path, (tmp_path / "parquet").read_bytes())
    assert told.problem is None and found == [("1", "1", "1", "1", "1", None)]
    assert told.note == "it is a Parquet file, whatever its name says"


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        ("", "sales_1.csv", EMPTY),
        ("\n\n", "sales_1.csv", EMPTY),
        (gzip.compress(GOOD.encode())[:-9], "sales_1.csv.gz", "the packed file is cut short"),
        (gzip.compress(GOOD.encode())[:-8] + b"12345678", "sales_1.csv.gz", "the packed file is damaged"),
        (b"\0\1\2" * 1000, "sales_1.csv", "not a text"),
        (GOOD.encode() + b"\0" * 100, "sales_1.csv", "not a text"),
        (b"PAR1 but no more", "sales_1.parquet", "is not a readable Parquet file"),
        (GOOD, "sales_1.parquet", "is not a readable Parquet file"),
        (b"PK\3\4 but no more", "sales_1.xlsx", "is not a readable workbook"),
        ('{"a": ', "sales_1.json", "is not valid JSON, line 1"),
        ("[1, 2]", "sales_1.json", "holds '1' where an object"),
        ("[]", "sales_1.json", "the file holds no object"),
        ('[{"StoreID": 1, "Units": 2, "Units": 3}]', "sales_1.json", "an object has the field Units twice"),
        ('[{"StoreID": 1, "Units": [2]}]', "sales_1.json", "the field Units holds a list or an object"),
        ('[{"Units": 1, "regular": {"units": 2}}]', "sales_1.json", "an object has units more than once"),
        ('[{"a": [{"StoreID": 1}], "b": [{"StoreID": 1}]}]', "sales_1.json", "several lists: a, b"),
        (",".join(f"column {n}" for n in range(30_000)), "sales_1.csv", "and 29,988 more instead"),
        ('StoreID,"ProductID\n' + "1,2\n" * 50, "sales_1.csv", "a quote in the header is not closed"),
    ],
    ids=range(18),
)
def test_a_file_that_can_not_be_read_says_why(tmp_path, content, name, says):
    told, _ = look(tmp_path, content, name)
    assert told.reading is None and says in told.problem


def test_what_is_gone_is_told():
    assert survey("/nowhere/sales_1.csv", SALES).problem == "the file was listed, but is gone"


def test_the_lines_of_a_refused_file_name_the_items_that_wait(tmp_path):
    told, found = look(tmp_path, "StoreID,ProductID,TransactionDateTime,Unts,Price\n1,p1,2026-03-01,2,3\n")
    assert "the header lacks Units; it has 'Unts' instead" in told.problem
    assert found == [("1", "p1", "2026-03-01", None, "3", None)]
    # which of two columns counts, nobody knows
    told, found = look(tmp_path, "StoreID,ProductID,TransactionDateTime,Units,Price,units\n1,p1,2026-03-01,2,3,4\n")
    assert told.problem == "the header names Units twice"
    assert found == [("1", "p1", "2026-03-01", None, "3", None)]


def test_optional_columns_may_be_missing_but_not_be_misspelt(tmp_path):
    header = "PolicyName,StoreID,ProductID,SupplierID,Quantity,OrderTimestamp"
    assert look(tmp_path, f"{header}\n", dataset=ORDERS)[0].problem is None
    assert "the header lacks Fulfilled" in look(tmp_path, f"{header},Fullfilled\n", dataset=ORDERS)[0].problem


@pytest.mark.parametrize(
    ("text", "good", "malformed"),
    [
        ('1,"two\nlines"\n3,4\n', [("1", "two\nlines"), ("3", "4")], []),
        ('1,"two\n\nlines"\n', [("1", "two\n\nlines")], []),
        ('1,"never closed\n3,4\n5,6\n', [("3", "4"), ("5", "6")], ['1,"never closed']),
        ('1,"never closed\n3,4\n5,"6"\n', [("3", "4"), ("5", "6")], ['1,"never closed']),
        ('1,5" pipe\n3,"5"" pipe"\n', [("1", '5" pipe'), ("3", '5" pipe')], []),
        ("1,2,3\n\n4,5\n6\n", [("4", "5")], ["1,2,3", "6"]),
        ('1,"last\n', [], ['1,"last']),
        ("1,\n,\n", [("1", None), (None, None)], []),
    ],
    ids=range(8),
)
def test_a_quote_or_a_line_is_broken_alone(text, good, malformed):
    block = parse(text.encode(), 2, ",")
    assert list(zip(*block.rows.to_pydict().values(), strict=True)) == good
    assert list(block.malformed) == malformed


@pytest.mark.parametrize("size", [7, 64, 1000])
def test_blocks_change_nothing(size):
    text = "".join(f'{n},"name {n}\nof two lines"\r\n{n},{n}\r{n},"é"\n' for n in range(100))
    for encoding in ("utf-8", "utf-16", "utf-8-sig"):
        joined = b"".join(blocks(io.BytesIO(text.encode(encoding)), encoding, size)).decode()
        assert joined.replace("\r\n", "\n") == text.replace("\r\n", "\n").replace("\r", "\n")
    found, rest = [], b""
    for block in [*blocks(io.BytesIO(text.encode()), "utf-8", size), b""]:
        parsed = parse(rest + block, 2, ",", is_last=not block)
        found += zip(*parsed.rows.to_pydict().values(), strict=True)
        rest = parsed.rest
        assert not parsed.malformed
    assert len(found) == 300 and found[0] == ("0", "name 0\nof two lines")


@pytest.mark.parametrize(
    ("dates", "order", "says"),
    [
        (["2026-03-01", "2026-02-27"], None, None),
        (["10/02/2026 08:00", "27/02/2026 08:00"], "dmy", None),
        (["10-02-2026", "02-27-2026"], "mdy", None),
        (["05/05/2026", "2026-03-01"], None, None),
        (["13/02/2026", "02/27/2026"], None, "'13/02/2026' (row 1) and '02/27/2026' (row 2)"),
        (["10/02/2026", "03/02/2026"], None, "'10/02/2026' (row 1): set `mapping: {sales: {dates: dd/MM/yyyy}}`"),
        (["99/02/2026", "46080"], None, None),
    ],
)
def test_one_order_of_day_and_month_holds_for_a_file(tmp_path, dates, order, says):
    told, found = look(tmp_path, HEADER + "\n" + "".join(f"1,p1,{one},2,3.5\n" for one in dates))
    assert told.dates == order and len(found) == len(dates)
    assert told.problem is None if says is None else says in told.problem
    declared = with_mapping({"sales": MappingConfig(dates="dd/MM/yyyy")})
    (declared,) = [one for one in declared if one.name == "sales"]
    assert survey(str(tmp_path / "sales_1.csv"), declared).problem is None


def test_the_order_is_one_for_all_date_columns(tmp_path):
    header = "PolicyName,StoreID,ProductID,SupplierID,Quantity,OrderTimestamp,ETA\n"
    told, _ = look(tmp_path, header + "a,1,p,s,5,10/02/2026,04/03/2026\na,1,q,s,5,,27/02/2026\n", dataset=ORDERS)
    assert (told.dates, told.problem) == ("dmy", None)


def test_parquet_of_every_type(tmp_path):
    table = pa.table(
        {
            "StoreID": pa.array([4006381333931.0], pa.float64()),
            "Product`ID": pa.array(["p"]).dictionary_encode(),
            "TransactionDateTime": pa.array([1_772_323_200_000_000_001], pa.timestamp("ns")),
            "Units": pa.array([2], pa.int8()),
            "Price": pa.array([350], pa.decimal128(10, 2)),
            "a.b": pa.array([[1]]),
        }
    )
    (mapped,) = [
        one
        for one in with_mapping({"sales": MappingConfig(headers={"ProductID": "Product`ID"})})
        if one.name == "sales"
    ]
    pq.write_table(table, tmp_path / "parquet")
    told, found = look(tmp_path, (tmp_path / "parquet").read_bytes(), "sales_1.parquet", mapped)
    assert told.problem is None, told
    assert found == [("4006381333931", "p", "2026-03-01 00:00:00.000000", "2", "350.00", None)]


def test_never_in_parquet_and_old_timestamps(tmp_path):
    day = {name: ["1"] for name in HEADER.split(",")} | {"TransactionDateTime": [datetime(9999, 12, 31)]}
    for options in ({}, {"use_deprecated_int96_timestamps": True}):
        pq.write_table(pa.table(day), tmp_path / "parquet", **options)
        _, found = look(tmp_path, (tmp_path / "parquet").read_bytes(), "sales_1.parquet")
        assert found[0][2].startswith("9999-12-31")


def test_damaged_pages(tmp_path):
    columns = {name: [f"{n}{name}" for n in range(5000)] for name in HEADER.split(",")}
    pq.write_table(pa.table(columns), tmp_path / "parquet")
    damaged = bytearray((tmp_path / "parquet").read_bytes())
    damaged[200:2200] = random.Random(1).randbytes(2000)
    told, _ = look(tmp_path, bytes(damaged), "sales_1.parquet")
    assert told.reading is None and "damaged" in told.problem


def test_a_workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["StoreID", "ProductID", "TransactionDateTime", "Units", "Price"])
    book.active.append([1, "p1", date(2026, 3, 1), 2.0, 3.5])
    book.active.append([None, None, None, None, None])
    book.active.append([1, "007", datetime(2026, 3, 1, 9, 30), 1, None])
    book.save(tmp_path / "book.xlsx")
    told, found = look(tmp_path, (tmp_path / "book.xlsx").read_bytes(), "sales_1.xlsx")
    assert told.problem is None
    assert found == [("1", "p1", "2026-03-01", "2", "3.5", None), ("1", "007", "2026-03-01 09:30:00", "1", None, None)]
    (sheet,) = [one for one in with_mapping({"sales": MappingConfig(sheet="Mai")}) if one.name == "sales"]
    assert look(tmp_path, (tmp_path / "book.xlsx").read_bytes(), "s_1.xlsx", sheet)[0].problem == (
        "has no sheet 'Mai'; its sheets: Sheet"
    )


WHOLE = {"StoreID": 1, "ProductID": "p1", "TransactionDateTime": "2026-03-01", "Units": 2, "Price": 3.5}


def workbook(tmp_path: Path, rows: list[list], change=lambda name, part: part, sheets: int = 1) -> bytes:
    """A workbook of these rows in its last sheet, with its parts changed."""
    book = pytest.importorskip("openpyxl").Workbook()
    for _ in range(sheets - 1):
        book.create_sheet("Data")
    for row in rows:
        book.worksheets[-1].append(row)
    book.save(tmp_path / "made.xlsx")
    changed = io.BytesIO()
    with zipfile.ZipFile(tmp_path / "made.xlsx") as parts, zipfile.ZipFile(changed, "w") as made:
        for name in parts.namelist():
            made.writestr(name, change(name, parts.read(name)))
    return changed.getvalue()


@pytest.mark.parametrize("size", ["A1", "A1:E2", "A1:D2"])
def test_a_workbook_that_tells_a_wrong_size_loses_nothing(tmp_path, size):
    def wrong(name: str, part: bytes) -> bytes:
        return re.sub(rb'<dimension ref="[^"]*"', f'<dimension ref="{size}"'.encode(), part)

    rows = [HEADER.split(","), ["1", "p1", "2026-03-01", "2", "3.5"], ["1", "p2", "2026-03-01", "1", "4"]]
    told, found = look(tmp_path, workbook(tmp_path, rows, wrong), "sales_1.xlsx")
    assert told.problem is None and found == TWO
    # whatever its name says, and wherever the sheet is
    told, found = look(tmp_path, workbook(tmp_path, rows, wrong, sheets=2), "sales_1.csv")
    assert found == TWO and "sheet 'Data' was read, not 'Sheet'" in told.note


def test_a_formula_without_a_value_is_no_empty_cell(tmp_path):
    rows = [HEADER.split(","), ["1", "p1", "2026-03-01", "2", "=1+2.5"]]
    told, _ = look(tmp_path, workbook(tmp_path, rows), "sales_1.xlsx")
    assert told.problem.startswith("row 2 has a formula without a value")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("sales.csv", GOOD)
    assert look(tmp_path, archive.getvalue())[0].problem == "is not a readable workbook but a zip archive: unpack it"


@pytest.mark.parametrize(
    "document",
    [
        [{"StoreID": 1, "ProductID": "p1", "TransactionDateTime": "2026-03-01", "Units": 2, "Price": 3.5}],
        {
            "StoreID": 1,
            "TransactionDateTime": "2026-03-01",
            "Sales": [{"ProductID": "p1", "Units": 2, "Price": 3.50, "Extra": None}],
            "errors": [],
        },
        {"response": {"items": [WHOLE | {"tags": ["promo"], "discounts": []}]}},
        [WHOLE | {"discounts": [{"code": "X"}, {"code": "Y"}]}],
        [WHOLE | {"TransactionDateTime": {"$date": "2026-03-01"}, "empty": {}}],
    ],
)
def test_json_objects_in_objects(tmp_path, document):
    told, found = look(tmp_path, json.dumps(document), "sales_1.json")
    assert told.problem is None and found == [("1", "p1", "2026-03-01", "2", "3.5", None)]


def test_a_whole_line_with_columns_in_a_list_of_its_own_could_mean_two_things(tmp_path):
    told, _ = look(tmp_path, json.dumps([WHOLE | {"lots": [{"Units": 1}]}]), "sales_1.json")
    assert told.problem == "an object is a whole line, and its list lots has Units too: land one of both"


def test_json_lines_keep_numbers_as_they_are_written(tmp_path):
    line = '{"StoreID": 0.10, "ProductID": 4006381333931, "TransactionDateTime": "d", "Units": 1E3, "Price": null}\n'
    told, found = look(tmp_path, (line * 2).encode("utf-16"), "sales_1.jsonl")
    assert told.problem is None and found == [("0.10", "4006381333931", "d", "1E3", None, None)] * 2


def test_a_user_s_own_files_are_a_few_lines_of_mapping(tmp_path):
    own = MappingConfig(
        glob="exporte/**/umsatz*.txt",
        headers={"ProductID": "Artikel", "TransactionDateTime": "Datum", "Units": "Menge", "Price": "Preis"},
        constants={"StoreID": 7},
        separator=";",
        decimal=",",
        dates="dd.MM.yyyy",
    )
    (dataset,) = [one for one in with_mapping({"sales": own}) if one.name == "sales"]
    assert dataset.has("/land/exporte/2025/umsatz 1.txt") and not dataset.has("/land/exporte/umsatz.txt.bak")
    told, found = look(tmp_path, "Artikel;Datum;Menge;Preis\n12;31.12.2025;3;1,50\n", "umsatz", dataset)
    assert told.problem is None and found == [("7", "12", "31.12.2025", "3", "1,50", None)]


def test_whatever_lies_there_is_listed(tmp_path):
    names = ["sales_[1].csv", "sales_{a}.csv", "sales_*.csv", "sales_%25.csv", "..%2f..%2fsecret.csv", 'a "b": c é.csv']
    for name in names:
        (tmp_path / name).write_text("x")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "round").mkdir()
    (tmp_path / "round" / "back").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    for hidden in ("_SUCCESS", ".sales.csv.swp", "sales.csv._COPYING_"):
        (tmp_path / hidden).write_text("x")
    found = {landed.path.removeprefix(f"{tmp_path}/"): landed.problem for landed in listing(str(tmp_path))}
    assert {name: found.pop(name) for name in names} == dict.fromkeys(names)
    assert found == {
        "gone.csv": "is a link that leads nowhere",
        "folder.csv": "is a folder, and nothing is in it",
        "pipe.csv": "is not a file but a pipe, a socket or a device",
    }


def test_a_name_that_is_no_text(tmp_path):
    with open(os.fsencode(tmp_path) + b"/sales_\xff.csv", "w"):
        pass
    (landed,) = listing(str(tmp_path))
    assert landed.path == f"{tmp_path}/sales_?.csv" and "not valid UTF-8" in landed.problem
    assert printable("a\x1b[31m\n") == "a\\x1b[31m\\n"
    assert sorted(["orders_10", "orders_9"], key=by_name) == ["orders_9", "orders_10"]


def test_no_bytes_raise(tmp_path):
    """Good files of every form with bytes changed, cut and doubled at random places."""
    source = random.Random(7)
    pq.write_table(pa.table({name: ["1", "2"] * 20 for name in HEADER.split(",")}), tmp_path / "good")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    forms = [
        (GOOD.encode() * 5, "sales_1.csv"),
        (GOOD.encode("utf-16"), "sales_1.csv"),
        (gzip.compress(GOOD.encode() * 50), "sales_1.csv.gz"),
        ((tmp_path / "good").read_bytes(), "sales_1.parquet"),
        (packed.getvalue(), "sales_1.xlsx"),
        (json.dumps([dict.fromkeys(HEADER.split(","), 1)] * 5).encode(), "sales_1.json"),
    ]
    refused = 0
    for number in range(300):
        content, name = forms[number % len(forms)]
        changed = bytearray(content)
        for _ in range(source.randint(1, 5)):
            at = source.randrange(len(changed) + 1)
            changed[at : at + source.choice((0, 0, 1, 7, 1000))] = source.randbytes(source.choice((0, 1, 9)))
        told, _ = look(tmp_path, bytes(changed), name)
        refused += told.problem is not None
    assert 100 < refused < 300


@pytest.mark.parametrize(
    ("end", "is_cut"),
    [
        ("S1,P3,2026-0", True),
        ("S1", True),
        ("S", True),
        ("S1,P3,2026-03-02 00:00:00,5", True),
        ("S1,P3,2026-03-02 00:00:00,5,", False),
        ("S1,P3,2026-03-02 00:00:00,5,\n", False),
        ("S1,P3,2026-0\n", False),  # a bad line of a whole file
        ("", False),
        ("Total,15", False),
        ("Grand total: 15", False),
        ("End-12,P3,2026-0", True),  # ids that begin as a footer does
        ("12 main,P3", True),
        ("(2 rows affected)", False),
        ("3", False),
    ],
)
def test_a_count_that_breaks_off_is_refused_because_what_follows_would_pass_for_gone(tmp_path, end, is_cut):
    header = "StoreID,ProductID,InventoryDateTime,Units,ExpiryDateTime\n"
    path = tmp_path / "inv_1.csv"
    path.write_text(header + "S1,P1,2026-03-02 00:00:00,5,\nS1,P2,2026-03-02 00:00:00,5,\n" + end)
    found = survey(str(path), BY_NAME["inventory"])
    assert found.reading is not None, "its lines name the items that wait"
    assert (found.problem is not None) == is_cut
    if is_cut:
        assert found.problem == (
            f"the file is cut short: it ends within the line {end!r}; land it again, whole, under a new name"
        )


def test_lines_that_all_are_short_are_no_cut(tmp_path):
    path = tmp_path / "inv_1.csv"
    header = "StoreID,ProductID,InventoryDateTime,Units,ExpiryDateTime\n"
    path.write_text(header + "S1,P1,2026-03-02 00:00:00,5\nS1,P2,2026-03-02 00:00:00,5")
    assert survey(str(path), BY_NAME["inventory"]).problem is None


def test_sales_before_the_cut_are_kept(tmp_path):
    path = tmp_path / "sales_1.csv"
    path.write_text("StoreID,ProductID,TransactionDateTime,Units,Price\nS1,P1,2026-03-02,5,9\nS1,P2,20")
    assert survey(str(path), BY_NAME["sales"]).problem is None
