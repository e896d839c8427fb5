"""The objects of a JSON file as rows of text; what stands once above a list holds for each object of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from invopt.landing.decoding import encoding_of
from invopt.landing.opening import UnreadableError

MAX_BYTES = 1 << 30


def objects(stream: BinaryIO, encoding: str | None) -> list[dict[str, str | None]]:
    """The innermost objects with the fields of all that they stand in: one document, or one object per line.

    >>> import io
    >>> objects(io.BytesIO(b'{"StoreID": 1, "Sales": [{"ProductID": "a"}, {"ProductID": "b"}]}'), None)
    [{'StoreID': '1', 'ProductID': 'a'}, {'StoreID': '1', 'ProductID': 'b'}]

    Raises
    ------
    UnreadableError : it is no JSON, or holds no objects.
    """
    chosen = encoding_of(stream, encoding)
    raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise UnreadableError("the JSON file is larger than 1 GB: land it in parts, or as CSV or Parquet")
    text = raw.decode(chosen).removeprefix("\ufeff")
    return [row for document in _documents(text) for row in _flat(document, {})]


def _documents(text: str) -> list[Any]:
    # numbers stay as they are written: an id or a price must not go through a float
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
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


def _flat(value: Any, above: dict[str, str | None]) -> Iterator[dict[str, str | None]]:
    if isinstance(value, list):
        for one in value:
            yield from _flat(one, above)
        return
    if not isinstance(value, dict):
        raise UnreadableError(f"holds {str(value)[:40]!r} where an object of named fields is expected")
    inner = {name: one for name, one in value.items() if isinstance(one, list | dict)}
    lists = {name: one for name, one in inner.items() if isinstance(one, list)}
    if len(lists) > 1:
        raise UnreadableError(f"an object has several lists: {', '.join(lists)}; one of them must hold the lines")
    here = dict(above)
    for name, one in value.items():
        if name not in inner:
            here[name] = _text(one)
    for one in inner.values():
        if isinstance(one, dict):  # fields in a group of their own
            here.update({name: _text(field) for name, field in one.items() if not isinstance(field, list | dict)})
    if not lists:
        yield here
        return
    yield from _flat(next(iter(lists.values())), here)


def _text(value: Any) -> str | None:
    return None if value is None else "true" if value is True else "false" if value is False else str(value)
