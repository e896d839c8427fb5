"""Two runs at once end as one after the other; the tool has more pairs by hand."""

import sys

import pytest

from tests.e2e import pairs


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the runs share what is made for the kills")
def test_two_days_at_once_are_ordered_as_one_after_the_other(tmp_path):
    assert pairs.main([str(tmp_path / "pairs"), "--pairs", "1"]) == 0
