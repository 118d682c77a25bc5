"""Writes lis_figures.json beside this script: the figures of Last Item Search by dense retrieval.

Run as: python3 lis_figures.py DATA MODELS CATEGORY... (torch 2.11.0, transformers 5.17.0,
sentence-transformers 6.2.0), where DATA holds the files of the Amazon 2014 categories and MODELS the
folders all-minilm-l6-v2 and multilingual-e5-small. What other categories have in the file stays.

Vectors are computed in f32 on the CPU, with the prefixes of E5 for E5, and normalised; every item
is scored, and ties are in catalogue order. For every category and model: recall@5, ndcg@5 and mrr@5
over all test users, first with the items that a user already has in the ranking, then without.
"""

import json
import math
import pathlib
import sys

import numpy as np
from sentence_transformers import SentenceTransformer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "llama/tests/golden"))
from amazon import lines, titles  # noqa: E402

PREFIXES = {"all-minilm-l6-v2": ("", ""), "multilingual-e5-small": ("query: ", "passage: ")}
CUTOFF = 5


def load(data, category):
    """The catalogue's texts, and every test user's items as positions in it."""
    title = titles(data / f"meta_{category}.json.gz")
    reviews = [json.loads(line) for line in lines(data / f"reviews_{category}_5.json.gz")]
    reviews = [review for review in reviews if review["asin"] in title]
    reviews.sort(key=lambda review: (review["reviewerID"], review["unixReviewTime"]))
    users = {}
    for review in reviews:
        users.setdefault(review["reviewerID"], []).append(review["asin"])
    users = [items for items in users.values() if len(items) >= 3]
    used = {asin for items in users for asin in items}
    catalogue = [asin for asin in title if asin in used]
    position = {asin: at for at, asin in enumerate(catalogue)}
    texts = [f"Title: {title[asin]}" for asin in catalogue]
    return texts, [[position[asin] for asin in items] for items in users]


def gains(ranking, target):
    for rank, item in enumerate(ranking[:CUTOFF], 1):
        if item == target:
            return [1.0, 1.0 / math.log2(rank + 1), 1.0 / rank]
    return [0.0, 0.0, 0.0]


def figures(model, prefixes, texts, users):
    def encode(prefix):
        return model.encode([prefix + text for text in texts], batch_size=64, normalize_embeddings=True)

    queries, items = encode(prefixes[0]), encode(prefixes[1])
    answers = {}
    rows = []
    for *seen, target in users:
        if seen[-1] not in answers:
            answers[seen[-1]] = np.argsort(-(items @ queries[seen[-1]]), kind="stable")[:1000]
        ranking = answers[seen[-1]].tolist()
        assert len(seen) + CUTOFF <= len(ranking)
        new = [item for item in ranking if item not in seen]
        rows.append([gains(ranking, target), gains(new, target)])
    return np.mean(rows, axis=0).round(6).tolist()


def main():
    data, folder = map(pathlib.Path, sys.argv[1:3])
    file = HERE / "lis_figures.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    for category in sys.argv[3:]:
        texts, users = load(data, category)
        print(category, len(texts), "items", len(users), "users", flush=True)
        for name, prefixes in PREFIXES.items():
            model = SentenceTransformer(str(folder / name), device="cpu")
            found.setdefault(category, {})[name] = figures(model, prefixes, texts, users)
            print(name, found[category][name], flush=True)
            file.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
