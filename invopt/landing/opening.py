"""A file as a stream of plain bytes: by its path or from bytes that were brought, unpacked where it is packed."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

PACKED, PARQUET, ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"


class UnreadableError(Exception):
    """A file that can't be read as a whole; its text says why, in words for the user."""


@contextmanager
def opened(path: str, content: bytes | None = None) -> Iterator[BinaryIO]:
    """The stream of a file's plain bytes.

    Raises
    ------
    UnreadableError : while it is read, where a packed file is cut short or damaged. OSError : it can't be opened.
    """
    with open(path, "rb") if content is None else io.BytesIO(content) as stream:
        start = stream.read(len(PACKED))
        stream.seek(0)
        if start != PACKED:
            yield stream
            return
        with gzip.GzipFile(fileobj=stream) as unpacked, _told_of_damage():
            yield unpacked


def is_packed(path: str, content: bytes | None = None) -> bool:
    """Whether the file's bytes, whatever its name, are those of gzip."""
    with open(path, "rb") if content is None else io.BytesIO(content) as stream:
        return stream.read(len(PACKED)) == PACKED


@contextmanager
def _told_of_damage() -> Iterator[None]:
    try:
        yield
    except EOFError as error:
        raise UnreadableError("the packed file is cut short: land it again, whole, under a new name") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableError(f"the packed file is damaged ({error}): land it again under a new name") from error
