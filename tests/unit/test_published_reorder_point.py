"""The textbook's (r, Q), (s, S) and periodic-review instances, where the shared instances are on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.published.reorder_point import rows

DATA = Path(__file__).parents[3] / "shared" / "data" / "instances"


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared instances are not on this machine")
def test_every_instance_is_reached_by_model_and_by_algorithm():
    found = rows(DATA)
    assert len(found) == 16
    for row in found:
        if row.published is None:
            theirs = float(row.note.rsplit(" ", 1)[1])
            assert row.ours <= theirs
        else:
            # whole units against units that need not be whole
            assert row.ours == pytest.approx(row.published, rel=5e-4 if "whole" in row.note else 1e-6), row
    for by_algorithm, by_model in zip(found[::2], found[1::2], strict=True):
        assert by_model.ours == pytest.approx(by_algorithm.ours, rel=1e-9)
