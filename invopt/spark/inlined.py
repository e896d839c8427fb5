"""The named queries of a statement, written where they are read.

A WITH says what is meant, query by query, and that is how the `.sql` files are written. Spark plans views that read
each other's WITHs again at each level: for the views of gold.item_state that took 20 seconds, whatever the number of
items, and two queries that read one such view could not be joined. It computes what is written twice once all the same.
"""

from __future__ import annotations

import re

_COMMENT = re.compile(r"(^|[ \t]+)--( .*)?$", re.M)
_BEGINS = re.compile(r"(?:WITH )?(\w+) AS \(")
_IS_READ = re.compile(r"\b(FROM|JOIN) (\w+)\b(?: AS (\w+))?")
_ENDS = (")", "),")


def inlined(statement: str) -> str:
    r"""The statement without its WITH and its comments.

    Each named query begins with a line `name AS (` and ends with a line `)` or `),`.

    >>> print(inlined("WITH big AS (\n    SELECT a FROM t -- all of it\n)\nSELECT a FROM big WHERE a > 1"))
    SELECT a FROM (
        SELECT a FROM t
    ) AS big WHERE a > 1
    """
    lines = _COMMENT.sub("", statement).split("\n")
    queries: dict[str, str] = {}
    rest: list[str] = []
    at = 0
    while at < len(lines):
        if begins := _BEGINS.fullmatch(lines[at]):
            end = next(i for i in range(at, len(lines)) if lines[i] in _ENDS)
            queries[begins[1]] = _with(queries, "\n".join(lines[at + 1 : end]))
            at = end
        elif lines[at].strip():
            rest.append(lines[at])
        at += 1
    return _with(queries, "\n".join(rest))


def _with(queries: dict[str, str], text: str) -> str:
    def written(reads: re.Match[str]) -> str:
        word, name, alias = reads.groups()
        return f"{word} (\n{queries[name]}\n) AS {alias or name}" if name in queries else reads[0]

    return _IS_READ.sub(written, text)
