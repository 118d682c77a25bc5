"""faiss's HNSW and IVF on the vectors of main.rs: peer.py FOLDER DIMENSIONS K.

Prints a line of JSON for each index: how long it took to build from vectors in memory, how large it is
on disk, and queries per second and recall under several settings. All cores, one batch.
"""

import json
import os
import sys
import time

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # who waits for work takes no processor time
import faiss
import numpy as np

folder, (dimensions, k) = sys.argv[1], map(int, sys.argv[2:])
items, queries = (
    np.fromfile(f"{folder}/{name}.f32", dtype=np.float32).reshape(-1, dimensions)
    for name in ("items", "queries")
)
truth = np.fromfile(f"{folder}/truth.i64", dtype=np.int64).reshape(-1, k)


class Clock:
    """The time that something takes, on the clock and of all cores together."""

    def __init__(self):
        self.start = time.perf_counter(), time.process_time()

    def seconds(self):
        return time.perf_counter() - self.start[0], time.process_time() - self.start[1]


def measure(name, index, settings, setting):
    clock = Clock()
    if not index.is_trained:
        index.train(items)
    index.add(items)
    build, build_cpu = clock.seconds()
    file = f"{folder}/index.faiss"
    faiss.write_index(index, file)
    points = []
    for value in settings:
        setting(index, value)
        index.search(queries[:4], k)
        clock = Clock()
        _, found = index.search(queries, k)
        speed, cpu_speed = (len(queries) / seconds for seconds in clock.seconds())
        shared = sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist()))
        points.append({
            "setting": f"{SETTINGS[setting]} {value}", "queries_per_second": speed,
            "queries_per_cpu_second": cpu_speed, "recall": shared / truth.size})
    print(json.dumps({
        "index": name, "build_seconds": build, "build_cpu_seconds": build_cpu,
        "bytes": os.path.getsize(file), "points": points}), flush=True)
    os.remove(file)


def ef_search(index, value):
    index.hnsw.efSearch = value


def nprobe(index, value):
    index.nprobe = value


SETTINGS = {ef_search: "efSearch", nprobe: "nprobe"}


def main():
    cells = max(16, int(4 * len(items) ** 0.5))
    quantizer = faiss.IndexFlatIP(dimensions)
    ivf = faiss.IndexIVFFlat(quantizer, dimensions, cells, faiss.METRIC_INNER_PRODUCT)
    ivf.cp.niter = 10
    ivf.cp.max_points_per_centroid = 64
    measure(f"faiss IVF{cells}", ivf, [1, 2, 4, 8, 16, 32, 64], nprobe)
    hnsw = faiss.IndexHNSWFlat(dimensions, 32, faiss.METRIC_INNER_PRODUCT)
    hnsw.hnsw.efConstruction = 80
    measure("faiss HNSW32", hnsw, [16, 32, 64, 128, 256, 512], ef_search)


if __name__ == "__main__":
    main()
