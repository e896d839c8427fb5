"""Step `solve`: each partition's model is solved on the executors, a bucket of partitions per call; gold.solutions.

A wave is a range of buckets that is solved and committed together, so that a lost driver costs one wave; what is done
is in gold.steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass

from pyspark.sql import Observation, Row
from pyspark.sql import functions as F

from invopt import policies
from invopt.config import PolicyRow, default_partition
from invopt.errors import AuditError, InvoptError, TableError, raise_together
from invopt.pipelines.audit import check_audit
from invopt.pipelines.buckets import solved
from invopt.pipelines.context import Context, Stopwatch
from invopt.pipelines.due import due, until
from invopt.pipelines.failures import nothing_decided, say_failures
from invopt.pipelines.inputs import fingerprint_of
from invopt.pipelines.ledger import Note
from invopt.pipelines.placement import tasks_of
from invopt.pipelines.policy_views import collected_views
from invopt.pipelines.report import unfold_decisions
from invopt.solving import SolveRequest
from invopt.tables import SOLUTIONS, Table, policy_inputs
from invopt.tables.columns import ITEM

STEP = "solve"


def solve(context: Context) -> None:
    """Solves the partitions of every policy that is due, wave by wave; a wave that is done with the same inputs is not
    done again.

    Raises
    ------
    TableError, AuditError : as `solve_policy`, once all the others are solved.
    NothingDecidedError : there were items, and every one of them failed or is blocked.
    """
    planned = due(context)
    left = _waves_left(context)
    refused: list[InvoptError] = []
    for row in context.config.active_policies():
        if row in planned.optimized:
            try:
                solve_policy(context, row, left[row.id])
            except (TableError, AuditError) as error:
                context.say(f"  ! policy {row.id} is refused: see the error at the end")
                refused.append(error)
                context.unsolved.add(row.id)
        else:
            context.say(
                f"solve {row.id}: the solutions of run {planned.standing[row.id]} hold, "
                f"{until(planned.next_optimized[row.id])}"
            )
    # below a folder there is no catalog to keep the view: it would end with the session
    if context.config.lakehouse.catalog is not None and context.store.exists(SOLUTIONS):
        unfold_decisions(context)
    refused += nothing_decided(context, planned.optimized)
    raise_together(refused)


def solve_policy(context: Context, row: PolicyRow, earlier_waves: Set[int] | None = None) -> None:
    """One policy's waves.

    earlier_waves : those that an earlier attempt of the same run has left in gold.solutions; asked for when None

    Raises
    ------
    TableError : the inputs were not made.
    AuditError : algorithm and model disagree on a sampled partition; the solutions are written all the same, to
        be looked at.
    """
    policy = policies.load(row.policy, context.config.policies_folder)
    inputs_fingerprint = fingerprint_of(context, row.id)
    if not inputs_fingerprint:
        raise TableError(
            f"run {context.run_id} has no inputs for policy {row.id}: run `invopt inputs` with the same --as-of and "
            "configuration first"
        )
    table = policy_inputs(policy.name, policy.needs)
    waves = _waves(context, row, policy, table)
    fingerprint = context.run.fingerprint(
        STEP, inputs_fingerprint, row.model_dump_json(), context.config.solver(row.solver).model_dump_json()
    )
    noted = context.ledger.done(STEP, row.id)
    done = {wave: note for wave, note in noted.items() if note["fingerprint"] == fingerprint}
    progress = _Progress(context, row, table, waves, fingerprint)
    if waves and set(waves) <= set(done):
        context.say(f"solve {row.id}: unchanged, {progress.n_partitions:,} partitions are solved already")
        check_audit(context, row)
        return
    if not waves and not done:
        # solved, for the steps that come after: there was nothing to do
        context.ledger.record(Note(STEP, fingerprint, 0, 0.0, row.id))
    watch = Stopwatch()
    earlier_waves = _waves_left(context)[row.id] if earlier_waves is None else earlier_waves
    for wave in sorted(waves):
        if wave in done:
            progress.count(wave, done[wave]["failed"])
        else:
            progress.solve(wave)
    _forget_waves(context, row, sorted(earlier_waves - set(waves)))
    context.say(f"solve {row.id}: done in {watch.seconds:.1f} s")
    if progress.n_failed:
        say_failures(context, row)
    check_audit(context, row)


class _Progress:
    """The waves of a policy while they are solved, and what is told of them."""

    def __init__(
        self, context: Context, row: PolicyRow, table: Table, waves: dict[int, _Wave], fingerprint: str
    ) -> None:
        self.context, self.row, self.table, self.waves, self.fingerprint = context, row, table, waves, fingerprint
        self.n_partitions = sum(wave.partitions for wave in waves.values())
        self.n_solved = self.n_failed = 0
        self._request = SolveRequest.of_row(context.config, row)
        self._views = collected_views(context, policies.load(row.policy, context.config.policies_folder))
        n_audited = context.config.solve.audit_partitions
        self._audit_every = max(1, self.n_partitions // n_audited) if n_audited else 0

    def count(self, wave: int, n_failed: int) -> None:
        """Counts a wave that is solved."""
        self.n_solved += self.waves[wave].partitions
        self.n_failed += n_failed

    def solve(self, wave: int) -> None:
        """Solves a wave, commits it, notes it and tells of it."""
        context, row, expected = self.context, self.row, self.waves[wave]
        watch, where = Stopwatch(), {"run_id": context.run_id, "policy_id": row.id, "wave": wave}
        solutions = solved(
            context.store.read(self.table, where=where),
            self._request,
            wave,
            n_tasks=tasks_of(context),
            n_buckets=expected.buckets,
            audit_every=self._audit_every,
            views=self._views,
        )
        solutions = solutions.withColumns({"run_id": F.lit(context.run_id), "policy_id": F.lit(row.id)})
        # counted while they are written: reading them again would cost each wave another query
        seen = Observation()
        solutions = solutions.observe(
            seen, F.count_if(F.col("status") == "no_solution").alias("failed"), F.max("audit_gap").alias("largest_gap")
        )
        written = context.store.replace(SOLUTIONS, solutions, where, check_keys=False)
        if written != expected.items:
            raise TableError(
                f"policy {row.id}, wave {wave}: {expected.items:,} items went in and {written:,} solutions came out; "
                "this is a defect of invopt"
            )
        counted, seconds = seen.get, watch.seconds
        note = Note(STEP, self.fingerprint, written, seconds, row.id, wave, counted["failed"], counted["largest_gap"])
        context.ledger.record(note)
        self.count(wave, counted["failed"])
        rate = expected.partitions / max(seconds, 1e-9)
        context.say(
            f"solve {row.id}: wave {wave + 1}/{len(self.waves)}, {self.n_solved:,} of {self.n_partitions:,} "
            f"partitions, {self.n_failed:,} items without a solution, {rate:,.{0 if rate >= 10 else 1}f} partitions/s"
        )


@dataclass(frozen=True)
class _Wave:
    """A range of buckets that are solved and committed together."""

    buckets: int
    items: int
    partitions: int


def _waves(context: Context, row: PolicyRow, policy: policies.Policy, table: Table) -> dict[int, _Wave]:
    slice_ = {"run_id": context.run_id, "policy_id": row.id}
    buckets: dict[int, list[Row]] = {}
    for one in context.store.counts(table, ["wave", "bucket"], slice_):
        buckets.setdefault(one["wave"], []).append(one)
    items = {wave: sum(one["n"] for one in of_wave) for wave, of_wave in buckets.items()}
    partitions = items
    if tuple(default_partition(row, policy.partition_by)) != ITEM:  # else every item is a partition of its own
        counted = (
            context.store.read(table, where=slice_)
            .groupBy("wave")
            .agg(F.count_distinct("partition_key").alias("partitions"))
            .collect()
        )
        partitions = {one["wave"]: one["partitions"] for one in counted}
    return {wave: _Wave(len(of_wave), items[wave], partitions[wave]) for wave, of_wave in buckets.items()}


def _waves_left(context: Context) -> defaultdict[str, set[int]]:
    """Policy -> the waves that an earlier attempt of the same run has left in gold.solutions."""
    left = defaultdict(set)
    if context.store.exists(SOLUTIONS):
        for row in context.store.counts(SOLUTIONS, ["policy_id", "wave"], {"run_id": context.run_id}):
            left[row["policy_id"]].add(row["wave"])
    return left


def _forget_waves(context: Context, row: PolicyRow, waves: list[int]) -> None:
    """Removes waves of an earlier attempt of the same run that this one does not have."""
    for wave in waves:
        nothing = context.store.read(SOLUTIONS).limit(0)
        where = {"run_id": context.run_id, "policy_id": row.id, "wave": wave}
        context.store.replace(SOLUTIONS, nothing, where, check_keys=False)
