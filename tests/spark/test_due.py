"""A run decides and orders for the policies that their schedules and the ledger of earlier runs make due."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime

import pytest

from invopt.config import Config
from invopt.pipelines.context import Context
from invopt.pipelines.due import due
from invopt.pipelines.ledger import Note
from invopt.run import now
from invopt.tables import RUNS
from tests.contexts import context_at

MONDAY = datetime(2026, 6, 1, 6, tzinfo=UTC)
POLICIES = [
    {"id": "always", "policy": "s_q"},
    {"id": "weekly", "policy": "s_q", "optimize_schedule": "mondays", "order_schedule": "daily"},
    {"id": "later", "policy": "s_q", "optimize_schedule": "daily", "order_schedule": "from_july"},
]
SCHEDULES = [
    {"id": "mondays", "cron": "0 0 * * 1"},
    {"id": "daily", "cron": "0 0 * * *"},
    {"id": "from_july", "cron": "0 0 * * *", "start_date": "2026-07-01"},
]


@pytest.fixture(scope="module")
def run_of(spark, tmp_path_factory):
    """Makes the run of a moment; `policies` and `root` as given, so that tests don't see each other's runs."""

    def make(as_of: datetime, name: str, policies=POLICIES, schedules=SCHEDULES) -> Context:
        root = tmp_path_factory.getbasetemp() / f"due-{name}"
        config = Config.model_validate(
            {
                "lakehouse": {"root": str(root)},
                "landing": "landing",
                "policies": policies,
                "schedules": schedules,
                "solvers": [{"name": "highs"}],
            }
        )
        return context_at(spark, config, as_of)

    return make


def done_by(run: Context, solved: dict[str, int], items: int = 10, ordered=("weekly",), config: str = "") -> None:
    """Records what a run did: `solved` says how many of a policy's items it came to.

    config : its configuration as JSON, where an older version wrote it
    """
    row = (run.run_id, run.as_of, "", config or run.config.as_json(), "0", {}, now())
    run.store.replace(RUNS, [row], {"run_id": run.run_id}, check_keys=False)
    run.ledger.record_all("inputs", "f", {"*": items, **dict.fromkeys(solved, items)}, 0.0)
    notes = [Note("solve", "f", rows, 0.0, policy_id) for policy_id, rows in solved.items()]
    run.ledger.record(*notes, *(Note("order", "f", items, 0.0, policy_id) for policy_id in ordered))


def ids(rows) -> list[str]:
    return [row.id for row in rows]


def test_the_first_run_does_all_but_what_begins_later(run_of):
    planned = due(run_of(MONDAY, "first"))
    assert ids(planned.optimized) == ["always", "weekly", "later"] and ids(planned.ordering) == ["always", "weekly"]
    assert planned.next_ordered["later"] == datetime(2026, 7, 1, tzinfo=UTC)
    # the day, and the newest firing
    assert planned.cycles == dict.fromkeys(("always", "weekly"), MONDAY.replace(hour=0))


def test_solutions_hold_until_the_schedule_fires_and_a_missed_day_is_made_up_for(run_of):
    monday = run_of(MONDAY, "week")
    done_by(monday, {"always": 10, "weekly": 10, "later": 10})
    tuesday = due(run_of(MONDAY.replace(day=2), "week"))
    assert ids(tuesday.optimized) == ["always", "later"] and ids(tuesday.ordering) == ["always", "weekly"]
    assert tuesday.standing["weekly"] == monday.run_id != tuesday.standing["always"]
    assert tuesday.next_optimized["weekly"] == datetime(2026, 6, 8, tzinfo=UTC)
    # nothing ran on Monday the 8th: Tuesday's run catches up
    assert "weekly" in ids(due(run_of(MONDAY.replace(day=9), "week")).optimized)
    # a cycle lasts until the schedule fires again; a later run of its day decides it anew
    assert "weekly" in ids(tuesday.ordering) and tuesday.cycles["weekly"] == MONDAY.replace(day=2, hour=0)
    done_by(run_of(MONDAY.replace(day=2), "week"), {})
    evening = due(run_of(MONDAY.replace(day=2, hour=20), "week"))
    assert ids(evening.ordering) == ["always", "weekly"] and evening.cycles == tuesday.cycles
    # the same run again finds itself as it was
    assert ids(due(run_of(MONDAY, "week")).optimized) == ["always", "weekly", "later"]
    assert ids(due(run_of(MONDAY.replace(microsecond=500_000), "week")).optimized) == ["always", "weekly", "later"]


def test_a_run_that_was_stopped_between_waves_does_not_count(run_of):
    done_by(run_of(MONDAY, "stopped"), {"weekly": 4}, ordered=())
    assert "weekly" in ids(due(run_of(MONDAY.replace(day=2), "stopped")).optimized)


def test_a_changed_policy_is_due_at_once(run_of):
    done_by(run_of(MONDAY, "changed"), {"weekly": 10})
    changed = [POLICIES[0], POLICIES[1] | {"params": {"cost": "guide"}}, POLICIES[2]]
    assert "weekly" in ids(due(run_of(MONDAY.replace(day=2), "changed", changed)).optimized)
    other_time = [POLICIES[0], POLICIES[1] | {"order_schedule": "mondays"}, POLICIES[2]]
    planned = due(run_of(MONDAY.replace(day=2), "changed", other_time))
    assert "weekly" not in ids(planned.optimized) and "weekly" not in ids(planned.ordering)


@pytest.mark.parametrize(
    ("method", "is_due"), [("algorithm", False), ("auto", True)], ids=["the same method", "another method"]
)
def test_a_row_of_an_older_version_is_compared_by_what_it_means(run_of, method, is_due):
    """An older version wrote `exact` for `algorithm`, and knew no gap: the solutions it made still hold."""
    now_configured = [POLICIES[0], POLICIES[1] | {"method": method}, POLICIES[2]]
    monday = run_of(MONDAY, f"older-{method}", now_configured)
    older = json.loads(monday.config.as_json())
    for row in older["policies"]:
        row["method"] = "exact"
        del row["gap"]
    done_by(monday, {"weekly": 10}, config=json.dumps(older))
    with warnings.catch_warnings(action="error"):
        planned = due(run_of(MONDAY.replace(day=2), f"older-{method}", now_configured))
    assert ("weekly" in ids(planned.optimized)) == is_due


def test_another_gap_makes_a_policy_due(run_of):
    done_by(run_of(MONDAY, "gap"), {"weekly": 10})
    wider = [POLICIES[0], POLICIES[1] | {"gap": 0.01}, POLICIES[2]]
    assert "weekly" in ids(due(run_of(MONDAY.replace(day=2), "gap", wider)).optimized)


def test_a_row_that_this_version_cannot_read_is_due(run_of):
    monday = run_of(MONDAY, "unread")
    older = json.loads(monday.config.as_json())
    for row in older["policies"]:
        row["shelf"] = "left"
    done_by(monday, {"weekly": 10}, config=json.dumps(older))
    assert "weekly" in ids(due(run_of(MONDAY.replace(day=2), "unread")).optimized)


def test_orders_stand_on_later_days_of_the_cycle_unless_their_rule_failed(run_of):
    weekly = [POLICIES[0], POLICIES[1] | {"order_schedule": "mondays"}, POLICIES[2]]
    monday, tuesday = MONDAY, MONDAY.replace(day=2)
    run = run_of(monday, "failed", weekly)
    done_by(run, {"weekly": 10})
    assert "weekly" in ids(due(run_of(monday.replace(hour=14), "failed", weekly)).ordering)
    assert "weekly" not in ids(due(run_of(tuesday, "failed", weekly)).ordering)
    run.ledger.record(Note("order", "failed", 10, 0.0, "weekly", failed=3))
    assert "weekly" in ids(due(run_of(tuesday, "failed", weekly)).ordering)


def test_the_day_of_a_cycle_is_that_of_the_schedules_clocks(run_of):
    """On clocks nine hours ahead, Monday 14:00 and 16:00 of UTC are two days."""
    tokyo = [{"id": "tokyo", "cron": "0 0 * * 1", "zone": "Asia/Tokyo"}]
    policies = [{"id": "weekly", "policy": "s_q", "order_schedule": "tokyo"}]
    first = run_of(MONDAY, "tokyo", policies, tokyo)
    done_by(first, {"weekly": 10})
    for hour, is_due in ((14, True), (16, False)):
        later = run_of(MONDAY.replace(hour=hour), "tokyo", policies, tokyo)
        assert ("weekly" in ids(due(later).ordering)) == is_due, hour
