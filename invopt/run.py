"""A run: the moment it looks at and the configuration; the same two are the same run, and running it again replaces its
rows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from invopt import __version__
from invopt.config import Config


@dataclass(frozen=True)
class Run:
    """A moment and a configuration.

    as_of : in UTC; a moment without a zone is taken for UTC, whatever the machine's own zone is
    """

    config: Config
    as_of: datetime

    def __post_init__(self) -> None:
        zoned = self.as_of.replace(tzinfo=UTC) if self.as_of.tzinfo is None else self.as_of.astimezone(UTC)
        object.__setattr__(self, "as_of", zoned)

    @property
    def run_id(self) -> str:
        """The moment, and a hash of all that can change a result."""
        return f"{self.as_of:%Y%m%dT%H%M%S}-{self.config.results_hash()[:10]}"

    def fingerprint(self, *parts: object) -> str:
        """Hash of what a step's result depends on, the program's version among it."""
        return hashlib.sha256(repr((__version__, self.run_id, *parts)).encode()).hexdigest()[:16]


def as_of_of(run_id: str) -> datetime:
    """The moment a run looks at, which its id begins with.

    >>> as_of_of("20260601T060000-c0352b98f7").isoformat()
    '2026-06-01T06:00:00+00:00'
    """
    return datetime.strptime(run_id.split("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def now() -> datetime:
    """This moment, with its zone: Spark takes a moment without a zone for the machine's local time."""
    return datetime.now(UTC)


def instant(moment: datetime) -> str:
    """A moment as text, the same whether it has its zone or comes from Spark as the machine's local time without
    one.
    """
    return moment.astimezone(UTC).isoformat()
