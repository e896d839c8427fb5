"""From the lines of a dataset's deliveries to its table with history.

Deliveries are applied in the order of their days, and the table is written by one commit, so that a run that is stopped
anywhere leaves it as it was or as it is to be. Where an older delivery lands after newer ones, the history is made anew
from bronze; what comes out as it was is not written again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import Window as W
from pyspark.sql import functions as F

from invopt.pipelines import history
from invopt.pipelines.conformed import Conformed
from invopt.pipelines.context import Context
from invopt.pipelines.deliveries import APPLIED, HELD, SUPERSEDED, Delivery, deliveries
from invopt.pipelines.held import held_sentence
from invopt.pipelines.typed import LANDED
from invopt.pipelines.unread import KEYS_OF_BLOCKS
from invopt.spark.frames import frame
from invopt.tables import BATCHES, DELIVERIES, FILES, REJECTED, silver
from invopt.tables.dataset import Dataset

FULL = "full"
_WRITES = ("insert", "change", "replace", "renew")


@dataclass(frozen=True)
class Lines:
    """How the lines of a dataset are read.

    typed : (batch) -> its lines as `typed` gives them
    rejected : (lines, rules) -> rows of silver.rejected; of lines that break a rule where `rules` is None
    count : (batch) -> its lines in bronze
    """

    typed: Callable[[int], DataFrame]
    rejected: Callable[[DataFrame, Column | None], DataFrame]
    count: Callable[[int], int]


@dataclass(frozen=True)
class Brought:
    """What deliveries have brought: their batches' lines, and the rows of silver.deliveries, where these changed."""

    conformed: list[Conformed] = field(default_factory=list)
    deliveries: list[tuple] | None = None


@dataclass
class _Read:
    """A delivery as it was read, and what became of it.

    rows : one row per key, with `is_contradictory`
    n_broken, n_without_key : lines that break a rule, and those of them whose key can't be read
    """

    delivery: Delivery
    rows: DataFrame
    n_rows: int
    n_broken: int
    n_without_key: int
    n_contradictory: int
    status: str = APPLIED
    problem: str | None = None
    n_absent: int | None = None
    n_before: int | None = None
    kept: Counter[int] = field(default_factory=Counter)
    is_first: bool = False
    has_changes: bool = False
    written: DataFrame | None = None

    @property
    def n_rejected(self) -> int:
        return self.n_broken + self.n_contradictory

    @property
    def good(self) -> DataFrame:
        return self.rows.where(~F.col("is_contradictory")).drop("is_contradictory", "n_of_key")


def kind_of(context: Context, dataset: Dataset) -> str:
    """Whether the dataset's deliveries hold all rows (full), or what has changed (delta)."""
    mapping = context.config.mapping.get(dataset.name)
    return (mapping.delivery if mapping else None) or dataset.delivery


def bring(context: Context, dataset: Dataset, pending: Collection[int], lines: Lines) -> Brought:
    """Brings the deliveries of the pending batches into the dataset's table."""
    kind = kind_of(context, dataset)
    recorded = context.store.rows(DELIVERIES, {"dataset": dataset.name})
    if not pending and all(row["kind"] == kind for row in recorded):
        return Brought()
    bringing = _Bringing(context, dataset, kind, lines, recorded)
    brought = bringing.do(pending, is_anew=False)
    return brought if brought is not None else bringing.do(pending, is_anew=True)


class _Bringing:
    def __init__(
        self, context: Context, dataset: Dataset, kind: str, lines: Lines, recorded: Sequence[Mapping]
    ) -> None:
        self.context, self.store, self.dataset, self.kind, self.lines = context, context.store, dataset, kind, lines
        self.table, self.keys = silver(dataset), list(dataset.keys)
        self.recorded = {(row["delivery"], row["batch_id"]): row for row in recorded}
        # what was decided under another kind was not decided for this one
        settled = {key for key, row in self.recorded.items() if row["status"] != HELD and row["kind"] == kind}
        rows = [row.asDict() for row in self.store.rows(FILES, {"dataset": dataset.name})]
        self.listed = deliveries(dataset, rows, settled)
        self.settled = settled
        self.batch_of = {row["file_number"]: row["batch_id"] for row in rows}
        self.files: dict[int, set[int]] = {}
        for delivery in self.listed:
            for number in delivery.files:
                self.files.setdefault(self.batch_of[number], set()).add(number)
        self.compared: list[DataFrame] = []

    def do(self, pending: Collection[int], *, is_anew: bool) -> Brought | None:
        """None where the history must be made anew because of a delivery that was held."""
        is_empty = self.store.is_empty(self.table)
        waiting = [one for one in self.listed if one.key not in self.settled]
        reason = "" if is_empty or is_anew else self._why_anew(waiting, pending)
        is_anew = is_anew or bool(reason)
        if reason.strip():
            self.context.say(f"  ! {self.dataset.name}: {reason}, so its history is made anew")
        if is_anew or is_empty:
            waiting = self.listed
        if is_anew:
            # where this run is stopped, the next one begins anew too
            self.store.replace(BATCHES, [], {"dataset": self.dataset.name}, check_keys=False)
            pending = {batch_id for one in self.listed for batch_id in one.batches}
        loaded = self._loaded(waiting[0]) if is_empty and len(waiting) == 1 else None
        reads = [loaded] if loaded else [self._read(one) for one in waiting]
        try:
            rejected = self._reject(reads, is_anew=is_anew, is_empty=is_empty)
            if not loaded:
                self._fold(reads, is_anew=is_anew or is_empty)
                if not is_anew and self._is_resolved(reads):
                    return None
                self._write(reads, is_anew=is_anew, is_empty=is_empty)
        finally:
            for kept_rows in (*(read.rows for read in reads), *self.compared):
                kept_rows.unpersist()
        held = {batch_id for read in reads if read.status == HELD for batch_id in read.delivery.batches}
        kept = sum((read.kept for read in reads), Counter())
        conformed = [
            Conformed(
                self.dataset.name, batch_id, self.lines.count(batch_id), kept[batch_id], rejected[batch_id]
            ).checked()
            for batch_id in sorted(set(pending) - held)
        ]
        self._tell(reads)
        return Brought(conformed, self._rows(reads, is_anew=is_anew or is_empty))

    # ------------------------------------------------------------------ what is to be done

    def _status(self, delivery: Delivery) -> str | None:
        row = self.recorded.get(delivery.key)
        return row["status"] if row and row["kind"] == self.kind else None

    def _why_anew(self, waiting: Sequence[Delivery], pending: Collection[int]) -> str:
        """Why the table's history can't be gone on with; " " where nobody need know."""
        if any(row["kind"] != self.kind for row in self.recorded.values()):
            return f"its deliveries are {self.kind} now"
        newest = max((one.place for one in self.listed if self._status(one) == APPLIED), default=None)
        late = [one for one in waiting if newest is not None and one.place < newest]
        if new := [one for one in late if self._status(one) is None]:
            return f"the delivery of {new[0].title} has come after newer ones"
        if late:
            return " "  # one that waits, and that those after it did not take the place of
        shared = self._batches_of_settled()
        if any(len(one.batches) > 1 and shared.intersection(one.batches) for one in waiting):
            return " "  # the rejected lines of a batch are written together
        held = {batch_id for one in self.listed if self._status(one) == HELD for batch_id in one.batches}
        if shared.intersection(pending) - held:
            return " "  # a run was stopped before its batches were noted as done
        unknown = {batch_id for one in waiting if self._status(one) is None for batch_id in one.batches}
        # a run that was stopped has written the table, or silver.deliveries was lost
        if unknown - set(pending) or any(
            self.store.counts(self.table, ["batch_id"], {"batch_id": batch_id}) for batch_id in sorted(unknown)
        ):
            return " "
        return ""

    def _is_resolved(self, reads: Sequence[_Read]) -> bool:
        """Whether a delivery was held and is not any more, and others of its batch were applied: their lines count in
        the same batch.
        """
        held = {key for key, row in self.recorded.items() if row["status"] == HELD}
        shared = self._batches_of_settled()
        return any(
            read.status != HELD and (read.delivery.name, batch_id) in held and batch_id in shared
            for read in reads
            for batch_id in read.delivery.batches
        )

    def _batches_of_settled(self) -> set[int]:
        return {batch_id for one in self.listed if one.key in self.settled for batch_id in one.batches}

    # ------------------------------------------------------------------ lines to rows

    def _of_files(self, lines: DataFrame, numbers: Collection[int], batch_id: int) -> DataFrame:
        """The lines of these files alone; most batches have one delivery."""
        others = self.files[batch_id] - set(numbers)
        return lines.where(F.col("file_number").isin(sorted(numbers))) if others else lines

    def _generation(self, delivery: Delivery) -> str | None:
        """The column by which a newer line of a key replaces an older one, where all are taken for one delivery."""
        if not delivery.has_day:
            return "file_number"
        return "batch_id" if len(delivery.batches) > 1 else None

    def _by_key(self, delivery: Delivery, seen: Observation) -> DataFrame:
        is_without_key = reduce(lambda one, other: one | other, (F.col(key).isNull() for key in self.keys))
        columns = [*(one.column for one in self.dataset.fields), "file_number", "batch_id", "is_broken"]
        parts = [
            self._of_files(self.lines.typed(batch_id), delivery.files, batch_id).select(*columns)
            for batch_id in delivery.batches
        ]
        # the optimizer moves a filter below what makes its columns, and stops at an observation
        watched = reduce(DataFrame.unionByName, parts).observe(
            seen,
            F.count_if("is_broken").alias("broken"),
            F.count_if(F.col("is_broken") & is_without_key).alias("without_key"),
        )
        good = watched.where(~F.col("is_broken"))
        if generation := self._generation(delivery):
            newest = F.max(generation).over(W.partitionBy(*self.keys))
            good = good.withColumn("_newest", newest).where(F.col(generation) == F.col("_newest"))
        values = F.struct(*history.values_of(self.dataset))
        found = good.groupBy(*self.keys).agg(
            F.min(values).alias("least"),
            F.max(values).alias("most"),
            F.count(F.lit(1)).alias("n_of_key"),
            F.max("file_number").alias("file_number"),
            F.max("batch_id").alias("batch_id"),
        )
        return found.select(
            *self.keys,
            "most.*",
            F.lit(1).cast("bigint").alias("n_lines"),
            "file_number",
            "batch_id",
            "n_of_key",
            (~F.col("least").eqNullSafe(F.col("most"))).alias("is_contradictory"),
        )

    def _read(self, delivery: Delivery) -> _Read:
        seen = Observation()
        rows = self._by_key(delivery, seen).persist()
        counted = rows.agg(
            F.count_if(~F.col("is_contradictory")).alias("rows"),
            F.coalesce(F.sum(F.when(F.col("is_contradictory"), F.col("n_of_key"))), F.lit(0)).alias("contradictory"),
        ).first()
        observed = seen.get
        return _Read(
            delivery,
            rows,
            counted["rows"],
            observed["broken"],
            observed["without_key"],
            counted["contradictory"],
        )

    def _loaded(self, delivery: Delivery) -> _Read | None:
        """The first delivery of an empty table, read and written in one pass; None where that is not to be."""
        if len(delivery.batches) > 1:
            return None
        seen, counted = Observation(), Observation()
        rows = self._by_key(delivery, seen)
        watched = rows.observe(
            counted,
            F.sum(F.when(F.col("is_contradictory"), F.col("n_of_key"))).alias("contradictory"),
        )
        n_rows = self._append(history.first(watched.where(~F.col("is_contradictory")), self.table), delivery.batch_id)
        if not n_rows:  # an attempt before this one wrote them, or there are none
            return None
        n_contradictory = counted.get["contradictory"] or 0
        read = _Read(delivery, rows, n_rows, seen.get["broken"], seen.get["without_key"], n_contradictory)
        read.kept[delivery.batch_id] = n_rows
        return read

    # ------------------------------------------------------------------ rejected lines

    def _reject(self, reads: Sequence[_Read], *, is_anew: bool, is_empty: bool) -> Counter[int]:
        """Writes the rejected lines of each batch, and gives their numbers."""
        written: Counter[int] = Counter()
        wanted: dict[int, list[_Read]] = {}
        for read in reads:
            for batch_id in read.delivery.batches if read.n_rejected else ():
                wanted.setdefault(batch_id, []).append(read)
        for batch_id, of_batch in wanted.items():
            place = {"dataset": self.dataset.name, "batch_id": batch_id}
            there = sum(row["n"] for row in self.store.counts(REJECTED, ["batch_id"], place))
            # a delivery that is held, or read anew, has its rejected lines there
            is_held = not is_anew and all(self._status(read.delivery) == HELD for read in of_batch)
            is_alone = all(len(read.delivery.batches) == 1 for read in of_batch)
            is_same = is_alone and there == sum(read.n_rejected for read in of_batch)
            if not is_empty and (is_held or is_same):
                written[batch_id] = there
                continue
            lines = self.lines.typed(batch_id)
            parts = [self.lines.rejected(lines, None)]
            parts += [self._contradictory(lines, read, batch_id) for read in of_batch if read.n_contradictory]
            written[batch_id] = self.store.replace(REJECTED, reduce(DataFrame.unionByName, parts), place)
        return written

    def _contradictory(self, lines: DataFrame, read: _Read, batch_id: int) -> DataFrame:
        """The lines of keys of which lines of one delivery say different things, none of which is better."""
        generation = self._generation(read.delivery)
        on = [*self.keys, *([generation] if generation else [])]
        named = read.rows.where("is_contradictory").select(*on)

        def of_keys() -> DataFrame:
            good = _behind(self._of_files(lines, read.delivery.files, batch_id)).where(~F.col("is_broken"))
            return good.join(F.broadcast(named), on=on, how="left_semi")

        differing = [
            F.when(
                F.size(F.collect_set(F.coalesce(F.col(one.column).cast("string"), F.lit("")))) > 1,
                F.concat(
                    F.lit(f"{one.header} "),
                    F.array_join(
                        F.slice(
                            F.array_sort(
                                F.collect_set(F.coalesce(F.trim(F.col(f"{LANDED}.{one.header}")), F.lit("nothing")))
                            ),
                            1,
                            3,
                        ),
                        " or ",
                    ),
                ),
            )
            for one in self.dataset.fields
            if one.column not in self.keys
        ]
        sentence = F.concat(
            F.count(F.lit(1)).cast("string"),
            F.lit(" lines of this key say different things: "),
            F.concat_ws(", ", *differing),
        )
        told = of_keys().groupBy(*self.keys).agg(sentence.alias("_sentence"))
        return self.lines.rejected(of_keys().join(F.broadcast(told), on=self.keys, how="inner"), F.array("_sentence"))

    # ------------------------------------------------------------------ deliveries to history

    def _fold(self, reads: Sequence[_Read], *, is_anew: bool) -> None:
        """Compares each delivery with what held before it, and decides whether it is applied."""
        schema = ", ".join(f"{column.name} {column.type}" for column in self.table.columns)
        rows = frame(self.context.spark, [], schema) if is_anew else self.store.read(self.table)
        has_rows = not is_anew
        rejected_in = {
            row["batch_id"] for row in self.store.counts(REJECTED, ["batch_id"], {"dataset": self.dataset.name})
        }
        for read in reads:
            delivery = read.delivery
            if self._status(delivery) == SUPERSEDED:
                row = self.recorded[delivery.key]
                read.status, read.n_absent, read.n_before = SUPERSEDED, row["n_absent"], row["n_before"]
                continue
            read.problem, read.is_first = self._why_not_whole(read), not has_rows
            is_whole = has_rows and read.problem is None and self.kind == FULL and delivery.has_day
            named = None
            if (keys := KEYS_OF_BLOCKS.get(self.dataset.name)) and any(one <= delivery.batch_id for one in rejected_in):
                rejected = self.store.read(REJECTED, where={"dataset": self.dataset.name})
                named = rejected.where(F.col("batch_id") <= delivery.batch_id).select(*keys)
            both = history.compared(
                rows,
                read.good,
                self.dataset,
                delivery.day,
                is_whole=is_whole,
                spared=self._spared(read) if is_whole else None,
                named=named,
            ).persist()
            self.compared.append(both)
            self._count(read, both, is_whole=is_whole)
            if is_whole and self._status(delivery) != APPLIED and self._is_too_little(read):
                read.status, read.kept = HELD, Counter()
                continue
            read.written = history.versions(
                both,
                self.table,
                self.dataset,
                delivery.day,
                is_first=not has_rows,
                batch_id=delivery.batch_id,
                file_number=max(delivery.files),
            )
            has_rows = has_rows or read.n_rows > 0
            rows = history.applied(rows, read.written, self.table)
            if len(reads) > 1:
                # a plan of hundreds of deliveries would take longer than what it does
                rows = rows.localCheckpoint()
        for place, read in enumerate(reads):
            is_followed = any(later.status == APPLIED and later.n_before is not None for later in reads[place + 1 :])
            if read.status == HELD and is_followed:
                read.status = SUPERSEDED
        self.rows = rows

    def _count(self, read: _Read, both: DataFrame, *, is_whole: bool) -> None:
        is_standing = F.col("old").isNotNull() & F.col("old.absent_since").isNull()
        counted = (
            both.groupBy("action", F.col("new.batch_id").alias("batch_id"))
            .agg(F.count(F.lit(1)).alias("n"), F.count_if(is_standing).alias("standing"))
            .collect()
        )
        for row in counted:
            if row["action"] in _WRITES:
                read.kept[row["batch_id"]] += row["n"]
        if is_whole:
            read.n_absent = sum(row["n"] for row in counted if row["action"] == "absent")
            read.n_before = sum(row["standing"] for row in counted)
        read.has_changes = any(row["action"] in (*_WRITES, "absent") for row in counted)

    def _why_not_whole(self, read: _Read) -> str | None:
        if read.delivery.problem:
            return read.delivery.problem
        if read.n_without_key:
            lines = "1 line has" if read.n_without_key == 1 else f"{read.n_without_key:,} lines have"
            return f"{lines} no key that can be read"
        return None

    def _spared(self, read: _Read) -> DataFrame | None:
        """Keys that a delivery names without a good line, or by files that came before."""
        delivery, parts = read.delivery, []
        if read.n_contradictory:
            parts.append(read.rows.where("is_contradictory").select(*self.keys))
        if read.n_broken:
            for batch_id in delivery.batches:
                lines = self._of_files(self.lines.typed(batch_id), delivery.files, batch_id)
                parts.append(_behind(lines).where("is_broken").select(*self.keys))
        for batch_id in sorted({self.batch_of[number] for number in delivery.before}):
            lines = self._of_files(self.lines.typed(batch_id), delivery.before, batch_id)
            parts.append(lines.select(*self.keys))
        return reduce(DataFrame.unionByName, parts).dropna() if parts else None

    def _is_too_little(self, read: _Read) -> bool:
        limits = self.context.config.ingest
        # 0.29 of 100 rows is a little less than 29
        is_share = read.n_absent > limits.max_absent_share * read.n_before * (1 + 1e-9)
        return is_share and (read.n_absent >= limits.min_absent_rows or read.n_rows == 0)

    # ------------------------------------------------------------------ writing and telling

    def _append(self, rows: DataFrame, batch_id: int) -> int:
        columns = hashlib.sha256(repr(self.table.columns).encode()).hexdigest()[:8]
        mark = (f"invopt.conform.{self.table.name}.{columns}", batch_id)
        return self.store.append(self.table, rows, transaction=mark, is_repeat=True)

    def _write(self, reads: Sequence[_Read], *, is_anew: bool, is_empty: bool) -> None:
        applied = [read for read in reads if read.status == APPLIED]
        if not applied:
            return
        if is_empty and self._append(self.rows, max(read.delivery.batch_id for read in applied)):
            return
        if len(applied) == 1 and not (is_anew or is_empty):
            if applied[0].has_changes:
                self.store.merge(self.table, applied[0].written)
            return
        changes = history.differences(self.store.read(self.table), self.rows, self.table).persist()
        try:
            if not changes.isEmpty():
                self.store.merge(
                    self.table,
                    changes,
                    delete_where="new.action = 'delete'",
                    update_where="new.action = 'upsert'",
                    insert_where="new.action = 'upsert'",
                )
        finally:
            changes.unpersist()

    def _tell(self, reads: Sequence[_Read]) -> None:
        for read in reads:
            is_known = self._status(read.delivery) is not None
            if read.status == HELD:
                self.context.say(
                    f"  ! {held_sentence(self.dataset.name, read.delivery.title, read.n_absent, read.n_before)}"
                )
            elif read.problem and self.kind == FULL and not (read.is_first or is_known):
                self.context.say(
                    f"  ! {self.dataset.name} of {read.delivery.title}: {read.problem}, so that it is not whole, and "
                    "what it does not hold is not taken for gone"
                )
            elif read.n_absent and not is_known and read.status == APPLIED:
                self.context.say(
                    f"  ! {self.dataset.name} of {read.delivery.title} does not hold {read.n_absent:,} of the "
                    f"{read.n_before:,} rows before it: these have ended, and what needs them is blocked; "
                    f"absent_since in {self.table.name} names them"
                )

    def _rows(self, reads: Sequence[_Read], *, is_anew: bool) -> list[tuple] | None:
        """The dataset's rows of silver.deliveries; None where they are as they were."""
        done = {read.delivery.key: read for read in reads}
        rows = {} if is_anew else {key: tuple(row[name] for name in DELIVERIES.column_names)
                                   for key, row in self.recorded.items() if row["status"] != HELD}  # fmt: skip
        for key, read in done.items():
            day = read.delivery.day if read.delivery.has_day else None
            counts = (read.n_rows, read.n_absent, read.n_before)
            rows[key] = (self.dataset.name, *key, day, self.kind, read.status, *counts, read.problem)
        wanted = sorted(rows.values(), key=lambda row: (row[2], row[1]))
        there = [tuple(row[name] for name in DELIVERIES.column_names) for row in self.recorded.values()]
        return wanted if wanted != sorted(there, key=lambda row: (row[2], row[1])) else None


def _behind(lines: DataFrame) -> DataFrame:
    """The lines behind an observation: the optimizer derives facts from a filter on `is_broken` for minutes, and does
    not look through one.
    """
    return lines.observe(Observation(), F.count(F.lit(1)).alias("lines"))
