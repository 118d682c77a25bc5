#!/usr/bin/env python3
"""A data set: MovieLens in the layout of its 100K release, `u.item` and `u.data`."""

import pathlib

import gloss


class MovieLens(gloss.Dataset):
    """MovieLens 100K, as GroupLens publishes it: films, and the ratings that people gave them."""

    name = "ml-100k"
    version = "1"
    fields = ["year"]
    folder = gloss.option("data/ml-100k", "The folder with the files u.item and u.data.")
    least_rating = gloss.option(0.0, "The least rating that counts as an interaction.")

    def inputs(self):
        files = [pathlib.Path(self.folder) / name for name in ("u.item", "u.data")]
        for file in files:
            if not file.is_file():
                raise gloss.Refused(f"there is no file {file}; get ml-100k.zip from grouplens.org and unpack it")
        return files

    def items(self):
        for row in self.rows("u.item", "|"):
            yield row[0], f"Title: {row[1]}", row[2].rpartition("-")[2] or None

    def interactions(self):
        for user, item, rating, time in self.rows("u.data", "\t"):
            if float(rating) >= self.least_rating:
                yield user, item, int(time) * 1000, float(rating)

    def rows(self, name, separator):
        with open(pathlib.Path(self.folder) / name, encoding="latin-1") as file:
            for line in file:
                yield line.rstrip("\n").split(separator)


gloss.serve(MovieLens)
