"""A Parquet file's columns as text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from invopt.landing.opening import UnreadableError

ROWS = 65_536


def header_of(path: str, content: bytes | None) -> list[str]:
    """The names of the columns.

    Raises
    ------
    UnreadableError : it is no Parquet file, or its end is missing.
    """
    with _file(path, content) as file:
        return file.schema_arrow.names


def tables(path: str, content: bytes | None, wanted: Sequence[int]) -> Iterator[pa.Table]:
    """The wanted columns as text, some rows at a time.

    Raises
    ------
    UnreadableError : pages are damaged, or a column holds no single values.
    """
    with _file(path, content) as file:
        names = [file.schema_arrow.names[place] for place in wanted]
        # by their path in the file: a name may hold dots, which would mean a part of a struct
        places = [place for place in range(len(file.schema)) if file.schema.column(place).path in names]
        if len(places) != len(names):
            raise UnreadableError("a column that is needed holds lists or structs: it must have one value a row")
        try:
            for group in range(file.num_row_groups):
                yield from _group(file, group, names)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableError(f"the Parquet file is damaged: {_first_line(error)}") from error


def _group(file: pq.ParquetFile, group: int, names: list[str]) -> Iterator[pa.Table]:
    if not names:
        return
    for batch in file.iter_batches(ROWS, row_groups=[group], columns=names):
        table = pa.table(batch)
        yield pa.table([_texts(table[name], name) for name in names], names=names)


def _texts(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        # what is finer than a microsecond has no meaning here
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    try:
        return _whole(column) if pa.types.is_floating(kind) else column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UnreadableError(f"column {name} of type {kind} has no form as text: {_first_line(error)}") from error


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers as text, a whole one without decimals and exponent: ids are often kept as numbers."""
    is_whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 1e15))
    whole = pc.if_else(is_whole, column, None).cast(pa.int64())
    return pc.coalesce(whole.cast(pa.string()), column.cast(pa.string()))


def _file(path: str, content: bytes | None) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path if content is None else io.BytesIO(content), coerce_int96_timestamp_unit="us")
    except (pa.ArrowException, ValueError) as error:
        raise UnreadableError(f"is not a readable Parquet file: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
