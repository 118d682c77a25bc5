#!/usr/bin/env python3
"""The metric `skeleton`."""

import gloss


class Skeleton(gloss.Metric):
    """Whether any relevant item is among the first k."""

    name = "skeleton"
    version = "0.1.0"
    formula = "1 if a relevant item is among the first k, else 0; the mean over users"
    monotone_in_cutoff = True
    measures_relevance = True
    k = gloss.option(5, "How many items of a ranking count.", minimum=1)

    @property
    def cutoff(self):
        return self.k

    def value(self, ranking, gains, ideal):
        return any(gain > 0 for gain in gains[: self.k])


gloss.serve(Skeleton)
