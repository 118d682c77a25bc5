"""The extension module; use the package `gloss`, which is written on it."""

from os import PathLike
from typing import Any, Callable, Sequence

import numpy
from numpy.typing import NDArray

__version__: str
libtorch: bool

_Values = list[tuple[NDArray[numpy.float64], float]]
_Wanted = Sequence[tuple[str, float]]

def main(arguments: Sequence[str]) -> int: ...
def call(
    arguments: Sequence[str],
    progress: Callable[[int, str, int, int | None, bool, str, bool], object],
    log: Callable[[str], object],
    interrupt: Callable[[], object],
) -> tuple[int, str, str | None]: ...
def set_program(file: str | PathLike[str], command: Sequence[str]) -> None: ...
def open_run(run: str | PathLike[str]) -> list[tuple[str, PathLike[str]]]: ...
def register(label: str, make: Callable[[], Callable[[bytes], bytes]]) -> None: ...
def evaluate_dicts(qrels: dict[Any, Any], run: dict[Any, Any], metrics: _Wanted, missing: bool) -> _Values: ...
def evaluate_arrays(
    judged: NDArray[numpy.int64],
    grades: NDArray[numpy.float64] | None,
    ranked: NDArray[numpy.int64],
    scores: NDArray[numpy.float64] | None,
    metrics: _Wanted,
) -> _Values: ...
def evaluate_rows(
    users: int,
    judged_users: NDArray[numpy.int64],
    judged_items: NDArray[numpy.int64],
    grades: NDArray[numpy.float64],
    ranked_users: NDArray[numpy.int64],
    ranked_items: NDArray[numpy.int64],
    scores: NDArray[numpy.float64],
    metrics: _Wanted,
) -> _Values: ...

class Index:
    def __init__(
        self, retriever: str, texts: Sequence[str], folder: str | PathLike[str] | None, build: bool
    ) -> None: ...
    def search(self, queries: Sequence[str], k: int) -> tuple[NDArray[numpy.int64], NDArray[numpy.float32]]: ...
    def __len__(self) -> int: ...

class Encoder:
    def __init__(self, options: str) -> None: ...
    def encode(self, texts: Sequence[str], query: bool) -> NDArray[numpy.float32]: ...
    def dimensions(self) -> int: ...
    def settings(self) -> str: ...
