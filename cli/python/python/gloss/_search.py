"""Retrievers and encoders by themselves."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple, Sequence

from ._library import library

_RECORD = "gloss-index.json"
_TEXTS = "texts.json"


class Results(NamedTuple):
    """The best texts of each query, best first, and their scores: arrays of shape (queries, k), or with fewer
    columns if there are fewer texts.

    `documents` holds positions in the corpus, or its entries where `retrieve` was given a corpus. Rows with
    fewer than k are filled up with the position -1 (None of a corpus) and the score 0.
    """

    documents: Any
    scores: Any


class Index:
    """An index of texts by any retriever of gloss that answers texts, with the retriever's options.

    >>> index = gloss.Index("bm25", k1=1.2)
    >>> index.index(["red soap", "green comb"])
    >>> index.retrieve(["soap"], k=1).documents
    array([[0]])

    `gloss.call(["describe", "bm25"])` shows a retriever's options.
    """

    def __init__(self, retriever: str, **options: Any):
        self.retriever, self.options = retriever, options
        self._index: Any = None
        self._texts: list[str] = []
        self._table()

    def _table(self) -> str:
        return json.dumps({"type": self.retriever, **self.options})

    def index(self, corpus: Sequence[str], folder: str | os.PathLike | None = None) -> None:
        """Indexes texts. The index is written into the empty folder `folder`, or a temporary one."""
        self._texts = [str(text) for text in corpus]
        self._index = library.Index(self._table(), self._texts, None if folder is None else Path(folder), True)

    def retrieve(self, queries: Sequence[str], k: int = 10, corpus: Sequence[Any] | None = None) -> Results:
        """Finds the `k` best texts of each query."""
        if self._index is None:
            raise ValueError("there is no index; call `index` with texts first")
        if isinstance(queries, str):
            raise TypeError("queries are a list of texts; for a single one give [query]")
        positions, scores = self._index.search([str(query) for query in queries], k)
        if corpus is None:
            return Results(positions, scores)
        import numpy

        documents = numpy.empty(positions.shape, dtype=object)
        for at, position in numpy.ndenumerate(positions):
            documents[at] = corpus[position] if position >= 0 else None
        return Results(documents, scores)

    def save(self, folder: str | os.PathLike) -> None:
        """Writes the index and its texts into an empty folder, for `load`."""
        folder = Path(folder)
        self.index(self._texts, folder / "index")
        (folder / _TEXTS).write_text(json.dumps(self._texts), encoding="utf-8")
        record = {"retriever": self.retriever, "options": self.options, "gloss": library.__version__}
        (folder / _RECORD).write_text(json.dumps(record, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | os.PathLike) -> "Index":
        """An index that `save` wrote, by the same version of gloss."""
        folder = Path(folder)
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        if record["gloss"] != library.__version__:
            saved = record["gloss"]
            raise ValueError(f"{folder} was saved by gloss {saved}, and this is {library.__version__}; index again")
        made = Index(record["retriever"], **record["options"])
        made.__class__ = cls if issubclass(cls, Index) else Index
        made._texts = json.loads((folder / _TEXTS).read_text(encoding="utf-8"))
        made._index = library.Index(made._table(), made._texts, folder / "index", False)
        return made

    def __len__(self) -> int:
        return len(self._texts)


class BM25(Index):
    """BM25, called as bm25s is, on texts instead of tokens.

    >>> retriever = gloss.BM25(method="lucene", k1=1.5, b=0.75)
    >>> retriever.index(["red soap", "green comb"])
    >>> documents, scores = retriever.retrieve(["soap"], k=1)

    `method` is the variant: "lucene", "robertson", "atire", "bm25l" or "bm25+". Further options are those of
    gloss's `bm25`.
    """

    def __init__(self, k1: float = 1.5, b: float = 0.75, delta: float = 0.5, method: str = "lucene", **options: Any):
        with_delta = {"delta": delta} if method in ("bm25l", "bm25+") else {}
        super().__init__("bm25", variant=method, k1=k1, b=b, **with_delta, **options)


class Encoder:
    """An encoder of texts, called as `SentenceTransformer` is.

    >>> encoder = gloss.Encoder("sentence-transformers/all-MiniLM-L6-v2")
    >>> encoder.encode(["red soap"]).shape
    (1, 384)

    `model` is a folder, or a model of the hub that `gloss fetch` got or that the cache of Hugging Face has. Options
    are those of the retriever `e5` for its encoder: `device`, `dtype`, `pooling`, `prefix`, `max_seq_length`,
    `normalize_embeddings`.
    """

    def __init__(self, model: str | os.PathLike, **options: Any):
        if not library.libtorch:
            raise ImportError("this gloss was built without PyTorch; install gloss in place of gloss-lite")
        self._encoder = library.Encoder(json.dumps({"model": os.fspath(model), **options}))

    def encode(self, sentences: str | Sequence[str], *, query: bool = False) -> Any:
        """The vectors of texts, one a row, or that of one text. With `query` they get the model's prefix of
        queries, else that of passages."""
        one = isinstance(sentences, str)
        vectors = self._encoder.encode([sentences] if one else [str(text) for text in sentences], query)
        return vectors[0] if one else vectors

    def encode_query(self, sentences: str | Sequence[str]) -> Any:
        """The vectors of queries."""
        return self.encode(sentences, query=True)

    def encode_document(self, sentences: str | Sequence[str]) -> Any:
        """The vectors of texts that are searched."""
        return self.encode(sentences)

    def get_sentence_embedding_dimension(self) -> int:
        """The number of dimensions."""
        return self._encoder.dimensions()

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that decide a vector."""
        return json.loads(self._encoder.settings())
