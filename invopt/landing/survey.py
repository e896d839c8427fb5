"""One look at a whole file before a line of it is kept: how it is read, or why it can't be.

What is damaged shows at any place, so the file is read to its end; a file that can't be read stops no other.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from invopt.landing import json_objects, parquet, workbook
from invopt.landing.csv_block import header_of
from invopt.landing.cut_short import cut_short
from invopt.landing.date_order import DateOrder
from invopt.landing.decimal_sign import DecimalSign, has_signs
from invopt.landing.decoding import PLAIN, blocks, encoding_of, has_lone_returns
from invopt.landing.headers import Header, needed, read_header, standard
from invopt.landing.listing import why
from invopt.landing.opening import PARQUET as PARQUET_MARK
from invopt.landing.opening import ZIP, UnreadableError, is_packed, opened
from invopt.landing.reading import JSON, MALFORMED, PARQUET, TEXT, WORKBOOK, Reading, lines
from invopt.tables.dataset import Dataset, normal_header

EMPTY = "the file is empty, it has not even a header"
SEPARATORS = (",", ";", "\t", "|")
_ENDINGS = {
    ".parquet": PARQUET,
    ".xlsx": WORKBOOK,
    ".xlsm": WORKBOOK,
    ".json": JSON,
    ".jsonl": JSON,
    ".ndjson": JSON,
}
_ENCODINGS = {"cp1252": "Windows-1252 (Western European)", "latin-1": "ISO 8859-1 (latin-1)"}


@dataclass(frozen=True)
class Survey:
    """What one look at a file has told.

    reading : how its lines are read; None where they can't be, or not told apart
    problem : why it is refused; its lines, if they can be read, then name the items that wait for it
    note : what was odd, and how it was read all the same
    """

    reading: Reading | None = None
    n_lines: int = 0
    dates: str | None = None
    problem: str | None = None
    note: str | None = None


def survey(path: str, dataset: Dataset, content: bytes | None = None) -> Survey:
    """How a file of a dataset is read."""
    try:
        return _survey(path, dataset, content)
    except UnreadableError as error:
        return Survey(problem=str(error))
    except FileNotFoundError:
        return Survey(problem="the file was listed, but is gone")
    except OSError as error:
        return Survey(problem=f"the file can't be read: {why(error)}")
    except UnicodeDecodeError as error:
        return Survey(problem=f"the text is not in {error.encoding}: byte {error.start:,} of it is none")
    except Exception as error:  # whatever else a file's bytes make a parser raise, it is the end of this file only
        cause = " ".join(str(error).split())[:200]
        return Survey(problem=f"the file can't be read: {type(error).__name__}: {cause}")


def _survey(path: str, dataset: Dataset, content: bytes | None) -> Survey:
    form, notes = _form(path, content)
    reading, header = _begun(path, dataset, content, form, notes)
    if reading is None:
        return Survey(problem=EMPTY)
    reading = Reading(**{**vars(reading), "columns": header.columns, "constants": dataset.dialect.constants})
    if header.problem and not header.has_keys:
        return Survey(problem=header.problem)
    seen = _looked_through(path, dataset, content, reading)
    problem = header.problem
    if problem is None and not dataset.dialect.dates:
        problem = seen.order.problem(dataset.name)
    problem = problem or seen.sign.problem(dataset.name)
    if problem is None and seen.has_malformed and reading.form == TEXT and dataset.tells_by_absence:
        problem = cut_short(path, reading, content)
    notes += [header.note] if header.note else []
    return Survey(reading, seen.n_lines, seen.order.decided(), problem, "; ".join(notes) or None)


def _form(path: str, content: bytes | None) -> tuple[str, list[str]]:
    """The form of a file: what its first bytes tell, else its name; and what is odd about that."""
    name = path.lower()
    packed = is_packed(path, content)
    plain = name.removesuffix(".gz")
    named = next((form for ending, form in _ENDINGS.items() if plain.endswith(ending)), TEXT)
    notes = []
    if packed != (plain != name) and named in (TEXT, JSON):
        notes.append(
            "it is packed by gzip, and was unpacked" if packed else "its name ends in .gz, and it is not packed"
        )
    with opened(path, content) as stream:
        start = stream.read(4)
    told = PARQUET if start == PARQUET_MARK else WORKBOOK if start == ZIP else None
    if told and told != named and not packed:
        notes.append(f"it is a {'Parquet file' if told == PARQUET else 'workbook'}, whatever its name says")
        return told, notes
    return named, notes


def _begun(
    path: str, dataset: Dataset, content: bytes | None, form: str, notes: list[str]
) -> tuple[Reading | None, Header]:
    """The reading as the file's beginning tells it, without its columns, and the header; no reading for an empty
    file.
    """
    if form == PARQUET:
        return Reading(form), read_header(path, dataset, parquet.header_of(path, content))
    if form == WORKBOOK:
        sheet, others = workbook.chosen_sheet(path, content, dataset.dialect.sheet)
        if others and not dataset.dialect.sheet:
            notes.append(f"sheet {sheet!r} was read, not {', '.join(map(repr, others[:5]))}")
        first = next(workbook.rows(path, content, sheet), None)
        titles = [title or "" for title in first or ()]
        return (Reading(form, sheet=sheet) if first else None), read_header(path, dataset, titles)
    if form == JSON:
        return _objects_begun(path, dataset, content)
    return _text_begun(path, dataset, content, notes)


def _objects_begun(path: str, dataset: Dataset, content: bytes | None) -> tuple[Reading, Header]:
    """Of a JSON file: the names of all fields that its lines have."""
    encoding, must = dataset.dialect.encoding, needed(dataset)
    known = _Spellings(standard(dataset))
    with opened(path, content) as stream:
        found = json_objects.objects(stream, encoding, json_objects.Shape(known, must))
    if not found:
        raise UnreadableError("the file holds no object, and so no line")
    names = list(dict.fromkeys(name for row in found for name in row))
    reading = Reading(JSON, headers=tuple(names), needed=tuple(sorted(must)), encoding=encoding or "")
    return reading, read_header(path, dataset, names)


class _Spellings(dict[str, str]):
    """Normal form of a header -> its standard one, found by any spelling."""

    def get(self, name: str, default: str | None = None) -> str | None:
        return super().get(normal_header(name), default)


def _text_begun(path: str, dataset: Dataset, content: bytes | None, notes: list[str]) -> tuple[Reading | None, Header]:
    dialect = dataset.dialect
    with opened(path, content) as stream:
        encoding = encoding_of(stream, dialect.encoding)
        if not dialect.encoding and encoding not in (PLAIN, "utf-8-sig"):
            notes.append(f"read as {_ENCODINGS.get(encoding, encoding.upper())}")
        stream.seek(0)
        if has_lone_returns(stream, encoding):
            notes.append("its lines end with carriage returns")
        stream.seek(0)
        start = next(blocks(stream, encoding, 1 << 20), b"")
    chosen: tuple[Header, str] | None = None
    for separator in (dialect.separator,) if dialect.separator else _separators(path):
        try:
            headers, _ = header_of(start, separator)
        except (ValueError, csv.Error) as error:
            raise UnreadableError(f"the header can't be read: {error}") from error
        if not headers:
            return None, read_header(path, dataset, ())
        header = read_header(path, dataset, headers)
        if chosen is None or header.n_known > chosen[0].n_known:
            chosen = header, separator
    header, separator = chosen
    if not dialect.separator and separator != _separators(path)[0]:
        notes.append(f"its fields are separated by {'a tab' if separator == chr(9) else separator}")
    return Reading(TEXT, encoding=encoding, separator=separator), header


def _separators(path: str) -> Sequence[str]:
    """The usual one of the file's ending first."""
    if path.lower().removesuffix(".gz").endswith(".tsv"):
        return ("\t", *(sign for sign in SEPARATORS if sign != "\t"))
    return SEPARATORS


class _Seen(NamedTuple):
    """The number of lines, the order of day and month that the dates have, what the numbers tell of the decimal sign,
    and whether a line is none.
    """

    n_lines: int
    order: DateOrder
    sign: DecimalSign
    has_malformed: bool


def _looked_through(path: str, dataset: Dataset, content: bytes | None, reading: Reading) -> _Seen:
    """Every column is read to its end."""
    dates = {field.header for field in dataset.dates} & set(reading.columns)
    is_text = reading.form == TEXT
    is_open = is_text and dataset.dialect.decimal is None
    numbers = {field.header for field in dataset.numbers} & set(reading.columns) if is_open else set()
    # a column of a Parquet file that is not read may be damaged unseen; of a text all of it is read anyway
    looked_at = reading if not is_text or not reading.places else reading.only(dates | numbers or _one(reading))
    order, n_lines, is_plain, has_malformed = DateOrder(), 0, reading.separator == ",", False
    for table in lines(path, looked_at, content):
        for header in dates:
            order.look(table[header], n_lines + 1)
        # nearly all files have points for their decimals and commas between their fields: they are read once
        is_plain = is_plain and not any(has_signs(table[header]) for header in numbers)
        has_malformed = has_malformed or table[MALFORMED].null_count < table.num_rows
        n_lines += table.num_rows
    sign = DecimalSign() if is_plain else _decimal_sign(path, content, reading, numbers)
    return _Seen(n_lines, order, sign, has_malformed)


def _decimal_sign(path: str, content: bytes | None, reading: Reading, numbers: set[str]) -> DecimalSign:
    sign, n_lines = DecimalSign(), 0
    for table in lines(path, reading.only(numbers), content) if numbers else ():
        for header in sorted(numbers):
            sign.look(header, table[header], n_lines + 1, is_parted_by_comma=reading.separator == ",")
        n_lines += table.num_rows
    return sign


def _one(reading: Reading) -> set[str]:
    """One column, so that the rows can be counted."""
    return {reading.columns[reading.places[0]]}


__all__ = ["EMPTY", "MALFORMED", "Survey", "survey"]
