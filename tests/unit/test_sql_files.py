"""No row of the data may stop the statement that reads it: divisions and casts of the .sql files give NULL instead."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from invopt.spark.inlined import inlined

STATEMENTS = {
    f"{folder.name}/{file.name}": file.read_text(encoding="utf-8")
    for folder in files("invopt").joinpath("sql").iterdir()
    if folder.is_dir()
    for file in folder.iterdir()
    if file.name.endswith(".sql")
}


def code(name: str) -> str:
    """The statement without its comments and texts."""
    return re.sub(r"'[^']*'", "''", re.sub(r"--.*", "", STATEMENTS[name]))


@pytest.mark.parametrize("name", STATEMENTS)
def test_named_queries_are_written_where_they_are_read(name):
    named = re.findall(r"^(?:WITH )?(\w+) AS \($", STATEMENTS[name], re.M)
    statement = inlined(STATEMENTS[name])
    assert "WITH " not in statement and "--" not in statement
    # its text is there, and nothing reads it by a name of which there is no table any more
    assert named == [] or statement.count("(\n") >= len(named)
    assert [query for query in named if re.search(rf"\b(FROM|JOIN) {query}\b", code(name)) is None] == []
    of_tables = set(re.findall(r"\b(?:FROM|JOIN) (\w+)\b", statement))
    assert [query for query in named if query in of_tables] == []


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_division_and_no_cast_of_data_can_fail(name):
    statement = code(name)
    assert " / " not in statement and " % " not in statement
    casts = re.findall(r"(?<!TRY_)\bCAST\(((?:[^()]|\([^()]*(?:\([^()]*\))?[^()]*\))*) AS (\w+)\)", statement)
    # a NULL of a type, a parameter and a rank are no data
    harmless = [what for what, _ in casts if what == "NULL" or what.startswith(":") or "row_number" in what]
    assert [what for what, _ in casts] == harmless
