"""Landed files and tables lie apart: the files of a table inside the landing zone would be read as landed ones."""

from __future__ import annotations

import os
import re

from invopt.config.records import LakehouseConfig


def nested_places(landing: str, lakehouse: LakehouseConfig) -> list[str]:
    """What is wrong where one of the places is inside the other, or both are the same; links are followed.

    >>> nested_places("/data/landing", LakehouseConfig(root="/data/landing/tables"))[0][:69]
    'lakehouse.root: /data/landing/tables is inside the landing zone /data'
    >>> nested_places("s3a://retail/landing", LakehouseConfig(root="s3a://retail/landing2"))
    []
    """
    problems = []
    for name in ("root", "state"):
        place = getattr(lakehouse, name)
        if place is None:
            continue
        if _is_inside(place, landing):
            where = f"{place} is inside the landing zone {landing}"
        elif name == "root" and _is_inside(landing, place):
            where = f"the landing zone {landing} is inside it, {place}"
        else:
            continue
        problems.append(
            f"lakehouse.{name}: {where}, and files of tables would be taken for landed ones; give two places of which "
            "neither is inside the other, by `landing` and `lakehouse` or --landing and --lakehouse"
        )
    return problems


def _is_inside(place: str, other: str) -> bool:
    """Whether a place is below another one, or the same."""
    return (_parts(place) + "/").startswith(_parts(other).rstrip("/") + "/")


def _parts(place: str) -> str:
    local = re.sub("^file:(//)?(?=/)", "", place)
    # a URI has no links and no relative parts
    return local.rstrip("/") if ":" in local else os.path.realpath(os.path.expanduser(local))
