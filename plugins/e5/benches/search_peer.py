"""faiss's IndexFlatIP on the vectors of search.rs: search_peer.py FOLDER DIMENSIONS K ROUND."""

import sys
import time

try:
    import faiss
    import numpy as np
except ImportError as error:
    sys.exit(f"faiss: skipped ({error})")

folder, (dimensions, k, number) = sys.argv[1], map(int, sys.argv[2:])
items, queries = (
    np.fromfile(f"{folder}/{name}.f32", dtype=np.float32).reshape(-1, dimensions)
    for name in ("items", "queries")
)
index = faiss.IndexFlatIP(dimensions)
index.add(items)
index.search(queries[:64], k)

start = time.perf_counter()
_, found = index.search(queries, k)
batched = len(queries) / (time.perf_counter() - start)

count = len(queries) // 4
start = time.perf_counter()
for at in range(count):
    index.search(queries[at : at + 1], k)
single = count / (time.perf_counter() - start)

found.astype(np.int64).tofile(f"{folder}/found.i64")
print(f"faiss {number}: batched {batched:.0f}, single {single:.0f} ({faiss.omp_get_max_threads()} threads)")
