"""The Amazon 2014 protocol and the prompt of GLoSS in plain Python, independent of this repository's Rust."""

import ast
import gzip
import json

INSTRUCTION = (
    "Below is a customer's purchase history on Amazon, listed in chronological order (earliest to latest). \n"
    "Each item is represented by the following format: Title: <item title> \n"
    "Based on this history, predict **only one** item the customer is most likely to purchase next"
    " in the same format.\n"
    "\n"
    "### Purchase history:\n"
)


def lines(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from file


def titles(path):
    """asin -> title of at most 25 words; items without a title are left out."""
    found = {}
    for line in lines(path):
        row = ast.literal_eval(line)
        if "title" in row:
            title = " ".join((row["title"] or "Unknown").split()[:25])
            assert found.setdefault(row["asin"], title) == title, row["asin"]
    return found


def histories(data, category="Beauty"):
    """Every test user's titles in order of purchase, the last of which is the target."""
    title = titles(data / f"meta_{category}.json.gz")
    reviews = [json.loads(line) for line in lines(data / f"reviews_{category}_5.json.gz")]
    reviews.sort(key=lambda review: (review["reviewerID"], review["unixReviewTime"]))
    users = {}
    for review in reviews:
        if review["asin"] in title:
            users.setdefault(review["reviewerID"], []).append(title[review["asin"]])
    return {user: items for user, items in users.items() if len(items) >= 3}


def prompt(items):
    history = "\n".join(f"Title: {title}" for title in items)
    return f"{INSTRUCTION}{history}\n\n### Next item:\n"
