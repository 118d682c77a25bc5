"""Makes the goldens of sequential rules with session-rec (github.com/rn5l/session-rec, `SequentialRules`).

Usage: make.py SESSION_REC/algorithms/baselines

Writes session_rec.json: histories that this script makes up, and for several options the scores of all
items after each history, as shares of their sum. Requires: numpy, pandas.
"""

import json
import pathlib
import random
import sys
import types

import numpy as np
import pandas as pd

HERE = pathlib.Path(__file__).parent
ITEMS = 25
OPTIONS = [dict(distance=10, items=1), dict(distance=10, items=10), dict(distance=2, items=3)]


def main():
    # Only imported there, to measure sizes.
    sys.modules["pympler"] = types.SimpleNamespace(asizeof=None)
    sys.path.insert(0, sys.argv[1])
    from sr import SequentialRules

    rng = random.Random(7)
    weights = [1 / (1 + item) for item in range(ITEMS)]
    histories = [rng.choices(range(ITEMS), weights, k=rng.randint(1, 14)) for _ in range(40)]
    rows = [(user, item, time) for user, history in enumerate(histories) for time, item in enumerate(history)]
    data = pd.DataFrame(rows, columns=["SessionId", "ItemId", "Time"])
    everything = np.arange(ITEMS)
    cases = []
    for options in OPTIONS:
        peer = SequentialRules(steps=options["distance"], weighting="div", pruning=0,
                               last_in_session=options["items"] - 1, session_weighting="div")
        peer.fit(data)
        shares = []
        for user, history in enumerate(histories):
            for item in history[:-1]:
                peer.predict_next(user, item, everything, skip=True)
            scores = peer.predict_next(user, history[-1], everything).fillna(0)
            shares.append((scores / scores.sum()).fillna(0).tolist())
        cases.append(dict(options, shares=shares))
    (HERE / "session_rec.json").write_text(json.dumps(dict(items=ITEMS, histories=histories, cases=cases)) + "\n")


if __name__ == "__main__":
    main()
