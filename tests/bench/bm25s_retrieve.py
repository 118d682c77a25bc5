"""Times bm25s (numba backend, all cores) on tokenising and retrieving queries.

Usage: bm25s_retrieve.py CATALOGUE QUERIES K, both files one text a line. Prints one JSON line. The
index is built and the kernels are compiled before the clock starts; the best of three passes counts.
"""

import json
import sys
import time

import bm25s


def lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().removesuffix("\n").split("\n")


def main(catalogue, queries, k):
    texts, questions = lines(catalogue), lines(queries)
    retriever = bm25s.BM25(backend="numba")
    retriever.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)

    def once():
        start = time.perf_counter()
        tokens = bm25s.tokenize(questions, return_ids=False, show_progress=False)
        retriever.retrieve(tokens, k=int(k), n_threads=-1, show_progress=False)
        return time.perf_counter() - start

    once()
    seconds = min(once() for _ in range(3))
    print(json.dumps({"peer": "bm25s", "task": "retrieve", "queries": len(questions), "seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
