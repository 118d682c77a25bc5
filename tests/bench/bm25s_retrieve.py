"""Times bm25s (numba backend, all cores) on tokenising and retrieving queries.

It is given its fastest way: its `Tokenizer`, which hands over numbers instead of words.

Usage: bm25s_retrieve.py CATALOGUE QUERIES K [PASSES], both files one text a line. Prints one JSON line.
The index is built and the kernels are compiled before the clock starts; the best of ten passes counts, or
of as many as are given.
"""

import json
import sys
import time

import bm25s
from bm25s.tokenization import Tokenizer


def lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().removesuffix("\n").split("\n")


def main(catalogue, queries, k, passes="10"):
    texts, questions = lines(catalogue), lines(queries)
    tokeniser = Tokenizer()
    retriever = bm25s.BM25(backend="numba")
    retriever.index(tokeniser.tokenize(texts, return_as="tuple", show_progress=False), show_progress=False)

    def once():
        start = time.perf_counter()
        tokens = tokeniser.tokenize(questions, update_vocab=False, show_progress=False)
        retriever.retrieve(tokens, k=int(k), n_threads=-1, show_progress=False)
        return time.perf_counter() - start

    once()
    seconds = min(once() for _ in range(int(passes)))
    print(json.dumps({"peer": "bm25s", "task": "retrieve", "queries": len(questions), "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
