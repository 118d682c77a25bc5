"""Writes random_sample.json: what CPython's random.sample draws, to check our own draw against.

Run as: python3 random_sample.py (any CPython from 3.11 on; the draw is the same in all of them).
A long draw is kept as its first ten values and the 64-bit FNV-1a hash of all, each as four
little-endian bytes.
"""

import json
import pathlib
import random
import struct

CASES = [
    # Small populations and large shares: the pool branch.
    (0, 0, 0), (1, 0, 1), (1, 1, 1), (2, 1, 3), (5, 5, 42), (21, 5, 7), (21, 6, 7), (64, 6, 9),
    (100, 50, 2**32 - 1), (1000, 1000, 5),
    # Large populations and small shares: the set branch.
    (22, 5, 7), (22, 3, 2**32), (85, 6, 9), (100, 1, 0), (4097, 300, 2**64 - 1),
    (65536, 100, 8), (65537, 4000, 8),
    # Beauty, Toys_and_Games, and another seed.
    (22363, 1118, 42), (19406, 970, 42), (22363, 1118, 2024),
]


def fnv1a(values):
    digest = 0xCBF29CE484222325
    for byte in b"".join(struct.pack("<I", value) for value in values):
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return digest


def draw(n, k, seed):
    random.seed(seed)
    values = random.sample(range(n), k)
    case = {"n": n, "k": k, "seed": seed, "first": values[:10], "fnv1a": fnv1a(values)}
    if k <= 100:
        case["all"] = values
    return case


path = pathlib.Path(__file__).with_suffix(".json")
rows = ",\n".join(json.dumps(draw(*case)) for case in CASES)
path.write_text(f"[\n{rows}\n]\n")
