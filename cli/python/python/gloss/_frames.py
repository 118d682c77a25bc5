"""Tables for the library that the user works with: pandas, polars or Arrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

Library = Literal["pandas", "polars", "arrow"]
_chosen: Library | None = None


def set_output(library: Library | None) -> None:
    """Chooses the library of tables: "pandas", "polars" or "arrow"; with None the first of them that is there."""
    global _chosen
    if library not in (None, "pandas", "polars", "arrow"):
        raise ValueError(f"the library of tables is pandas, polars or arrow, not {library!r}")
    _chosen = library


def arrow():
    """pyarrow, which reads the files of runs."""
    try:
        import pyarrow
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError("tables need pyarrow; run `pip install pyarrow pandas`") from error
    return pyarrow


def frame(table: Any) -> Any:
    """An Arrow table in the chosen library. Numbers are not copied; nor are texts, which stay Arrow's."""
    library = _chosen or _first()
    if library == "arrow":
        return table
    if library == "polars":
        import polars

        return polars.from_arrow(table)
    import pandas

    def text(kind):
        return pandas.ArrowDtype(kind) if str(kind) in ("string", "large_string") or _is_dictionary(kind) else None

    return table.to_pandas(types_mapper=text, split_blocks=True)


def _is_dictionary(kind: Any) -> bool:
    return str(kind).startswith("dictionary")


def _first() -> Library:
    for library in ("pandas", "polars"):
        try:
            __import__(library)
            return library  # type: ignore[return-value]
        except ImportError:
            continue
    return "arrow"


def read_parquet(path: Path) -> Any:
    return arrow().parquet.read_table(path, memory_map=True)


def read_trec(path: Path, method: str) -> Any:
    """A run in TREC's format: method, user, item, rank, score."""
    pyarrow = arrow()
    text = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    names = ["user", "q0", "item", "rank", "score", "tag"]
    types = {"user": text, "item": text, "rank": pyarrow.int32(), "score": pyarrow.float32()}
    table = pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(column_names=names),
        parse_options=pyarrow.csv.ParseOptions(delimiter=" ", quote_char=False),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types, include_columns=list(types), strings_can_be_null=False
        ),
    )
    return with_method(table.unify_dictionaries(), method)


def with_method(table: Any, method: str) -> Any:
    """The table with a first column that names its method."""
    pyarrow = arrow()
    indices = pyarrow.repeat(pyarrow.scalar(0, pyarrow.int32()), len(table))
    return table.add_column(0, "method", pyarrow.DictionaryArray.from_arrays(indices, [method]))


def concat(tables: list[Any]) -> Any:
    return arrow().concat_tables(tables, promote_options="default").unify_dictionaries()
