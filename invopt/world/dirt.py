"""The faults of real feeds, planted in the files of a clean world of the guide form; no right row is lost.

rejected_rows       rows that no rule can save: a number that is a word, a line cut in the middle
duplicate_rows      a file that came again under another name
float_id_rows       ids that went through a spreadsheet: supplier "5.0"
header_only_files   a day file without rows
stale_stores        stores whose last inventory file has not come
zero_msrp_products  products whose price in the brand's list is 0
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from invopt.world.chain import Chain
from invopt.world.headers import HEADERS
from invopt.world.history_files import POLICY_ID


@dataclass(frozen=True)
class Dirt:
    """The number of faults of each kind, and the rows by which each dataset grew (or shrank)."""

    counts: Mapping[str, int]
    more_rows: Mapping[str, int]


def add_dirt(folder: Path, chain: Chain, end: date) -> Dirt:
    """Plant faults in the landing zone of a chain of at least two stores and two days."""
    first_store, second_store, last_store = chain.stores.location_id[[0, 1, -1]]
    product = chain.products.product_id[0]
    closed = end + timedelta(days=1)

    def sales(store: str, day: date) -> Path:
        return folder / f"rawdata/sales_store{store}_{day:%Y_%m_%d}_00_00_00.csv"

    def inventory(store: str, day: date) -> Path:
        return folder / f"rawdata/inv_store{store}_{day:%Y_%m_%d}_00_00_00.csv"

    repeated = sales(second_store, closed)
    shutil.copyfile(repeated, repeated.with_name(f"{repeated.stem}_again.csv"))
    n_repeated = _n_rows(repeated)

    _append(sales(first_store, end), f"{first_store},{product},{end - timedelta(days=1)} 12:00:00,two,1.99\n")
    _append(inventory(first_store, end), f"{first_store},{product},{end} 00:00:00,n/a,{closed} 07:00:00\n")
    # the store's computer went down while it wrote: no units, no price, no end of line
    _append(sales(first_store, closed), f"{first_store},{product},{end} 20:5")
    n_rejected = 3

    # the midnight before the first day: the store had not opened yet
    prefix = f"sales_store{last_store}_"
    first_closed = min(folder.glob(f"rawdata/{prefix}*.csv")).name.removeprefix(prefix)[:10]
    empty = sales(last_store, datetime.strptime(first_closed, "%Y_%m_%d").date() - timedelta(days=1))
    empty.write_text(",".join(HEADERS["sales"]) + "\n", encoding="utf-8")

    stale = inventory(last_store, closed)
    n_stale_rows = _n_rows(stale)
    stale.unlink()

    orders = folder / f"orders/{POLICY_ID}/orders_{first_store}.csv"
    n_float_ids = _rewrite(orders, "orders", "SupplierID", lambda supplier: f"{supplier}.0")
    _rewrite(folder / "publicparameters/brands_products.csv", "brands_products", "MSRP", lambda _: "0", n_rows=1)
    return Dirt(
        counts={
            "rejected_rows": n_rejected,
            "duplicate_rows": n_repeated,
            "float_id_rows": n_float_ids,
            "header_only_files": 1,
            "stale_stores": 1,
            "zero_msrp_products": 1,
        },
        more_rows={"sales": 2 + n_repeated, "inventory": 1 - n_stale_rows},
    )


def _n_rows(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines()) - 1


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(line)


def _rewrite(path: Path, dataset: str, column: str, change: Callable[[str], str], n_rows: int | None = None) -> int:
    """Change one column in the first rows (all, when None) of a CSV without quotes; the number of rows changed."""
    position = HEADERS[dataset].index(column)
    lines = path.read_text(encoding="utf-8").splitlines()
    stop = len(lines) if n_rows is None else 1 + n_rows
    for number in range(1, stop):
        fields = lines[number].split(",")
        fields[position] = change(fields[position])
        lines[number] = ",".join(fields)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    return stop - 1
