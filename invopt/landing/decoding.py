"""A text file's bytes as UTF-8 with line feeds, in blocks of whole lines, whatever encoding and line ends it has."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from invopt.landing.opening import UnreadableError

BLOCK = 32 << 20  # bytes
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# read as is: its blocks need no new encoding
PLAIN = "utf-8"
# bytes that Windows' Western European encoding leaves without a letter, and latin-1 does not
WESTERN, LATIN = "cp1252", "latin-1"


def encoding_at(start: bytes) -> str | None:
    """The encoding that a file's first bytes tell; None where they don't.

    >>> encoding_at(b"a,b"), encoding_at("a,b".encode("utf-16")), encoding_at("a,b".encode("utf-16-le"))
    (None, 'utf-16', 'utf-16-le')
    """
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    if marked or b"\0" not in start:
        return marked
    # Latin letters in two bytes have every second byte empty
    odd, even = start[1::2].count(0), start[0::2].count(0)
    is_long = len(start) >= 4
    if is_long and odd > len(start) // 4 and even == 0:
        return "utf-16-le"
    if is_long and even > len(start) // 4 and odd == 0:
        return "utf-16-be"
    raise UnreadableError("the file is not a text: it holds bytes of zero")


def blocks(stream: BinaryIO, encoding: str, size: int = BLOCK) -> Iterator[bytes]:
    """Blocks of whole lines in UTF-8; each ends with a line feed but the last, which ends as the file does.

    Raises
    ------
    UnicodeDecodeError : the text is not in this encoding. UnreadableError : it holds bytes of zero.
    """
    decoder = None if encoding == PLAIN else codecs.getincrementaldecoder(encoding)()
    rest = b""
    while True:
        read = stream.read(size)
        text = read if decoder is None else decoder.decode(read, final=not read).encode("utf-8")
        block = rest + text
        if not read:
            if block:
                yield _checked(block)
            return
        # a carriage return at the end may be half of a line end
        end = max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1)) + 1
        rest = block[end:]
        if end:
            yield _checked(block[:end])


def _checked(block: bytes) -> bytes:
    block.decode("utf-8")
    if b"\0" in block:
        raise UnreadableError("the file is not a text: it holds bytes of zero")
    if block.count(b"\r") != block.count(b"\r\n"):
        return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return block


def has_lone_returns(stream: BinaryIO, encoding: str) -> bool:
    """Whether the first lines end with a carriage return alone, as those of old Macintosh programs."""
    start = stream.read(1 << 16).decode(encoding, errors="ignore")
    return "\r" in start and "\n" not in start


def encoding_of(stream: BinaryIO, declared: str | None) -> str:
    """The encoding of a whole text: the declared one, what its first bytes tell, UTF-8, or Western European.

    The stream is read to its end and put back to its start.
    """
    if declared:
        return declared
    start = stream.read(1 << 12)
    stream.seek(0)
    told = encoding_at(start)
    if told:
        return told
    is_western = True
    try:
        for _ in blocks(stream, PLAIN):
            pass
        return PLAIN
    except UnicodeDecodeError:
        stream.seek(0)
        try:
            for _ in blocks(stream, WESTERN):
                pass
        except UnicodeDecodeError:
            is_western = False
    finally:
        stream.seek(0)
    return WESTERN if is_western else LATIN
