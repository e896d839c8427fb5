"""A run that is killed, or whose disk fills up, is gone on with by the next one; the tool has more points by hand."""

import sys

import pytest

from tests.e2e import kills


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the processes of a run are found in /proc")
def test_the_next_run_ends_with_the_tables_of_the_undisturbed_one(tmp_path):
    sizes = "1" if kills.can_mount() else "0"
    assert (
        kills.main([str(tmp_path / "kills"), "--points", "2", "--births", "2", "--chain", "2", "--sizes", sizes]) == 0
    )


def test_a_difference_is_found():
    rows = kills.Counter({"a": 2, "b": 1})
    assert kills.differences({"gold.orders": rows}, {"gold.orders": rows}) == []
    assert kills.differences({"gold.orders": rows}, {}) == ["gold.orders: 3 rows missing, 0 too many, such as a"]
    (told,) = kills.differences({"gold.orders": rows}, {"gold.orders": kills.Counter({"a": 3})})
    assert told == "gold.orders: 1 rows missing, 1 too many, such as b"
