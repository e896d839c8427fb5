"""Delta's jars come from a folder that the user names, from an earlier start's copy, or from a Maven repository.

delta-spark's wheel holds no jars. Ivy, inside spark-submit, brings them; left alone it brings 33 jars, 87 MB, mostly
second copies of what Spark already has. With those excluded seven remain, 13 MB. Their names are known, so a later
start hands the copies to Spark and Ivy never runs: that saves about a second and works without a network.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from invopt.errors import SetupError

DELTA = "io.delta:delta-spark_4.1_2.13:4.4.0"

# the jars that DELTA resolves to once EXCLUDED is left out, as group and file name
JARS = (
    ("io.delta", "delta-spark_4.1_2.13-4.4.0.jar"),
    ("io.delta", "delta-storage-4.4.0.jar"),
    ("io.delta", "delta-kernel-api-4.4.0.jar"),
    ("io.delta", "delta-kernel-defaults-4.4.0.jar"),
    ("io.delta", "delta-kernel-unitycatalog-4.4.0.jar"),
    ("io.unitycatalog", "unitycatalog-client-0.6.0.jar"),
    ("io.unitycatalog", "unitycatalog-hadoop-0.6.0.jar"),
)

# groups of which Spark 4.1 has its own version on the class path, or that only parts of Delta not used here need
EXCLUDED = (
    "com.fasterxml.jackson.core",
    "com.fasterxml.jackson.datatype",
    "com.fasterxml.jackson.module",
    "com.github.luben",
    "com.google.code.findbugs",
    "commons-logging",
    "commons-pool",
    "io.airlift",
    "javax.annotation",
    "org.apache.hadoop",
    "org.apache.logging.log4j",
    "org.apache.parquet",
    "org.locationtech.jts",
    "org.roaringbitmap",
    "org.slf4j",
    "org.xerial.snappy",
)


def jar_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """The `spark.jars*` settings that bring Delta, joined with those the user gave.

    INVOPT_JARS (a folder, or jar files separated by commas) comes first, then the copies of an earlier start, then Ivy,
    with INVOPT_IVY_SETTINGS as its settings file.

    Raises
    ------
    SetupError : INVOPT_JARS or INVOPT_IVY_SETTINGS names what isn't there; names each missing jar.
    """
    packages = _listed(settings.get("spark.jars.packages", ""))
    if any(package.startswith("io.delta:delta-spark_") for package in packages):
        return {}  # the user brings a Delta of their own
    named = os.environ.get("INVOPT_JARS", "")
    jars = _named_jars(named) if named else _kept_jars(settings)
    if jars:
        return {"spark.jars": ",".join([*_listed(settings.get("spark.jars", "")), *map(str, jars)])}
    chosen = {
        # Java takes the home folder from the system's list of users, whatever HOME says: the next start would not find
        # the jars there
        "spark.jars.ivy": str(kept_folder(settings).parent),
        "spark.jars.packages": ",".join([*packages, DELTA]),
        "spark.jars.excludes": ",".join(
            [*_listed(settings.get("spark.jars.excludes", "")), *(f"{group}:*" for group in EXCLUDED)]
        ),
    }
    ivy_settings = os.environ.get("INVOPT_IVY_SETTINGS", "")
    if ivy_settings and "spark.jars.ivySettings" not in settings:
        if not Path(ivy_settings).is_file():
            raise SetupError(
                f"INVOPT_IVY_SETTINGS names {ivy_settings}, which is not a file; give the path of an Ivy settings file."
            )
        chosen["spark.jars.ivySettings"] = ivy_settings
    return chosen


def not_resolved(chosen: Mapping[str, str], log: Path) -> SetupError:
    """The error for a user whose machine couldn't get the jars."""
    where = chosen.get("spark.jars.ivySettings")
    tried = f"the repositories of {where}" if where else "the local Maven repository (~/.m2) and Maven Central"
    return SetupError(
        f"Delta's jars ({DELTA}) could not be had: tried {kept_folder(chosen)} and {tried}; the resolver's own "
        f"words are in {log}. "
        "Three ways out: (1) put these files into a folder and set INVOPT_JARS to it: "
        f"{', '.join(file for _, file in JARS)}; (2) set INVOPT_IVY_SETTINGS to an Ivy settings file that names a "
        "mirror you can reach; "
        "(3) run once with a network, the jars are then kept."
    )


def kept_folder(settings: Mapping[str, str]) -> Path:
    """The folder in which Ivy leaves the jars that spark-submit resolved."""
    return Path(settings.get("spark.jars.ivy") or Path.home() / ".ivy2.5.2") / "jars"


def _kept_jars(settings: Mapping[str, str]) -> list[Path]:
    """The seven jars of an earlier start, or none: a start that was cut short leaves fewer, or one that is no whole
    archive.
    """
    jars = [kept_folder(settings) / f"{group}_{file}" for group, file in JARS]
    return jars if all(zipfile.is_zipfile(jar) for jar in jars) else []


def _named_jars(named: str) -> list[Path]:
    jars = sorted(Path(named).glob("*.jar")) if Path(named).is_dir() else [Path(path) for path in _listed(named)]
    absent = [str(jar) for jar in jars if not zipfile.is_zipfile(jar)]
    if absent:
        raise SetupError(
            f"INVOPT_JARS names what is not a jar file: {', '.join(absent)}; give a folder, or jar files "
            "separated by commas."
        )
    # Ivy puts the group before the file's name, a Maven repository doesn't
    missing = [file for _, file in JARS if not any(jar.name.endswith(file) for jar in jars)]
    if missing:
        raise SetupError(
            f"INVOPT_JARS={named} lacks {', '.join(missing)}; put them there too (they are what {DELTA} needs)."
        )
    return [jar.resolve() for jar in jars]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
