"""When a policy is optimized and when it orders: rows of conf/schedules.yaml, each a cron expression with an optional
first and last day.

A policy's step is due at `as_of` when its schedule has fired since the step was last done, so a day on which nothing
ran is made up for by the next run, and running the same day again gives the same answer.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Schedule(BaseModel):
    """One row of conf/schedules.yaml; times in UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    cron: str = Field(
        description='minute, hour, day of month, month, day of week, such as "0 5 * * 1" for Mondays at 5:00'
    )
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
        if self.start_date is not None:
            # the cron's first time is after the moment given, and midnight of the first day may be one
            moment = max(moment, datetime.combine(self.start_date, time(), UTC) - timedelta(minutes=1))
        fires = next(CronSim(self.cron, moment), None)
        if fires is None or (self.end_date is not None and fires.date() > self.end_date):
            return None
        return fires

    def is_due(self, as_of: datetime, last: datetime | None) -> bool:
        """Whether the schedule has fired after `last`, when the step was done, and up to `as_of`; a step never done is
        due.

        >>> weekly = Schedule(id="weekly", cron="0 5 * * 1")
        >>> monday, tuesday = datetime(2026, 6, 1, 6, tzinfo=UTC), datetime(2026, 6, 2, 6, tzinfo=UTC)
        >>> weekly.is_due(tuesday, last=monday), weekly.is_due(tuesday, last=None)
        (False, True)
        """
        if last is None:
            first, final = self.start_date or as_of.date(), self.end_date or as_of.date()
            return first <= as_of.date() <= final
        fires = self.next_after(last)
        return fires is not None and fires <= as_of
