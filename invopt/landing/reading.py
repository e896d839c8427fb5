"""How a file is read: decided once, from all of it, and obeyed wherever its lines are read."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from invopt.landing import json_objects, parquet, workbook
from invopt.landing.csv_block import header_of, parse
from invopt.landing.decoding import blocks
from invopt.landing.opening import opened

TEXT, PARQUET, WORKBOOK, JSON = "text", "parquet", "workbook", "json"
ROWS = 65_536
MALFORMED = "malformed_line"


@dataclass(frozen=True)
class Reading:
    """The form of a file, and which standard column each of its columns is.

    form : text, parquet, workbook or json
    columns : column by column of the file its standard header, None where it is not needed
    headers : of a JSON file, the names of its fields
    encoding : "" where a JSON file tells its own
    needed : standard headers that an object must have to be a line
    constants : standard header -> the value of a column that the file lacks
    """

    form: str
    columns: tuple[str | None, ...] = ()
    headers: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    encoding: str = "utf-8"
    separator: str = ","
    sheet: str | None = None
    constants: tuple[tuple[str, str], ...] = ()

    def as_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Reading:
        plain = json.loads(text)
        tuples = {name: tuple(plain[name]) for name in ("columns", "headers", "needed")}
        return cls(**{**plain, **tuples, "constants": tuple(map(tuple, plain["constants"]))})

    def only(self, headers: set[str]) -> Reading:
        """The same with fewer columns."""
        return replace(self, columns=tuple(column if column in headers else None for column in self.columns))

    @property
    def places(self) -> list[int]:
        """Places of the needed columns in the file."""
        return [place for place, column in enumerate(self.columns) if column is not None]


def lines(path: str, reading: Reading, content: bytes | None = None) -> Iterator[pa.Table]:
    """The lines of a file: a column of text per standard header, and MALFORMED, the whole line where it is none.

    Raises
    ------
    UnreadableError, OSError, UnicodeDecodeError : the file can't be read to its end.
    """
    if reading.form == TEXT:
        yield from _text_lines(path, reading, content)
        return
    if reading.form == PARQUET:
        for table in parquet.tables(path, content, reading.places):
            yield _finished(table, reading)
        return
    rows = _rows(path, reading, content)
    while chunk := [row for _, row in zip(range(ROWS), rows, strict=False)]:
        columns = zip(*chunk, strict=True)
        yield _finished(pa.table([pa.array(one, pa.string()) for one in columns], names=_names(reading)), reading)


def _rows(path: str, reading: Reading, content: bytes | None) -> Iterator[list[str | None]]:
    if reading.form == WORKBOOK:
        found = workbook.rows(path, content, reading.sheet)
        next(found, None)
        for row in found:
            full = row + [None] * (len(reading.columns) - len(row))
            yield [full[place] for place in reading.places]
        return
    known = {name: column for name, column in zip(reading.headers, reading.columns, strict=True) if column}
    shape = json_objects.Shape(known, set(reading.needed))
    with opened(path, content) as stream:
        for row in json_objects.objects(stream, reading.encoding or None, shape):
            yield [row.get(reading.headers[place]) for place in reading.places]


def _text_lines(path: str, reading: Reading, content: bytes | None) -> Iterator[pa.Table]:
    n_fields = len(reading.columns)
    with opened(path, content) as stream:
        rest, has_header = b"", False
        for block, is_last in _with_last(blocks(stream, reading.encoding)):
            text = rest + block
            if not has_header:
                _, text = header_of(text, reading.separator)
                has_header = True
            parsed = parse(text, n_fields, reading.separator, wanted=reading.places, is_last=is_last)
            rest = parsed.rest
            if parsed.rows.num_rows:
                yield _finished(parsed.rows, reading)
            if parsed.malformed:
                yield _malformed(parsed.malformed, reading)


def _with_last(found: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each block, and whether none comes after it."""
    block = next(found, None)
    while block is not None:
        after = next(found, None)
        yield block, after is None
        block = after


def _malformed(texts: tuple[str, ...], reading: Reading) -> pa.Table:
    """Lines that have not as many fields as the header: what they have in the places of the columns, and the line."""
    rows = []
    for text in texts:
        try:
            fields = next(csv.reader([text], delimiter=reading.separator), [])
        except csv.Error:
            fields = []
        rows.append([fields[place] or None if place < len(fields) else None for place in reading.places])
    columns = [pa.array([row[at] for row in rows], pa.string()) for at in range(len(reading.places))]
    return _finished(pa.table(columns, names=_names(reading)), reading, pa.array(texts, pa.string()))


def _names(reading: Reading) -> list[str]:
    return [reading.columns[place] for place in reading.places]


def _composed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts with composed letters (NFC): an id is one id whether its accents are signs of their own or not."""
    if pc.all(pc.string_is_ascii(column), min_count=0).as_py() is not False:
        return column
    return pc.utf8_normalize(column, form="NFC")


def _finished(table: pa.Table, reading: Reading, malformed: pa.Array | None = None) -> pa.Table:
    """The table under standard headers, with the constants and the malformed lines."""
    n = table.num_rows
    table = table.rename_columns(_names(reading))
    table = pa.table([_composed(column) for column in table.columns], names=table.column_names)
    for header, value in reading.constants:
        given = pa.array([value] * n, pa.string())
        if header in table.column_names:
            place = table.column_names.index(header)
            told = pc.if_else(pc.equal(pc.utf8_trim_whitespace(table[header]), ""), None, table[header])
            table = table.set_column(place, header, pc.coalesce(told, given))
        else:
            table = table.append_column(header, given)
    return table.append_column(MALFORMED, malformed if malformed is not None else pa.nulls(n, pa.string()))
