"""A retriever that does not look: what is left is the protocol."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "examples" / "python"))

import gloss


class Nothing(gloss.Retriever):
    """Finds ten items whatever is asked, without looking."""

    name = "nothing"
    size = gloss.option(256, "How many queries it takes at once.", minimum=1)

    def configure(self):
        self.batch_size = self.size

    def search(self, queries, ks):
        return [[(item, 10.0 - item) for item in range(min(k, 10))] for k in ks]


gloss.serve(Nothing)
