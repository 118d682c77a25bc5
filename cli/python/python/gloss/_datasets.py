"""Datasets for other libraries."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Callable

from ._call import call_json, settings

_TABLES = ("examples", "items", "interactions")


def load_dataset(
    name: str,
    table: str = "examples",
    *,
    output: str | os.PathLike | None = None,
    progress: bool | Callable = True,
    **options: Any,
) -> Any:
    """A dataset of gloss for the library `datasets` of Hugging Face.

    >>> gloss.load_dataset("amazon", category="Beauty")["test"]

    `name` is a dataset of `gloss list dataset`, and `options` are its options. `table` is "examples" (a
    DatasetDict of train, validation and test), "items" or "interactions". The Parquet files are written into
    the empty folder `output`, or a temporary one whose content is read into memory.
    """
    if table not in _TABLES:
        raise ValueError(f"the table is one of {', '.join(_TABLES)}, not {table!r}")
    try:
        import datasets
    except ImportError as error:
        raise ImportError("load_dataset needs Hugging Face's datasets; run `pip install datasets`") from error
    with tempfile.TemporaryDirectory(prefix="gloss-") as scratch:
        place = Path(output) if output is not None else Path(scratch) / "data"
        call_json(["prepare", name, "--output", place, *settings(options)], progress)
        kept = {"keep_in_memory": True, "cache_dir": str(Path(scratch) / "cache")} if output is None else {}

        def read(name: str) -> Any:
            return datasets.Dataset.from_parquet(str(place / f"{name}.parquet"), **kept)

        if table == "examples":
            return datasets.DatasetDict({split: read(split) for split in ("train", "validation", "test")})
        return read(table)
