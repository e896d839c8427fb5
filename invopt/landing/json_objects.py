"""The objects of a JSON file as rows of text; what stands once above a list holds for each object of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from typing import Any, BinaryIO

from invopt.landing.decoding import encoding_of
from invopt.landing.opening import UnreadableError

MAX_BYTES = 1 << 30
Row = dict[str, str | None]


class Shape:
    """Which objects are lines: the first, from the outside, that have all needed columns, else the innermost.

    known : name of a field -> the standard header that it means; needed : standard headers that a line must have
    """

    def __init__(self, known: Mapping[str, str], needed: Set[str]):
        self.known, self.needed = known, needed

    def is_line(self, row: Row) -> bool:
        return self.needed <= {self.known.get(name) for name in row}

    def header(self, name: str) -> str | None:
        return self.known.get(name)


def objects(stream: BinaryIO, encoding: str | None, shape: Shape) -> list[Row]:
    """The lines with the fields of all that they stand in: one document, or one object per line.

    >>> import io
    >>> shape = Shape({"store": "StoreID", "item": "ProductID"}, {"StoreID", "ProductID"})
    >>> objects(io.BytesIO(b'{"store": 1, "sales": [{"item": "a"}, {"item": "b", "tags": []}]}'), None, shape)
    [{'store': '1', 'item': 'a'}, {'store': '1', 'item': 'b'}]

    Raises
    ------
    UnreadableError : it is no JSON, holds no objects, or a field could have two values.
    """
    chosen = encoding_of(stream, encoding)
    raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise UnreadableError("the JSON file is larger than 1 GB: land it in parts, or as CSV or Parquet")
    text = raw.decode(chosen).removeprefix("\ufeff")
    return [row for document in _documents(text) for row in _lines(document, {}, shape)]


def _documents(text: str) -> list[Any]:
    # numbers stay as they are written: an id or a price must not go through a float
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_once)
    documents, at, end = [], 0, len(text.rstrip())
    try:
        while at < end:
            while text[at].isspace():
                at += 1
            document, at = decoder.raw_decode(text, at)
            documents.append(document)
    except (json.JSONDecodeError, RecursionError) as error:
        line = text.count("\n", 0, getattr(error, "pos", at)) + 1
        raise UnreadableError(f"is not valid JSON, line {line}: {error}") from error
    return documents


def _once(pairs: list[tuple[str, Any]]) -> Any:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UnreadableError(f"an object has the field {twice} twice")
    if len(pairs) == 1 and pairs[0][0].startswith("$") and not isinstance(pairs[0][1], dict | list):
        return pairs[0][1]  # as databases export a value with its type: {"$date": "2026-03-01"}
    return fields


def _lines(value: Any, above: Row, shape: Shape) -> Iterator[Row]:
    if isinstance(value, list):
        for one in value:
            yield from _lines(one, above, shape)
        return
    if not isinstance(value, dict):
        raise UnreadableError(f"holds {str(value)[:40]!r} where an object of named fields is expected")
    own: Row = {}
    lists: dict[str, list] = {}
    _gather(value, own, lists, shape)
    here = {**above, **own}
    if shape.is_line(here):
        _refuse_inner(lists, shape)
        yield here
        return
    inner = {name: one for name, one in lists.items() if any(isinstance(part, dict | list) for part in one)}
    if len(inner) > 1:
        raise UnreadableError(f"an object has several lists: {', '.join(inner)}; one of them must hold the lines")
    if not inner:
        yield here
        return
    yield from _lines(next(iter(inner.values())), here, shape)


def _gather(value: dict[str, Any], own: Row, lists: dict[str, list], shape: Shape) -> None:
    """The single values of an object and of the groups in it, and its lists."""
    for name, one in value.items():
        if isinstance(one, list | dict) and shape.header(name):
            raise UnreadableError(f"the field {name} holds a list or an object: it must have one value")
        if isinstance(one, list):
            lists[name] = one
        elif isinstance(one, dict):
            _gather(one, own, lists, shape)
        else:
            header = shape.header(name)
            if header and any(shape.header(other) == header for other in own):
                raise UnreadableError(f"an object has {name} more than once, itself or in a group of its fields")
            if name not in own or header:
                own[name] = _text(one)


def _refuse_inner(lists: Mapping[str, list], shape: Shape) -> None:
    """A line that is whole, and has columns in a list of its own too, could mean two things."""
    for name, one in lists.items():
        for part in one:
            twice = [field for field in part if shape.header(field)] if isinstance(part, dict) else []
            if twice:
                raise UnreadableError(
                    f"an object is a whole line, and its list {name} has {', '.join(twice)} too: land one of both"
                )


def _text(value: Any) -> str | None:
    return None if value is None else "true" if value is True else "false" if value is False else str(value)
