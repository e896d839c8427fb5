"""Brings a lakehouse that an older version of invopt made to this one, with its data.

What a table needs by itself needs no migration: a missing column that may be NULL is added at the next write, and a
table that can be made anew is made anew. Everything else is a function in MIGRATIONS, with a test on tables that the
older version made. The ledger notes each one that is done, under the run id "-".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from invopt.config import without_keys
from invopt.pipelines.context import Context, Stopwatch
from invopt.spark.store import Store
from invopt.tables import RUNS


@dataclass(frozen=True)
class Migration:
    """A change of rows that are there.

    name : as the ledger notes it; never changed
    table : whose rows it changes
    about : what it does, for the user
    bring : (store) -> number of rows changed; doing it twice changes nothing
    """

    name: str
    table: str
    about: str
    bring: Callable[[Store], int]


def _without_spark_settings(store: Store) -> int:
    """gold.runs: the manifests of older versions hold the Spark settings, which may be keys."""
    changed = 0
    for row in store.rows(RUNS) if store.exists(RUNS) else []:
        config = json.loads(row["config"])
        kept = without_keys(config)
        if kept != config:
            values = {**row.asDict(), "config": json.dumps(kept, sort_keys=True)}
            values["input_versions"] = dict(values["input_versions"] or {})
            store.replace(
                RUNS, [tuple(values[name] for name in RUNS.column_names)], {"run_id": row["run_id"]}, check_keys=False
            )
            changed += 1
    return changed


MIGRATIONS = (
    Migration(
        "runs_without_spark_settings",
        RUNS.name,
        "the manifests lose their Spark settings, which may hold keys; older versions of the table have them "
        "until `VACUUM`",
        _without_spark_settings,
    ),
)


def bring_forward(context: Context) -> None:
    """Does the migrations that this lakehouse has not had; a new one needs none."""
    if context.ledger.is_new([migration.name for migration in MIGRATIONS]):
        return
    for migration in MIGRATIONS:
        if migration.name not in context.ledger.migrations():
            watch = Stopwatch()
            changed = migration.bring(context.store)
            context.ledger.note_migration(migration.name, changed, watch.seconds)
            if changed:
                context.say(f"  ! {changed:,} rows of {migration.table} changed: {migration.about}")
