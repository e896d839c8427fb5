"""A block of delimited lines as columns of text, and the lines that are none, each by itself.

Arrow parses a block at once. A quote that is opened and not closed would swallow what follows it, so the rows are
counted against the lines; where they differ, the block is taken record by record.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import csv as arrow_csv

# a text in quotes may go over this many lines; a longer one is taken for a quote that was not closed
MAX_LINES = 20
_SEPARATOR_LINE = re.compile(rb'\s*"?sep=.?"?[ \t]*\r?\n', re.IGNORECASE)
_EMPTY_LINE = re.compile(rb"^\r?\n", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """The rows of a block, as columns of text, and the malformed lines as they were.

    rest : the end of the block, where a record has begun that the next block ends
    """

    rows: pa.Table
    malformed: tuple[str, ...] = ()
    rest: bytes = b""


def parse(
    block: bytes, n_fields: int, separator: str, *, wanted: Sequence[int] | None = None, is_last: bool = True
) -> Block:
    """The rows of a block; lines that hold nothing are left out.

    wanted : places of the columns that are made, all of them where None

    An empty field is NULL.

    >>> block = parse(b'1,"a, b"\\n\\n2,c,3\\n', 2, ",")
    >>> block.rows.to_pydict(), block.malformed
    ({'f0': ['1'], 'f1': ['a, b']}, ('2,c,3',))
    """
    names = [f"f{number}" for number in range(n_fields)]
    chosen = names if wanted is None else [names[place] for place in wanted]
    malformed: list[str] = []

    def refuse(row: arrow_csv.InvalidRow) -> str:
        malformed.append(row.text)
        return "skip"

    n_lines = block.count(b"\n") + (not block.endswith(b"\n") and bool(block))
    last = block[block.rfind(b"\n", 0, -1) + 1 :]
    if last.count(b'"') % 2:  # Arrow would take a quote that the block's end leaves open for a closed one
        return _record_by_record(block, names, separator, is_last, chosen)
    try:
        rows = arrow_csv.read_csv(
            io.BytesIO(block),
            arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=1 << 20),
            arrow_csv.ParseOptions(delimiter=separator, invalid_row_handler=refuse),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(chosen, pa.string()),
                null_values=[""],  # an empty field is none, as in other formats
                strings_can_be_null=True,
                check_utf8=False,
                include_columns=chosen,
            ),
        )
    except pa.ArrowInvalid:  # a quote that is open at the end, or a block without a row
        return _record_by_record(block, names, separator, is_last, chosen)
    n_rows = rows.num_rows + len(malformed)
    # empty lines are looked for only where the simple count does not fit
    if n_rows != n_lines and n_rows != n_lines - len(_EMPTY_LINE.findall(block)):
        return _record_by_record(block, names, separator, is_last, chosen)
    mended, left = _without_last_separator([line for line in malformed if line.strip()], names, separator)
    if mended:
        rows = pa.concat_tables([rows, _table(mended, names).select(chosen)])
    return Block(rows, tuple(left))


def header_of(block: bytes, separator: str) -> tuple[list[str], bytes]:
    """The fields of the first line that holds something, and what follows it.

    A line such as `sep=;`, which spreadsheets write before it, and separators at its end are left out.
    """
    mark = _SEPARATOR_LINE.match(block)
    block = block[mark.end() :] if mark else block
    lines = io.StringIO(block[: 1 << 22].decode("utf-8", "ignore"), newline="")
    reader = csv.reader(lines, delimiter=separator)
    csv.field_size_limit(1 << 24)
    n_read = 0
    for fields in reader:
        if any(field.strip() for field in fields):
            break
        n_read = reader.line_num
    else:
        return [], b""
    rest = block
    for _ in range(reader.line_num):
        _, _, rest = rest.partition(b"\n")
    if reader.line_num - n_read > MAX_LINES:  # a quote in the header that nothing closes
        raise ValueError("a quote in the header is not closed")
    while fields and not fields[-1].strip():
        fields.pop()
    return fields, rest


def _record_by_record(block: bytes, names: list[str], separator: str, is_last: bool, chosen: list[str]) -> Block:
    """The rows of a block in which texts in quotes go over lines, or quotes are not closed."""
    lines = block.decode("utf-8").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    records: list[list[str]] = []
    malformed: list[str] = []
    at = 0
    while at < len(lines):
        fields, n_taken, is_open = _record(lines, at, len(names), separator)
        if is_open and not is_last and len(lines) - at <= MAX_LINES:
            break
        if fields is not None:
            records.append(fields)
        elif lines[at].strip():
            malformed.append(lines[at].rstrip("\r"))
        at += n_taken
    mended, malformed = _without_last_separator(malformed, names, separator)
    rows = _table([*records, *mended], names).select(chosen)
    rest = "\n".join(lines[at:]) + ("\n" if at < len(lines) and block.endswith(b"\n") else "")
    return Block(rows, tuple(malformed), rest.encode("utf-8"))


def _table(records: Sequence[Sequence[str]], names: Sequence[str]) -> pa.Table:
    columns = zip(*records, strict=True) if records else [()] * len(names)
    return pa.table([pa.array([text or None for text in column], pa.string()) for column in columns], names=names)


def _without_last_separator(
    lines: Sequence[str], names: Sequence[str], separator: str
) -> tuple[list[list[str]], list[str]]:
    """Of lines that are no records those that are one but for a separator at their end, and the others."""
    mended, left = [], []
    for line in lines:
        fields = _fields(line.removesuffix(separator), separator, len(names)) if line.endswith(separator) else None
        if fields is None:
            left.append(line)
        else:
            mended.append(fields)
    return mended, left


def _record(lines: list[str], at: int, n_fields: int, separator: str) -> tuple[list[str] | None, int, bool]:
    """The record that begins at a line: its fields, how many lines it takes, and whether its end is not in sight.

    A record of several lines counts only where its quotes are closed, its fields are as many as the header's, and no
    line within it is a record by itself.
    """
    for n_taken in range(1, MAX_LINES + 1):
        if at + n_taken > len(lines):
            return None, 1, True
        if n_taken > 2 and _fields(lines[at + n_taken - 2], separator, n_fields) is not None:
            return None, 1, False
        text = "\n".join(line.rstrip("\r") for line in lines[at : at + n_taken])
        try:
            (fields,) = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                continue
            return None, 1, False
        except ValueError:  # an empty line gives no record
            return None, 1, False
        return (fields if len(fields) == n_fields else None), (n_taken if len(fields) == n_fields else 1), False
    return None, 1, False


def _fields(line: str, separator: str, n_fields: int) -> list[str] | None:
    """The fields of a line that is a whole record."""
    if n_fields == 1:
        return None
    try:
        (fields,) = csv.reader([line], delimiter=separator, strict=True)
    except (csv.Error, ValueError):
        return None
    return fields if len(fields) == n_fields else None
