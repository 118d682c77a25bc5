"""Writes temporal.json: temporal splits of Amazon 2014 by pandas, and Last Item Search on them by bm25s.

Run as: python3 temporal.py FOLDER > temporal.json, with pandas and bm25s. FOLDER holds the files of Beauty and
Sports_and_Outdoors. Independent of gloss; only the layout of the fingerprint is that of its documentation.
"""

import ast
import gzip
import hashlib
import json
import math
import sys

import bm25s
import numpy
import pandas

SHARES = {"test": 0.1, "validation": 0.05}


def read(path, parse):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return pandas.DataFrame([parse(line) for line in lines])


def load(folder, category):
    items = read(f"{folder}/meta_{category}.json.gz", ast.literal_eval)[["asin", "title"]]
    items = items.dropna(subset=["title"]).drop_duplicates("asin")
    items["text"] = "Title: " + items["title"].map(lambda title: " ".join(title.split()[:25]))
    events = read(f"{folder}/reviews_{category}_5.json.gz", json.loads)
    events = events.rename(columns={"reviewerID": "user", "asin": "item", "unixReviewTime": "time"})
    events = events[events["item"].isin(items["asin"])][["user", "item", "time"]]
    events = events.sort_values(["user", "time"], kind="stable", ignore_index=True)
    return items, events[events.groupby("user")["item"].transform("size") >= 3]


def split(events, drop):
    """The examples, and counts of what training does not have."""
    times = events["time"].sort_values(ignore_index=True)
    count = len(times)
    test = times[int((1.0 - SHARES["test"]) * count)]
    before = int((times < test).sum())
    validation = times[before - int(SHARES["validation"] * count)]
    training = events[events["time"] < validation]
    strange = (events["time"] >= validation) & ~events["item"].isin(training["item"])
    unseen_items = int(strange.sum())
    if drop:
        events = events[~strange]
    strange = ~events["user"].isin(training["user"])
    # A user whose interactions all had strange items is strange, too.
    unseen_users = int(USERS - training["user"].nunique())
    if drop:
        events = events[~strange]
    counts = pandas.DataFrame({
        "training": (events["time"] < validation).groupby(events["user"]).sum(),
        "held": (events["time"] < test).groupby(events["user"]).sum(),
        "all": events.groupby("user")["item"].size(),
    })
    return events, counts, {"unseen_items": unseen_items, "unseen_users": unseen_users}


def fingerprint(items, events, counts):
    lines = [["item", item, text] for item, text in zip(items["asin"], items["text"])]
    for user, group in events.groupby("user", sort=True):
        lines.append(["user", user, list(group["item"]), [int(time) * 1000 for time in group["time"]]])
    rows = list(counts.sort_index().itertuples())
    lines += [["train", row.Index, int(row.training) - 1, 1] for row in rows if row.training > 0]
    lines += [["validation", row.Index, int(row.training), int(row.held - row.training)]
              for row in rows if row.held > row.training]
    lines += [["test", row.Index, int(row.held), int(row.all - row.held)] for row in rows if row.all > row.held]
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    return hashlib.sha256(text.encode()).hexdigest(), [sum(line[0] == kind for line in lines)
                                                       for kind in ("train", "validation", "test")]


def last_item_search(items, events, counts):
    """Recall@5 and nDCG@5 of the items most similar to the last one before the test, seen ones excluded."""
    texts = list(items["text"])
    position = {item: at for at, item in enumerate(items["asin"])}
    tokenize = lambda texts: bm25s.tokenize(texts, return_ids=False, show_progress=False)
    retriever = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    retriever.index(tokenize(texts), show_progress=False)
    tokens = tokenize(texts)
    recall, ndcg = [], []
    held = counts["held"]
    for user, group in events.groupby("user", sort=True):
        history = list(group["item"])
        context, targets = history[:held[user]], set(history[held[user]:])
        if not targets:
            continue
        found = []
        if context:
            scores = retriever.get_scores(tokens[position[context[-1]]])
            scores[[position[item] for item in context]] = -1
            top = numpy.argsort(-scores, kind="stable")[:5]
            found = [items["asin"].iloc[at] for at in top if scores[at] > 0]
        gains = [1.0 / math.log2(rank + 2) for rank, item in enumerate(found) if item in targets]
        ideal = sum(1.0 / math.log2(rank + 2) for rank in range(min(5, len(targets))))
        recall.append(len(gains) / len(targets))
        ndcg.append(sum(gains) / ideal)
    return [sum(recall) / len(recall), sum(ndcg) / len(ndcg)]


def main(folder):
    global USERS
    golden = []
    for category in ("Beauty", "Sports_and_Outdoors"):
        all_items, all_events = load(folder, category)
        USERS = all_events["user"].nunique()
        for drop in (False, True):
            events, counts, unseen = split(all_events, drop)
            items = all_items[all_items["asin"].isin(events["item"])]
            digest, examples = fingerprint(items, events, counts)
            golden.append({"category": category, "drop": drop, **unseen, "examples": examples, "items": len(items),
                           "fingerprint": digest, "lis": last_item_search(items, events, counts)})
    json.dump(golden, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
