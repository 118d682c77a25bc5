"""The time of evaluations beside ranx, pytrec_eval and ir-measures, in one run.

    pip install . -r cli/python/tests/requirements.txt
    python cli/python/benches/evaluate.py

22,363 users (as Amazon Beauty has) with rankings of 100 items and one relevant item, drawn with a fixed seed; five
metrics. All values are compared first, to 1e-9. Times are the best of five, after a first call that
compiles what peers compile.
"""

import random
import time
import warnings

import ir_measures
import numpy
import pytrec_eval
import ranx

import gloss

warnings.filterwarnings("ignore")

USERS, ITEMS, DEPTH = 22_363, 12_101, 100
METRICS = ["recall@5", "ndcg@5", "recall@10", "ndcg@10", "mrr"]
TREC = {"recall.5", "ndcg_cut.5", "recall.10", "ndcg_cut.10", "recip_rank"}
MEASURES = [ir_measures.parse_measure(name) for name in ("R@5", "nDCG@5", "R@10", "nDCG@10", "RR")]


def best(work, times=5):
    work()
    return min(timed(work) for _ in range(times))


def timed(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main():
    draw = numpy.random.default_rng(0)
    ranked = numpy.stack([draw.choice(ITEMS, DEPTH, replace=False) for _ in range(USERS)])
    relevant = numpy.where(draw.random(USERS) < 0.3, ranked[numpy.arange(USERS), draw.integers(0, DEPTH, USERS)],
                           draw.integers(0, ITEMS, USERS))
    scores = -numpy.sort(-draw.random((USERS, DEPTH)), axis=1)
    names = [f"B{number:09}" for number in range(ITEMS)]
    users = [f"A{number:013}" for number in range(USERS)]
    random.Random(0).shuffle(names)
    qrels = {user: {names[item]: 1} for user, item in zip(users, relevant.tolist())}
    run = {
        user: dict(zip((names[item] for item in items), values))
        for user, items, values in zip(users, ranked.tolist(), scores.tolist())
    }
    pairs = numpy.stack([ranked.astype(float), scores], axis=2)
    judged = numpy.stack([relevant.astype(float), numpy.ones(USERS)], axis=1)[:, None, :]

    def of_trec_eval():
        evaluator = pytrec_eval.RelevanceEvaluator(qrels, TREC)
        values = evaluator.evaluate(run).values()
        return {name: sum(of[name] for of in values) / USERS for name in next(iter(values))}

    def by_objects():
        return ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), METRICS)

    rows = [
        ("dictionaries", "gloss", lambda: gloss.evaluate(qrels, run, METRICS)),
        ("dictionaries", "ranx", lambda: ranx.evaluate(qrels, run, METRICS)),
        ("dictionaries", "ranx, through Qrels and Run", by_objects),
        ("dictionaries", "pytrec_eval", of_trec_eval),
        ("dictionaries", "ir-measures", lambda: ir_measures.calc_aggregate(MEASURES, qrels, run)),
        ("arrays of items and scores", "gloss", lambda: gloss.evaluate(judged, pairs, METRICS)),
        ("arrays of items and scores", "ranx", lambda: ranx.evaluate(judged, pairs, METRICS)),
        ("arrays of items", "gloss", lambda: gloss.evaluate(relevant, ranked, METRICS)),
    ]
    expected = list(rows[0][2]().values())
    for form, tool, work in rows:
        values = list(work().values())
        assert numpy.allclose(sorted(values), sorted(expected), rtol=0, atol=1e-9), (form, tool, values, expected)
    print(f"{USERS:,} users, {DEPTH} items each, {', '.join(METRICS)}")
    ours = {}
    for form, tool, work in rows:
        seconds = best(work, 5 if "gloss" in tool else 3)
        ours.setdefault(form, seconds)
        print(f"{form:28} {tool:28} {seconds * 1000:10.1f} ms {seconds / ours[form]:8.1f}x")


if __name__ == "__main__":
    main()
