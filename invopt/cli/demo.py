"""`invopt demo` and `invopt demo-world`: a made-up chain, and everything run on it."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from invopt import tables
from invopt.cli.arguments import Subparsers, add_command, configured, positive, say
from invopt.cli.steps import context_of
from invopt.errors import InputError
from invopt.pipelines import flow

FOLDER = "demo"
# items up to which a session that starts fast is the quicker one
FEW_ITEMS = 2_000


def add(commands: Subparsers) -> None:
    """Adds the commands."""
    demo = add_command(
        commands, "demo", _demo, "makes a demo chain and runs everything on it", "invopt demo --stores 6 --products 40"
    )
    _add_size(demo)
    demo.add_argument(
        "--folder", default=FOLDER, help=f"where the demo's landing zone and tables go (default: {FOLDER})"
    )
    demo_world = add_command(
        commands,
        "demo-world",
        _demo_world,
        "writes a landing zone of a made-up chain",
        "invopt demo-world --stores 4 --products 20 --days 28 --seed 7 --landing landing",
    )
    _add_size(demo_world)
    demo_world.add_argument(
        "--form",
        choices=("auto", "guide", "daily"),
        default="auto",
        help="guide: one file per store and day, as the guide has it; daily: large files for large chains "
        "(default: by size)",
    )
    demo_world.add_argument("--dirt", action="store_true", help="with the faults that real feeds have")


def _add_size(command: argparse.ArgumentParser) -> None:
    for name, default, about in (
        ("stores", 5, "number of stores"),
        ("products", 40, "number of products"),
        ("days", 28, "days of history"),
    ):
        command.add_argument(f"--{name}", type=positive, default=default, help=f"{about} (default: {default})")
    command.add_argument("--seed", type=int, default=1, help="the same seed gives the same chain (default: 1)")


def _demo_world(chosen: argparse.Namespace) -> None:
    from invopt.world.write import write_world

    landing = Path(chosen.landing or "landing")
    if landing.exists() and any(landing.iterdir()):
        raise InputError(
            "the demo chain can't be written",
            [f"{landing} is not empty, and real files must not be mixed with made-up ones; give another --landing"],
        )
    world = write_world(
        landing,
        n_stores=chosen.stores,
        n_products=chosen.products,
        n_days=chosen.days,
        seed=chosen.seed,
        form=chosen.form,
        dirt=chosen.dirt,
        progress=say,
    )
    say(
        f"demo chain: {chosen.stores} stores x {chosen.products} products x {chosen.days} days in "
        f"{world.n_files:,} files below {landing}, {world.seconds:.1f} s; run it with --as-of {world.as_of:%Y-%m-%d}"
    )


def _demo(chosen: argparse.Namespace) -> None:
    from invopt.world.write import write_world

    folder = Path(chosen.folder)
    landing = folder / "landing"
    if chosen.landing:
        raise InputError(
            "the demo can't be made",
            [
                f"it writes its files itself, below --folder, so --landing {chosen.landing} has no use: leave it out, "
                "or run `invopt run` on a landing zone of your own"
            ],
        )
    places = ("lakehouse.root=", "lakehouse.catalog=")
    is_elsewhere = bool(chosen.lakehouse or any(pair.startswith(places) for pair in chosen.set))
    chosen.landing = str(landing)
    if not is_elsewhere:
        chosen.lakehouse = str(folder / "lakehouse")
    config = configured(chosen)
    _clear(folder)
    world = write_world(
        landing, n_stores=chosen.stores, n_products=chosen.products, n_days=chosen.days, seed=chosen.seed
    )
    say(
        f"demo chain: {chosen.stores} stores x {chosen.products} products x {chosen.days} days "
        f"in {world.n_files:,} files below {landing}, {world.seconds:.1f} s"
    )
    say("starting Spark; on an idle machine the whole takes two to four minutes")
    context = context_of(chosen, config, world.as_of, is_short=chosen.stores * chosen.products <= FEW_ITEMS)
    if is_elsewhere and context.store.exists(tables.FILES):
        raise InputError(
            "the demo can't be made",
            [
                f"{context.store.places.shown(tables.FILES)} is there already, and a demo's rows must not be "
                "mixed with others; give another --lakehouse, or another lakehouse.schema_prefix in a catalog"
            ],
        )
    flow.do(context, "run")
    _say_what_next(context, folder)


def _clear(folder: Path) -> None:
    """Removes what an earlier demo made, and nothing else."""
    marker = folder / ".invopt-demo"
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise InputError("the demo can't be made", [f"{folder} has other files in it; give another --folder"])
    for made in ("landing", "lakehouse"):
        shutil.rmtree(folder / made, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    marker.touch()


def _say_what_next(context, folder: Path) -> None:
    root = context.config.lakehouse.root
    if root is None:
        return  # the next commands read tables without Spark, which a catalog does not allow
    # an item that was ordered tells most, but on some days nothing is
    items = (
        context.store.read(table).orderBy("location_id", "product_id").first()
        for table in (tables.ORDERS, tables.SOLUTIONS)
    )
    item = next((item for item in items if item is not None), None)
    if item is not None:
        say(
            f"\nTry: invopt solve-one --policy {item['policy_id']} --location "
            f"{item['location_id']} --product {item['product_id']} --lakehouse {root}"
        )
    is_usual = root == str(Path(FOLDER) / "lakehouse")
    place = root if ":" in root else Path(root).resolve()
    say(f"Plots: notebooks/first_run.ipynb{'' if is_usual else f' with INVOPT_LAKEHOUSE={place}'}")
