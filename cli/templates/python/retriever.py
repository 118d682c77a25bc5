#!/usr/bin/env python3
"""The retriever `skeleton`."""

import gloss


class Skeleton(gloss.Retriever):
    """Ranks items by how many different words they share with the query."""

    name = "skeleton"
    version = "0.1.0"
    shortest = gloss.option(3, "Letters in the shortest word that counts.", minimum=1)

    def build(self, catalogue, folder):
        pass  # The catalogue itself is index enough; a larger index is written into the folder.

    def open(self, catalogue, folder):
        self.items = [self.words(item.text) for item in catalogue.items]

    def search(self, queries, ks):
        for query, k in zip(queries, ks):
            words = self.words(query)
            yield gloss.best([len(words & item) for item in self.items], k)

    def words(self, text):
        return {word for word in text.split() if len(word) >= self.shortest}


gloss.serve(Skeleton)
