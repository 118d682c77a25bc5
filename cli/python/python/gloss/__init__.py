"""Generative sequential recommendation: run and compare recommenders from Python.

>>> import gloss
>>> run = gloss.run("examples/shop.toml")
>>> run.metrics
>>> run.report()

- `run`, `sweep`, `compare`: experiments, their `Run` and their `Comparison`.
- `evaluate`: metrics of rankings in dictionaries, tables and arrays, called as ranx's.
- `BM25`, `Index`, `Encoder`: retrievers and encoders by themselves.
- `load_dataset`: datasets for Hugging Face's `datasets`.
- `dataset`, `generator`, `retriever`, `metric`: decorators that make a class a component of this process, by
  the methods of `Dataset`, `Generator`, `Retriever` and `Metric`; `option` declares its options.
- `serve`: the same classes as a program that gloss starts.
- `call`: any command of the command line; `set_output`: the library of tables.

All errors are a `GlossError`.
"""

from ._call import call
from ._datasets import load_dataset
from ._evaluate import evaluate
from ._frames import set_output
from ._inside import dataset, generator, metric, retriever
from ._library import library as _library
from ._run import Comparison, Report, Run, compare, run, sweep
from ._search import BM25, Encoder, Index, Results
from .components import Dataset, Generator, History, Item, Metric, Refused, Retriever, best, option, serve
from .errors import GlossError, InternalError, MachineError, UserError

__version__: str = _library.__version__

__all__ = [
    "BM25", "Comparison", "Dataset", "Encoder", "Generator", "GlossError", "History", "Index", "InternalError",
    "Item", "MachineError", "Metric", "Refused", "Report", "Results", "Retriever", "Run", "UserError", "best",
    "call", "compare", "dataset", "evaluate", "generator", "load_dataset", "metric", "option", "retriever", "run",
    "serve", "set_output", "sweep",
]
