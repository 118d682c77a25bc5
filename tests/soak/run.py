"""Runs every stage that needs no GPU on made-up data of growing size, and prints time and memory.

    python3 tests/soak/run.py [--gloss FILE] [--encoder FOLDER] [--stages] [USERS...]

USERS are 10000, 30000 and 100000 by default, with ten items for each user. For each size: prepares the data, runs
popular and random items, Last Item Search with BM25, sequential rules and their fusion, evaluates with intervals,
compares and reports. With an encoder, the folder of a text model, Last Item Search also goes through its vectors, by
exact search, inverted lists and arroy's trees. With --stages a second table has the time of each stage. Needs a release build of gloss, without --encoder one without libtorch.
"""

import argparse
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

WORDS, TITLE, HISTORY = 60_000, 9, 8
EXPERIMENT = """
metrics = ["recall@5", "ndcg@5", "recall@10", "coverage@10"]

[bootstrap]

[dataset]
type = "csv"
interactions = "interactions.csv"
items = "items.csv"

[ranking]
cutoff = 10
seen = "exclude"

[[method]]
name = "popular"
generator = "popular"

[[method]]
name = "random"
generator = "random"

[[method]]
name = "LIS, BM25"
generator = "lis"
retriever = "bm25"

[[method]]
name = "rules"
generator = "sequential-rules"

[[fusion]]
name = "rules and LIS"
methods = ["rules", "LIS, BM25"]
"""

ENCODER = """
[[method]]
name = "LIS, exact"
generator = "lis"
retriever = { type = "e5", model = MODEL, device = "cpu", search = "exact" }

[[method]]
name = "LIS, lists"
generator = "lis"
retriever = { type = "e5", model = MODEL, device = "cpu", search = "ivf", ivf = { nprobe = 128 } }

[[method]]
name = "LIS, trees"
generator = "lis"
retriever = { type = "e5", model = MODEL, device = "cpu", search = "arroy" }
"""


def write_data(folder, users, items):
    draw = random.Random(users)
    with open(folder / "items.csv", "w") as out:
        out.write("item_id,title\n")
        for item in range(items):
            # Zipf-like: rare words are many.
            title = " ".join(f"w{int(WORDS ** draw.random())}" for _ in range(TITLE))
            out.write(f"i{item},{title}\n")
    with open(folder / "interactions.csv", "w") as out:
        out.write("user_id,item_id,timestamp\n")
        for user in range(users):
            # Items near each other are bought together.
            place = draw.randrange(items)
            for moment in range(HISTORY):
                item = (place + draw.randrange(40)) % items
                out.write(f"u{user},i{item},{moment}\n")


def measured(command, folder):
    begin = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with {status}")
    return time.monotonic() - begin, usage.ru_maxrss / 2**20


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gloss", type=pathlib.Path, default="target/release/gloss")
    parser.add_argument("--encoder", type=pathlib.Path)
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("users", type=int, nargs="*", default=[10_000, 30_000, 100_000])
    arguments = parser.parse_args()
    gloss = str(arguments.gloss.resolve())
    experiment = EXPERIMENT
    if arguments.encoder:
        experiment += ENCODER.replace("MODEL", f'"{arguments.encoder.resolve()}"')
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    stages = []
    print("| users | items | command | seconds | peak GiB |\n|---|---|---|---|---|")
    for users in arguments.users:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write_data(folder, users, 10 * users)
            (folder / "e.toml").write_text(experiment)
            commands = [
                ["run", "e.toml", "--output", "first"],
                ["run", "e.toml", "--output", "again"],
                ["compare", "first", "--format", "csv"],
                ["report", "first", "--output", "report.html"],
            ]
            for command in commands:
                seconds, memory = measured([gloss, *command], folder)
                shown = " ".join(command[:2]) + (", all stages cached" if "again" in command else "")
                print(f"| {users:,} | {10 * users:,} | {shown} | {seconds:.1f} | {memory:.2f} |", flush=True)
            for stage in json.loads((folder / "first/manifest.json").read_text())["stages"]:
                if not stage["reused"]:
                    stages.append((users, stage["stage"], stage["method"] or "all", stage["seconds"]))
    if arguments.stages:
        print("\n| users | stage | method | seconds |\n|---|---|---|---|")
        for users, stage, method, seconds in stages:
            print(f"| {users:,} | {stage} | {method} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
