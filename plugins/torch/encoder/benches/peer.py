"""The peer of the benchmark of encoders: sentence-transformers (6.2.0) as its users call it.

Reads a line of JSON: model, device, dtype, batch, texts. For every further line, encodes 64 of the
texts to warm up, then all of them, and prints the seconds of that.
"""

import json
import sys
import time

import torch
from sentence_transformers import SentenceTransformer

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


def main():
    order = json.loads(sys.stdin.readline())
    model = SentenceTransformer(
        order["model"], device=order["device"], model_kwargs={"dtype": DTYPES[order["dtype"]]})
    texts, batch = order["texts"], order["batch"]
    for _ in sys.stdin:
        model.encode(texts[:64], batch_size=batch)
        start = time.perf_counter()
        model.encode(texts, batch_size=batch)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
