"""Prepares a category of Amazon 2014 with pandas, as a peer to measure gloss against.

Run as: python3 pandas_prepare.py FOLDER CATEGORY. Prints one line of JSON. It does what gloss does
when it loads: reads both files, cleans the metadata, joins, makes catalogue, histories and splits.
"""

import ast
import gzip
import json
import random
import sys
import time

import pandas


def read(path, parse):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return pandas.DataFrame([parse(line) for line in lines])


def prepare(folder, category):
    reviews = read(f"{folder}/reviews_{category}_5.json.gz", json.loads)
    metadata = read(f"{folder}/meta_{category}.json.gz", ast.literal_eval)

    metadata = metadata[["asin", "title"]].drop_duplicates().dropna(subset=["title"])
    titles = metadata["title"].map(lambda title: " ".join(title.split()[:25]))
    metadata = metadata.assign(title=titles.replace("", "Unknown"))

    columns = [c for c in ("reviewerID", "asin", "unixReviewTime", "overall") if c in reviews]
    events = reviews[columns].sort_values(["reviewerID", "unixReviewTime"], kind="stable")
    events = events.merge(metadata, on="asin", how="inner")
    events = events.sort_values(["reviewerID", "unixReviewTime"], kind="stable")
    users = list(events["reviewerID"].unique())
    random.seed(42)
    validation = set(random.sample(users, int(0.05 * len(users))))

    histories = events.groupby("reviewerID", sort=False)["asin"].agg(list)
    histories = histories[histories.map(len) >= 3]
    used = set().union(*histories)
    catalogue = metadata[metadata["asin"].isin(used)]
    catalogue = catalogue.assign(text="Title: " + catalogue["title"])

    test = [(user, items[:-1], items[-1]) for user, items in histories.items()]
    valid = [(u, items[:-2], items[-2]) for u, items in histories.items() if u in validation]
    train = [
        (u, items[:-3], items[-3]) if u in validation else (u, items[:-2], items[-2])
        for u, items in histories.items()
    ]
    assert len(test) == len(train) >= len(valid)
    return len(users), len(catalogue), len(events)


start = time.perf_counter()
users, items, interactions = prepare(*sys.argv[1:3])
seconds = time.perf_counter() - start
print(json.dumps({"peer": "pandas", "task": "prepare", "seconds": round(seconds, 4),
                  "users": users, "items": items, "interactions": interactions}))
