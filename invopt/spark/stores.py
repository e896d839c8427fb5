"""Which store serves a lakehouse."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import SparkSession

from invopt.config import LakehouseConfig
from invopt.spark.local_store import LocalStore
from invopt.spark.places import Places
from invopt.spark.session import sees_local_files
from invopt.spark.spark_store import SparkStore
from invopt.spark.store import Store


def open_store(
    spark: SparkSession,
    lakehouse: LakehouseConfig,
    *,
    log: Callable[[str], None] = lambda line: None,
    say: Callable[[str], None] = lambda line: None,
) -> Store:
    """The tables of a lakehouse.

    log : gets a line for every write
    say : gets what the user should know at once, such as that another run holds this one up

    Raises
    ------
    TableError : the folder can't be a lakehouse.
    """
    places = Places(lakehouse)
    is_local = places.root is not None and not places.is_uri and sees_local_files(spark)
    return (LocalStore if is_local else SparkStore)(spark, places, log=log, say=say)
