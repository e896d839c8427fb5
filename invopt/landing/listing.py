"""The files that lie in a landing zone on this machine, and what lies there and can't be read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# names of files that are still being copied, by the rules of Spark and of Hadoop
_HIDDEN = re.compile(r"^_|^\.(?!\.)|\._COPYING_\Z")


@dataclass(frozen=True)
class Landed:
    """A file as it lies there now.

    path : its name, taken literally; modified_ms : time of its last change, milliseconds since 1970
    problem : why it can't be read, where the folder already tells
    """

    path: str
    modified_ms: int
    n_bytes: int
    problem: str | None = None


def listing(root: str) -> list[Landed]:
    """All files below a folder but hidden ones, links followed, in the order of their paths.

    A folder that can't be looked into, a link that leads nowhere and a pipe are told as files with a problem.
    """
    return sorted(_below(root, set()), key=lambda landed: landed.path)


def _below(folder: str, above: set[tuple[int, int]]) -> Iterator[Landed]:
    try:
        status = os.stat(folder)
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Landed(shown(folder), 0, 0, f"the folder can't be looked into: {why(error)}")
        return
    here = (status.st_dev, status.st_ino)
    if here in above:  # a link to a folder above: all of it is found there
        return
    if not entries and re.search(r"\.\w+$", folder):
        yield Landed(shown(folder), status.st_mtime_ns // 1_000_000, 0, "is a folder, and nothing is in it")
    for entry in entries:
        if _HIDDEN.search(entry.name):
            continue
        yield from _one(entry.path, above | {here})


def _one(path: str, above: set[tuple[int, int]]) -> Iterator[Landed]:
    try:
        status = os.stat(path)
    except OSError as error:
        gone = "is a link that leads nowhere" if os.path.islink(path) else f"can't be read: {why(error)}"
        yield Landed(shown(path), 0, 0, gone)
        return
    if stat.S_ISDIR(status.st_mode):
        yield from _below(path, above)
        return
    problem = None
    if not stat.S_ISREG(status.st_mode):
        problem = "is not a file but a pipe, a socket or a device"
    elif shown(path) != path:
        problem = "its name is not valid UTF-8: give it another name"
    yield Landed(shown(path), status.st_mtime_ns // 1_000_000, status.st_size, problem)


def shown(path: str) -> str:
    """A path as tables can hold it: bytes of the name that are no UTF-8 become question marks."""
    return path.encode("utf-8", "replace").decode("utf-8")


def printable(path: str) -> str:
    """A path for a line of the terminal: what would break the line or colour it is written out.

    >>> printable("a\\nb")
    'a\\\\nb'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in path)


def why(error: OSError) -> str:
    """The system's reason in one line, without the path, which stands beside it."""
    return " ".join((error.strerror or str(error)).split()).lower()


def is_local(landing: str) -> bool:
    """Whether the landing zone is a folder that this process sees."""
    return Path(local_path(landing)).is_dir()


def local_path(place: str) -> str:
    """The path of a place on this machine: of a `file:` URI what it names, of anything else the text itself.

    >>> local_path("file:///a/b"), local_path("/a%20b")
    ('/a/b', '/a%20b')
    """
    path = re.sub(r"^file:/+", "/", place)
    return os.path.abspath(path) if "://" not in path else path


def below(landing: str, path: str) -> str:
    """A file's path below the landing zone: the names above it say nothing of the file.

    >>> below("s3a://shop/landing_2017-01-01/", "s3a://shop/landing_2017-01-01/exports/stores.csv")
    'exports/stores.csv'
    """
    root, name = (re.sub(r"^file:/+", "/", one) for one in (landing, path))
    root = root if "://" in root else os.path.abspath(root)
    return name.removeprefix(f"{root.rstrip('/')}/")


def by_name(path: str) -> tuple:
    """The key of natural order: orders_10 comes after orders_9.

    >>> sorted(["orders_10.csv", "orders_9.csv"], key=by_name)
    ['orders_9.csv', 'orders_10.csv']
    """
    return tuple((1, int(part), part) if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", path))
