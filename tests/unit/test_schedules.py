"""Schedules: when they fire, their first and last day, and what is said of a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from invopt.config.schedules import Schedule


def at(*moment: int) -> datetime:
    return datetime(2026, *moment, tzinfo=UTC)


def test_a_schedule_fires_from_its_first_to_its_last_day():
    june = Schedule(id="june", cron="0 0 * * *", start_date="2026-06-10", end_date="2026-06-12")
    assert june.next_after(at(1, 1)) == at(6, 10)
    assert june.next_after(at(6, 11, 5)) == at(6, 12)
    assert june.next_after(at(6, 12)) is None
    assert not june.is_due(at(6, 9), last=None) and june.is_due(at(6, 10), last=None)
    assert june.is_due(at(6, 12, 7), last=at(6, 11, 7)) and not june.is_due(at(6, 13), last=at(6, 12, 7))
    # the last time is made up for too
    assert june.is_due(at(6, 13), last=at(6, 11)) and not june.is_due(at(6, 13), last=None)


def test_it_is_due_once_after_each_time():
    daily = Schedule(id="daily", cron="30 5 * * *")
    assert daily.is_due(at(6, 2, 6), last=at(6, 1, 6)) and not daily.is_due(at(6, 2, 5), last=at(6, 1, 6))
    assert not daily.is_due(at(6, 2, 23), last=at(6, 2, 6))
    assert daily.is_due(at(6, 9), last=at(6, 1, 6))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"cron": "every day"}, "must be a cron expression of five fields"),
        ({"cron": "0 0 30 2 *"}, "must be a cron expression of five fields"),
        ({"cron": "61 0 * * *"}, "must be a cron expression of five fields"),
        (
            {"cron": "0 0 * * *", "start_date": "2026-06-02", "end_date": "2026-06-01"},
            "start_date 2026-06-02 is after end_date 2026-06-01",
        ),
        ({"cron": "0 0 * * *", "colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_schedule_is_told(values, said):
    with pytest.raises(ValidationError, match=said):
        Schedule(id="one", **values)
