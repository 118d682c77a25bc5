#!/usr/bin/env python3
"""A data set: a category of the Amazon reviews of 2014 whose items tell how often they are bought."""

import ast
import collections
import gzip
import json
import pathlib

import gloss


class Annotated(gloss.Dataset):
    """A category of the Amazon reviews of 2014, where each item's text begins with how often it was bought.

    That is counted without the last two purchases of every customer, which are answers.
    """

    name = "annotated-amazon"
    version = "1"
    category = gloss.option("Beauty", "The category as its files are named.")
    folder = gloss.option("data", "The folder with the category's two gzipped files.")

    def inputs(self):
        names = f"meta_{self.category}.json.gz", f"reviews_{self.category}_5.json.gz"
        files = [pathlib.Path(self.folder) / name for name in names]
        for file in files:
            if not file.is_file():
                raise gloss.Refused(f"there is no file {file}; `gloss fetch amazon --set category={self.category}` gets it")
        return files

    def items(self):
        bought = collections.Counter(item for purchases in self.customers() for _, _, item in purchases[:-2])
        with gzip.open(self.inputs()[0], "rt", encoding="utf-8") as lines:
            titles = {row["asin"]: row["title"] for row in map(ast.literal_eval, lines) if "title" in row}
        for item, title in titles.items():
            title = " ".join((title or "Unknown").split()[:25])
            yield item, f"{how_often(bought[item])}. Title: {title}"

    def interactions(self):
        for purchases in self.customers():
            for user, day, item in purchases:
                yield user, item, day * 1000, None

    def customers(self):
        """The purchases of each customer, oldest first; those of one day in the file's order."""
        customers = collections.defaultdict(list)
        with gzip.open(self.inputs()[1], "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                customers[row["reviewerID"]].append((row["reviewerID"], row["unixReviewTime"], row["asin"]))
        return [sorted(customers[user], key=lambda purchase: purchase[1]) for user in sorted(customers)]


def how_often(count):
    """In one word."""
    limits = {3: "Rare", 6: "Known", 12: "Liked", 24: "Popular"}
    return next((word for limit, word in limits.items() if count < limit), "Famous")


gloss.serve(Annotated)
