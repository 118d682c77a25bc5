#!/usr/bin/env python3
"""A metric."""

import gloss


class Within(gloss.Metric):
    """The share of users who find a relevant item among the first k."""

    name = "within"
    version = "1"
    formula = "1 if a relevant item is among the first k, else 0; the mean over users"
    monotone_in_cutoff = True
    measures_relevance = True
    k = gloss.option(10, "How many items of a ranking count.", minimum=1)

    @property
    def cutoff(self):
        return self.k

    def value(self, ranking, gains, ideal):
        return any(gain > 0 for gain in gains[: self.k])


gloss.serve(Within)
