"""Schedules: when they fire, their first and last day, and what is said of a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

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


def test_the_newest_time_at_or_before_a_moment():
    june = Schedule(id="june", cron="0 0 * * *", start_date="2026-06-10", end_date="2026-06-12")
    assert june.fired_by(at(6, 9, 23)) is None
    assert june.fired_by(at(6, 10)) == june.fired_by(at(6, 10, 23)) == at(6, 10)
    assert june.fired_by(at(12, 1)) == at(6, 12)
    assert Schedule(id="leap", cron="0 0 29 2 *").fired_by(at(1, 1)) == datetime(2024, 2, 29, tzinfo=UTC)


def test_a_schedule_is_read_on_the_clocks_of_its_zone():
    tokyo = Schedule(id="tokyo", cron="0 6 * * 1", zone="Asia/Tokyo", start_date="2026-06-01", end_date="2026-06-08")
    # Monday 06:00 in Tokyo is Sunday 21:00 in UTC, and belongs to the first day
    assert tokyo.fired_by(at(5, 31, 21)) == at(5, 31, 21) and tokyo.fired_by(at(5, 31, 20, 59)) is None
    assert tokyo.next_after(at(5, 1)) == at(5, 31, 21) and tokyo.next_after(at(6, 7, 21)) is None
    assert tokyo.is_running(at(5, 31, 15)) and not tokyo.is_running(at(5, 31, 14, 59))


@pytest.mark.parametrize(
    ("cron", "times"),
    [
        # clocks go from 02:00 to 03:00 on 29 March, and from 03:00 to 02:00 on 25 October
        ("0 6 * * *", [at(3, 28, 5), at(3, 29, 4), at(10, 24, 4), at(10, 25, 5)]),
        ("30 2 * * *", [at(3, 28, 1, 30), at(3, 29, 1), at(10, 24, 0, 30), at(10, 25, 0, 30), at(10, 26, 1, 30)]),
        ("0 0 * * *", [at(3, 28, 23), at(3, 29, 22), at(10, 24, 22), at(10, 25, 23)]),
    ],
)
def test_summer_time_moves_the_hour_in_utc(cron, times):
    schedule = Schedule(id="daily", cron=cron, zone="Europe/Amsterdam")
    for time in times:
        assert schedule.fired_by(time) == schedule.fired_by(time + timedelta(hours=20)) == time
        assert schedule.fired_by(time - timedelta(seconds=1)) < time
        assert schedule.next_after(time - timedelta(seconds=1)) == time


@pytest.mark.parametrize("cron", ["30 2 * * *", "*/20 * * * *", "15 2 * * 0", "30 1,2,3 * * *"])
@pytest.mark.parametrize("change", [at(3, 29, 1), at(10, 25, 1)])
def test_looking_back_finds_each_time_that_looking_ahead_does(cron, change):
    schedule = Schedule(id="any", cron=cron, zone="Europe/Amsterdam")
    times = [change - timedelta(days=8)]
    while times[-1] < change + timedelta(days=1):
        times.append(schedule.next_after(times[-1]))
    for earlier, later in pairwise(times[1:]):
        assert earlier < later and schedule.fired_by(later - timedelta(seconds=1)) == earlier


def test_the_time_after_a_moment_of_the_second_of_two_hours_is_later():
    schedule = Schedule(id="any", cron="30 2 * * *", zone="Europe/Amsterdam")
    again = at(10, 25, 1) + timedelta(minutes=20)
    assert schedule.next_after(again) == at(10, 26, 1) + timedelta(minutes=30)
    assert not schedule.is_due(again + timedelta(hours=1), last=again)


def test_a_schedule_without_end_may_be_written_with_the_last_and_first_of_all_days():
    schedule = Schedule(id="any", cron="0 5 * * *", start_date="0001-01-01", end_date="9999-12-31")
    assert schedule.fired_by(at(6, 3, 6)) == at(6, 3, 5)
    assert schedule.next_after(at(6, 3, 6)) == at(6, 4, 5)


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
        ({"cron": "0 0 * * *", "zone": "Europe/Amsterdm"}, "IANA name .* did you mean Europe/Amsterdam"),
        ({"cron": "0 0 * * *", "zone": "../etc/passwd"}, "must be the IANA name of a time zone"),
        ({"cron": "0 0 * * *", "colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_schedule_is_told(values, said):
    with pytest.raises(ValidationError, match=said):
        Schedule(id="one", **values)
