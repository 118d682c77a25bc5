"""The overhead of a retriever in Python, by query: a class in this process, and a program that gloss starts. Neither
looks at its queries, so that the time is that of the route alone; no peer is measured.

    pip install . -r cli/python/tests/requirements.txt
    python cli/python/benches/routes.py DATA

The queries are those of Last Item Search for the 22,363 users of Amazon Beauty, whose files of 2014 are in DATA.
"""

import statistics
import sys
import time
from pathlib import Path

import gloss

PROGRAM = Path(__file__).parents[3] / "tests" / "bench" / "routes" / "nothing.py"


@gloss.retriever
class Nothing:
    """Finds ten items whatever is asked, without looking."""

    size = gloss.option(256, "The queries that it takes at once.", minimum=1)

    def configure(self):
        self.batch_size = self.size

    def search(self, queries, ks):
        return [[(item, 10.0 - item) for item in range(min(k, 10))] for k in ks]


def microseconds(index, queries):
    """The median time of a query in five turns."""
    index.retrieve(queries[:1], k=10)
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        index.retrieve(queries, k=10)
        times.append(time.perf_counter() - begun)
    return statistics.median(times) / len(queries) * 1e6


def main():
    options = {"category": "Beauty", "folder": sys.argv[1]}
    texts = list(gloss.load_dataset("amazon", "items", **options)["text"])
    examples = gloss.load_dataset("amazon", **options)["test"]
    queries = [context[-1] for context in examples["context_texts"]]
    bm25 = gloss.BM25()
    bm25.index(texts)
    print(f"{len(queries):,} queries of {len(texts):,} items, k = 10; µs a query")
    print(f"bm25 of gloss, for comparison: {microseconds(bm25, queries):.1f}")
    print("batch   in this process   a program")
    for batch in (1, 4, 16, 64, 256, 1024):
        inside = gloss.Index("nothing", size=batch)
        outside = gloss.Index("command", program=[sys.executable, str(PROGRAM)], options={"size": batch})
        for index in (inside, outside):
            index.index(texts)
        print(f"{batch:5} {microseconds(inside, queries):17.1f} {microseconds(outside, queries):11.1f}")


if __name__ == "__main__":
    main()
