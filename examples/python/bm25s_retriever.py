#!/usr/bin/env python3
"""A retriever around the package bm25s. Requires: pip install bm25s"""

import bm25s
import gloss
import numpy


class Bm25s(gloss.Retriever):
    """BM25 as the package bm25s computes it.

    With its defaults it ranks as the retriever `bm25` of gloss does.
    """

    name = "bm25s"
    version = bm25s.__version__
    variant = gloss.option("lucene", "The variant.", choices=["lucene", "robertson", "atire", "bm25l", "bm25+"])
    k1 = gloss.option(1.5, "How slowly more of a word stops to count.", minimum=0)
    b = gloss.option(0.75, "How much the length of a text counts.", minimum=0, maximum=1)
    delta = gloss.option(0.5, "The constant of the variants bm25l and bm25+.", minimum=0)

    def build(self, catalogue, folder):
        words = tokens(item.text for item in catalogue.items)
        if any(words):  # bm25s cannot index nothing.
            model = bm25s.BM25(method=self.variant, k1=self.k1, b=self.b, delta=self.delta)
            model.index(words, show_progress=False)
            model.save(folder)

    def open(self, catalogue, folder):
        empty = not any(tokens(item.text for item in catalogue.items))
        self.model = None if empty else bm25s.BM25.load(folder)

    def search(self, queries, ks):
        for query, k in zip(tokens(queries), ks):
            known = self.model.get_tokens_ids(query) if self.model else []
            if not known:
                yield []
                continue
            scores = self.model.get_scores_from_ids(known)
            found = numpy.flatnonzero(scores > 0)
            best = found[numpy.argsort(-scores[found], kind="stable")[:k]]
            yield zip(best, scores[best])


def tokens(texts):
    """The words of texts, without English stop words."""
    return bm25s.tokenize(list(texts), return_ids=False, show_progress=False)


gloss.serve(Bm25s)
