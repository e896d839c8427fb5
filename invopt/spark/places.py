"""The places of tables: below a folder or a URI, or in a catalog; and a table's name in SQL."""

from __future__ import annotations

import os
import re

from invopt.config import LakehouseConfig
from invopt.errors import TableError
from invopt.tables import Table

# characters of a path that deltalake refuses, or takes for other ones
_UNUSABLE = re.compile(r"[\[\]^|\\]|%[0-9A-Fa-f]{2}")


class Places:
    """The places of a lakehouse's tables.

    A catalog with one name, `main`, has a schema for each layer: main.gold.orders. One with two names, `main.retail`,
    keeps all tables in that schema: main.retail.gold_orders.

    Raises
    ------
    TableError : the folder is a file, or has characters that can't be used.
    """

    def __init__(self, lakehouse: LakehouseConfig) -> None:
        self.catalog = lakehouse.catalog
        self._prefix = lakehouse.schema_prefix
        self.root: str | None = None
        if lakehouse.root is not None:
            # Spark takes a relative path for a name; a URI such as s3a://... or dbfs:/... is left as it is
            self.is_uri = ":" in lakehouse.root
            self.root = lakehouse.root.rstrip("/") if self.is_uri else os.path.abspath(lakehouse.root)
            is_file = not self.is_uri and os.path.isfile(self.root)
            # readers of a URI take what follows # or ? for something else
            if is_file or _UNUSABLE.search(self.root) or (self.is_uri and re.search("[#?]", self.root)):
                raise TableError(
                    f"the lakehouse can't be at {self.root}: it must be a folder or a URI, without [ ] ^ | \\ or % and "
                    "two digits in its path, a URI without # and ?; choose another one by --lakehouse or in "
                    "conf/base.yaml"
                )

    def path(self, table: Table) -> str | None:
        """The folder or URI of a table; None in a catalog."""
        return None if self.root is None else f"{self.root}/{table.name.replace('.', '/')}"

    def schema(self, table: Table) -> str | None:
        """The catalog's schema that holds the table; None below a folder."""
        if self.catalog is None:
            return None
        layer = table.name.split(".")[0]
        return self.catalog if "." in self.catalog else f"{self.catalog}.{self._prefix}{layer}"

    def sql_name(self, table: Table) -> str:
        """The table in SQL: its parts are our own names and identifiers that the configuration has checked."""
        path = self.path(table)
        if path is not None:
            return f"delta.`{path.replace('`', '``')}`"
        layer, name = table.name.split(".")
        return (
            f"{self.schema(table)}.{self._prefix}{layer}_{name}"
            if "." in self.catalog
            else f"{self.schema(table)}.{name}"
        )

    def shown(self, table: Table) -> str:
        """The table as a user looks for it: the folder, or the name in the catalog."""
        return self.path(table) or self.sql_name(table)
