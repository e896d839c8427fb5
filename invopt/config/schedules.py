"""When a policy is optimized and when it orders: rows of conf/schedules.yaml, each a cron expression with an optional
first and last day, in a time zone.

A policy's step is due at `as_of` when its schedule has fired since the step was last done, so a day on which nothing
ran is made up for by the next run, and running the same day again gives the same answer.

Times are in UTC outside of this file. Where clocks are put forward or back, cron's own rule holds: a time that the day
lacks fires right after the gap, and one that the day has twice fires once.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Schedule(BaseModel):
    """One row of conf/schedules.yaml; cron, start_date and end_date are read on the clocks of `zone`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    cron: str = Field(
        description='minute, hour, day of month, month, day of week, such as "0 5 * * 1" for Mondays at 5:00'
    )
    zone: str = Field("UTC", description="IANA name of the time zone whose clocks hold, such as Europe/Amsterdam")
    start_date: date | None = None
    end_date: date | None = None
    description: str = ""

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        try:
            if len(value.split()) != 5:
                raise CronSimError(f"{len(value.split())} fields")
            CronSim(value, datetime(2000, 1, 1))
        except CronSimError as error:
            raise ValueError(
                f'must be a cron expression of five fields, such as "0 5 * * 1" for Mondays at 5:00 ({error})'
            ) from error
        return value

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        return zone_name(value)

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Schedule:
        if self.start_date and self.end_date and self.start_date > self.end_date:
            raise ValueError(f"start_date {self.start_date} is after end_date {self.end_date}")
        return self

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after `moment` at which the schedule fires; None when there is none.

        >>> Schedule(id="weekly", cron="0 5 * * 1").next_after(datetime(2026, 5, 31, tzinfo=UTC)).isoformat()
        '2026-06-01T05:00:00+00:00'
        """
        return next(self._fires_after(moment), None)

    def fired_by(self, moment: datetime) -> datetime | None:
        """The newest time at or before `moment` at which the schedule fired; None where it has not fired yet.

        >>> weekly = Schedule(id="weekly", cron="0 5 * * 1", zone="Europe/Amsterdam")
        >>> weekly.fired_by(datetime(2026, 6, 3, tzinfo=UTC)).isoformat()
        '2026-06-01T03:00:00+00:00'
        """
        if self.end_date is not None:
            # the later of the two where clocks are put back at midnight
            moment = min(moment, datetime.combine(self.end_date, time.max.replace(fold=1), self._clock))
        for window in _WINDOWS:
            newest = None
            for fires in self._fires_after(moment - window):
                if fires > moment:
                    break
                newest = fires
            if newest is not None:
                return newest
        return None

    def is_due(self, as_of: datetime, last: datetime | None) -> bool:
        """Whether the schedule has fired after `last`, when the step was done, and up to `as_of`; a step never done is
        due.

        >>> weekly = Schedule(id="weekly", cron="0 5 * * 1")
        >>> monday, tuesday = datetime(2026, 6, 1, 6, tzinfo=UTC), datetime(2026, 6, 2, 6, tzinfo=UTC)
        >>> weekly.is_due(tuesday, last=monday), weekly.is_due(tuesday, last=None)
        (False, True)
        """
        if last is None:
            return self.is_running(as_of)
        fires = self.next_after(last)
        return fires is not None and fires <= as_of

    def is_running(self, moment: datetime) -> bool:
        """Whether the moment's day is neither before the schedule's first day nor after its last."""
        day = self.day_of(moment)
        return (self.start_date or day) <= day <= (self.end_date or day)

    def day_of(self, moment: datetime) -> date:
        """The calendar day of a moment on the schedule's clocks."""
        return moment.astimezone(self._clock).date()

    @property
    def _clock(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def _fires_after(self, moment: datetime) -> Iterator[datetime]:
        """All times after `moment` at which the schedule fires, in UTC."""
        since = moment
        if self.start_date is not None and self.start_date > date.min:
            # the cron's first time is after the moment given, and midnight of the first day may be one
            since = max(moment, datetime.combine(self.start_date, time(), self._clock) - timedelta(minutes=1))
        for fires in CronSim(self.cron, since.astimezone(self._clock)):
            if self.end_date is not None and fires.date() > self.end_date:
                return
            # in an hour that the day has twice the cron begins with the first of the two
            if fires.astimezone(UTC) > moment:
                yield fires.astimezone(UTC)


# stretches of time in which the newest firing is looked for; 29 February may be eight years away
_WINDOWS = (timedelta(days=1), timedelta(days=32), timedelta(days=366), timedelta(days=8 * 366))


def zone_name(value: str) -> str:
    """The name, if it is one of the IANA's.

    Raises
    ------
    ValueError : it is none; names those that are near.
    """
    known = available_timezones()
    if value not in known:
        near = difflib.get_close_matches(value, known, n=3)
        guess = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"must be the IANA name of a time zone, such as Europe/Amsterdam or UTC{guess}")
    return value
