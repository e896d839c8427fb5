"""What Spark, Java and Delta say when a disk or a table fails, in plain words: the innermost cause, the table, the way
out.

Their own first line is "An error occurred while calling o13082.save"; the cause stands a hundred lines below.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from invopt import tables
from invopt.errors import InvoptError, TableError

# what is wrong -> the words that show it, in Java's, Rust's and the system's own language; the first that fits counts
_FULL, _READ_ONLY, _A_FILE, _DENIED, _MISSING, _DAMAGED, _MEMORY, _GONE = range(8)
_SIGNS: Sequence[tuple[int, str]] = (
    (_FULL, r"No space left on device|Disk quota exceeded|File too large|os error (28|122|27)\b"),
    (_READ_ONLY, r"Read-only file system|os error 30\b"),
    (
        _A_FILE,
        r"\[Errno 17\]|\[Errno 20\]|[Nn]ot a directory|ParentNotDirectoryException|os error 20\b",
    ),
    (_DENIED, r"Permission denied|AccessControlException|AccessDenied|os error 13\b|Mkdirs failed to create"),
    (_MEMORY, r"OutOfMemoryError|Java heap space|GC overhead limit|Cannot allocate memory|os error 12\b"),
    (
        _DAMAGED,
        r"is not a Parquet file|[Cc]ould not read footer|CANNOT_READ_FILE_FOOTER|FAILED_READ_FILE\.(?!FILE_NOT_EXIST)"
        r"|DELTA_STATE_RECOVER_ERROR|DELTA_LOG_FILE_NOT_FOUND|DELTA_VERSIONS_NOT_CONTIGUOUS|DELTA_TRUNCATED"
        r"|DELTA_MISSING_PART_FILES|DELTA_CHECKPOINT|Json(Parse|EOF|Mapping)Exception|[Kk]ernel error|Json error"
        r"|Parquet error|Parquet magic bytes|[Ii]nvalid Parquet|ParquetDecodingException|Corrupt",
    ),
    (
        _MISSING,
        r"FileNotFoundException|FILE_NOT_EXIST|DELTA_FILE_NOT_FOUND|[Ff]ile \S+ does not exist|NoSuchFileException"
        r"|os error 2\b|Object at location \S+ not found|FileNotFoundError|Path does not exist: .+\.parquet",
    ),
    (_GONE, r"Answer from Java side is empty|Py4JNetworkError|Connection refused|Connection reset by peer"),
)
_CAUSE = re.compile(r"^\s*Caused by: (?:[\w$]+\.)*([\w$]+)(?:: (.*))?$", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# a path of a file, whatever stands around it
_PATH = re.compile(r"(?:[a-z0-9]+:/{0,2})?/[^\s'\"`,;()<>\[\]]+")
_TABLE = re.compile(r"/\w*?(bronze|silver|gold)(?:\.db)?/(\w+)(?=/|$)")


def explained(error: BaseException, name: str = "", place: str = "") -> InvoptError | None:
    """The failure as an error that says what to do; None for one that is not known.

    name, place : of the table that was read or written, where that is known; else they are looked for in the error
    """
    text = _whole_text(error)
    kind = next((kind for kind, sign in _SIGNS if re.search(sign, text)), None)
    # what a policy's code met in a worker says nothing of the tables
    if kind is None or (kind != _FULL and "PythonException" in text):
        return None
    if kind in (_MEMORY, _GONE):
        return InvoptError(_of_java(kind, innermost(error)))
    path = _path(text, kind)
    table = _TABLE.search(path) or _TABLE.search(text)
    name = name or (f"{table[1]}.{table[2]}" if table else "")
    what = f"table {name}" if "." in name else name or "Spark"
    where = path or place or "a place that the error does not name"
    return TableError(_of_storage(kind, what, name, where, innermost(error)))


def innermost(error: BaseException) -> str:
    """The cause below all others, in one line, as the system said it.

    >>> innermost(RuntimeError("o1.save.\\nCaused by: a.b.SparkException: x\\nCaused by: java.io.IOException: full"))
    'full'
    """
    causes = [(kind, message) for kind, message in _CAUSE.findall(_whole_text(error))]
    for kind, message in reversed(causes):
        if message or kind:
            return (message or kind).strip()[:300]
    lines = [line.strip() for line in _COLOUR.sub("", str(error)).splitlines() if line.strip()]
    # deltalake writes its causes below each other, each behind an arrow
    if lines and lines[-1].startswith("↳"):
        return lines[-1].removeprefix("↳").strip()[:300]
    # py4j's own first line names an object that nobody knows
    if len(lines) > 1 and lines[0].startswith("An error occurred while calling"):
        lines = [re.sub(r"^: (?:[\w$]+\.)*[\w$]+: ", "", lines[1])]
    return lines[0][:300] if lines else type(error).__name__


def _whole_text(error: BaseException) -> str:
    """The error with its Java trace and with all that led to it."""
    texts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        texts += [str(error), str(getattr(error, "_stackTrace", None) or "")]
        error = getattr(error, "_cause", None) or error.__cause__
        error = error if isinstance(error, BaseException) else None
    return "\n".join(text for text in texts if text)


def _path(text: str, kind: int) -> str:
    """The path in the lines that show the failure; else the last one in the text that a table is at."""
    sign = next(sign for each, sign in _SIGNS if each == kind)
    shown = _paths("\n".join(line for line in text.splitlines() if re.search(sign, line)))
    of_tables = [path for path in shown if _TABLE.search(path)]
    return next(iter(of_tables or shown or [path for path in _paths(text)[::-1] if _TABLE.search(path)]), "")


def _paths(text: str) -> list[str]:
    return [path.rstrip(".:") for path in _PATH.findall(text) if "/" in path.strip("/")]


def _of_java(kind: int, cause: str) -> str:
    if kind == _MEMORY:
        return (
            f"Spark ran out of memory ({cause}). Give it more by `spark.driver.memory` in conf/base.yaml, or let it do "
            "less at a time: more buckets and waves under `solve`; what is already done is not repeated"
        )
    return (
        f"Spark's Java process has ended ({cause}): the system has killed it, most often for want of memory. Give the "
        "machine more, or less to `spark.driver.memory` in conf/base.yaml, then run again: what is already done is not "
        "repeated"
    )


def _of_storage(kind: int, what: str, name: str, where: str, cause: str) -> str:
    again = "then run again: what is already done is not repeated"
    # Spark and the system name one folder in two ways, and a line is told once
    where = re.sub("^file:/+", "/", where)
    if kind == _FULL:
        return (
            f"{what}: the disk is full at {where} ({cause}); nothing of this write was kept. Free some space, {again}. "
            "Spark also needs some in its own folder, `spark.local.dir`"
        )
    if kind in (_READ_ONLY, _DENIED):
        why = "is on a disk that is read-only" if kind == _READ_ONLY else "may not be read or written by this user"
        return f"{what}: {where} {why} ({cause}). Give this user the right to write there, {again}"
    if kind == _A_FILE:
        return (
            f"{what}: a file stands where a folder is needed, at {where} or above it ({cause}). Move it away, {again}"
        )
    why = f"the file {where} is missing" if kind == _MISSING else f"{where} is damaged"
    return f"{what}: {why} ({cause}). {_way_back(name)}"


def _way_back(name: str) -> str:
    remade_by = next((table.remade_by for table in tables.every_table() if table.name == name), "")
    if name.startswith("gold.inputs_"):
        remade_by = "invopt inputs"
    if not name:
        return "Restore it from a backup, then run again"
    if remade_by:
        return f"Restore the table's folder from a backup, or move it away and run `{remade_by}`: it makes them anew"
    return "Restore the table's folder from a backup, then run again"
