"""The fourteen datasets that land as files, and how a user's own names come in.

The formats are those of the technical guide's "Data Schema". One declaration serves everything: which files belong to a
dataset, which headers are accepted, how a text becomes a value, which values are refused, and the silver table's
columns with unit and meaning. A user's own headers and file names come in through `mapping` in the configuration, not
through code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from invopt.tables.dataset import Dataset
from invopt.tables.events import EVENTS
from invopt.tables.parameters import PARAMETERS

DATASETS: tuple[Dataset, ...] = (*PARAMETERS, *EVENTS)
BY_NAME = {dataset.name: dataset for dataset in DATASETS}


def dataset_of(path: str, datasets: Sequence[Dataset]) -> Dataset | None:
    """The dataset whose file pattern fits the path.

    >>> dataset_of("/land/publicparameters/store_storage.csv", DATASETS).name
    'store_storage'
    >>> dataset_of("/land/publicparameters/notes.txt", DATASETS) is None
    True
    """
    return next((dataset for dataset in datasets if dataset.has(path)), None)


def with_mapping(mapping: dict) -> tuple[Dataset, ...]:
    """The datasets with a user's own file patterns, headers and ways of writing.

    mapping : dataset name -> its row of `mapping`, a MappingConfig
    """
    mapped = []
    for dataset in DATASETS:
        own = mapping.get(dataset.name)
        if own is not None:
            fields = tuple(
                replace(field, also=(*field.also, *own.headers_of(field.header))) for field in dataset.fields
            )
            files = f"{dataset.files}|{own.files}" if own.files else dataset.files
            dataset = replace(dataset, fields=fields, files=files, dialect=own.dialect())
        mapped.append(dataset)
    return tuple(mapped)
