#!/usr/bin/env python3
"""The query generator `skeleton`."""

import gloss


class Skeleton(gloss.Generator):
    """Asks for what the user bought last, one query an item, the newest first."""

    name = "skeleton"
    version = "0.1.0"
    items = gloss.option(2, "How many of the last items are asked for.", minimum=1)

    def open(self, catalogue, training):
        self.texts = [item.text for item in catalogue.items]

    def generate(self, histories):
        for history in histories:
            newest = history.items[: -self.items - 1 : -1]
            yield [(self.texts[item], 0.0) for item in newest]


gloss.serve(Skeleton)
