#!/usr/bin/env python3
"""A dense retriever around sentence-transformers. Requires: pip install sentence-transformers"""

import pathlib

import gloss
import numpy


class Sentences(gloss.Retriever):
    """Ranks items by the cosine between their vectors and the query's, by a model of sentence-transformers."""

    name = "sentences"
    version = "1"
    model = gloss.option(doc="The model: a folder, or a name of the Hugging Face hub.", type=str)
    query_prefix = gloss.option("", "What is put before each query, such as `query: `.")
    item_prefix = gloss.option("", "What is put before each item's text, such as `passage: `.")
    device = gloss.option("cpu", "Where the model runs, such as `cpu` or `cuda`.")

    def inputs(self):
        folder = pathlib.Path(self.model)
        return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []

    def build(self, catalogue, folder):
        vectors = self.encode([self.item_prefix + item.text for item in catalogue.items])
        numpy.save(pathlib.Path(folder) / "vectors.npy", vectors)

    def open(self, catalogue, folder):
        self.vectors = numpy.load(pathlib.Path(folder) / "vectors.npy")

    def search(self, queries, ks):
        # One product a query: a product of several may round otherwise than that of one.
        vectors = self.encode([self.query_prefix + query for query in queries])
        for vector, k in zip(vectors, ks):
            scores = self.vectors @ vector if len(self.vectors) else self.vectors
            best = numpy.argsort(-scores, kind="stable")[:k]
            yield zip(best, scores[best])

    def encode(self, texts):
        # Here, not above: it takes seconds, and only telling of the options does not need it.
        from sentence_transformers import SentenceTransformer

        if not hasattr(self, "encoder"):
            self.encoder = SentenceTransformer(self.model, device=self.device)
        # One at a time: beside longer texts, a text's vector comes out a little different.
        return numpy.array([self.encoder.encode(text, normalize_embeddings=True) for text in texts])


gloss.serve(Sentences)
