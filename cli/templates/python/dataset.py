#!/usr/bin/env python3
"""The data set `skeleton`."""

import csv
import pathlib

import gloss


class Skeleton(gloss.Dataset):
    """Items and purchases from two files of comma-separated values."""

    name = "skeleton"
    version = "0.1.0"
    folder = gloss.option(".", "The folder with the files items.csv and purchases.csv.")

    def inputs(self):
        files = [pathlib.Path(self.folder) / name for name in ("items.csv", "purchases.csv")]
        for file in files:
            if not file.is_file():
                raise gloss.Refused(f"there is no file {file}")
        return files

    def items(self):
        for row in self.rows("items.csv"):
            yield row["item_id"], f"Title: {row['title']}"

    def interactions(self):
        for row in self.rows("purchases.csv"):
            yield row["user_id"], row["item_id"], int(row["timestamp"]) * 1000, None

    def rows(self, name):
        with open(pathlib.Path(self.folder) / name, newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)


gloss.serve(Skeleton)
