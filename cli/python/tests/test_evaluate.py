"""Evaluation beside ranx: its documented values, random data in every form, and errors."""

import os
import random
import unittest
import warnings

import numpy
import pandas
import polars
import ranx

import gloss

warnings.filterwarnings("ignore")

METRICS = [
    "hits", "hits@3", "hit_rate@2", "precision", "precision@5", "recall@5", "recall", "f1", "f1@5", "r-precision",
    "mrr", "mrr@3", "map", "map@5", "dcg", "dcg@5", "dcg_burges@5", "ndcg", "ndcg@10", "ndcg_burges@10", "rbp.50",
    "rbp.95", "recall@5-l2", "ndcg@5-l3", "mrr-l2", "precision@3-l2", "map-l2",
]


def draw(seed, users=60, longest=15, grades=(0, 1, 1, 2, 3)):
    """Random qrels and runs with distinct scores."""
    source = random.Random(seed)
    items = [f"d{n}" for n in range(60)]
    qrels, run = {}, {}
    for user in range(users):
        judged = source.sample(items, source.randint(1, 12))
        qrels[f"q{user:03}"] = {item: source.choice(grades) for item in judged}
        ranked = source.sample(items, source.randint(1, longest))
        scores = source.sample(range(1000), len(ranked))
        run[f"q{user:03}"] = {item: score / 8 for item, score in zip(ranked, scores)}
    return qrels, run


class Ranx(unittest.TestCase):
    def assertSame(self, ours, theirs):
        self.assertEqual(ours.keys(), theirs.keys())
        for name in ours:
            if isinstance(ours[name], dict):
                self.assertSame(ours[name], theirs[name])
                continue
            numpy.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=1e-12, err_msg=name)

    def test_the_example_of_its_documentation(self):
        qrels = {"q_1": {"d_12": 5, "d_25": 3}, "q_2": {"d_11": 6, "d_22": 1}}
        run = {
            "q_1": {"d_12": 0.9, "d_23": 0.8, "d_25": 0.7, "d_36": 0.6, "d_32": 0.5, "d_35": 0.4},
            "q_2": {"d_12": 0.9, "d_11": 0.8, "d_25": 0.7, "d_36": 0.6, "d_22": 0.5, "d_35": 0.4},
        }
        self.assertEqual(round(gloss.evaluate(qrels, run, "ndcg@5"), 4), 0.7861)
        found = gloss.evaluate(qrels, run, ["map@5", "mrr"])
        self.assertEqual({name: round(value, 4) for name, value in found.items()}, {"map@5": 0.6417, "mrr": 0.75})
        of_each = gloss.evaluate(qrels, run, ["ndcg@5", "map@5", "mrr"], return_mean=False)
        rounded = {name: [round(value, 4) for value in values] for name, values in of_each.items()}
        self.assertEqual(rounded, {"ndcg@5": [0.943, 0.6292], "map@5": [0.8333, 0.45], "mrr": [1.0, 0.5]})

    def test_random_dictionaries(self):
        for seed in range(5):
            qrels, run = draw(seed)
            for options in ({}, {"return_mean": False}, {"return_std": True}):
                ours = gloss.evaluate(qrels, run, METRICS, **options)
                theirs = ranx.evaluate(qrels, run, METRICS, **options)
                self.assertSame(ours, theirs)

    def test_its_own_objects(self):
        qrels, run = draw(7)
        ours, theirs = ranx.Run(run), ranx.Run(run)
        judged = ranx.Qrels(qrels)
        self.assertSame(gloss.evaluate(judged, ours, METRICS), ranx.evaluate(judged, theirs, METRICS))
        self.assertSame(dict(ours.mean_scores), dict(theirs.mean_scores))
        self.assertEqual({m: list(v) for m, v in ours.scores.items()}, {m: list(v) for m, v in theirs.scores.items()})
        for metric in METRICS:
            self.assertSame(ours.scores[metric], dict(theirs.scores[metric]))

    def test_its_arrays(self):
        source = numpy.random.default_rng(3)
        items = numpy.stack([source.permutation(50)[:20] for _ in range(100)])
        scores = -numpy.sort(-source.random((100, 20)), axis=1)
        run = numpy.stack([items, scores], axis=2)
        judged = numpy.stack([source.permutation(50)[:4] for _ in range(100)])
        grades = -numpy.sort(-source.integers(0, 4, judged.shape), axis=1)  # as ranx expects them
        qrels = numpy.stack([judged, grades], axis=2).astype(float)
        # A few, since ranx compiles each for arrays anew.
        some = ["recall@5", "ndcg@10", "mrr", "rbp.95"]
        self.assertSame(gloss.evaluate(qrels, run, some), ranx.evaluate(qrels, run, some))


class Forms(unittest.TestCase):
    def setUp(self):
        self.qrels, self.run = draw(11)
        self.expected = gloss.evaluate(self.qrels, self.run, METRICS)

    def rows(self, users):
        return [(user, item, value) for user, items in users.items() for item, value in items.items()]

    def test_tables(self):
        names = ["q_id", "doc_id", "score"]
        for make in (
            lambda rows: pandas.DataFrame(rows, columns=names),
            lambda rows: polars.DataFrame(rows, schema=names, orient="row"),
            lambda rows: polars.DataFrame(rows, schema=names, orient="row").to_arrow(),
        ):
            found = gloss.evaluate(make(self.rows(self.qrels)), make(self.rows(self.run)), METRICS)
            for name, value in found.items():
                self.assertAlmostEqual(value, self.expected[name], 12, name)

    def test_items_best_first(self):
        ranked, relevant = [[3, 1, 2], [7, 8, -1]], [1, 9]
        found = gloss.evaluate(numpy.array(relevant), numpy.array(ranked), ["mrr", "recall@1", "precision@3"])
        self.assertEqual(found, {"mrr": 0.25, "recall@1": 0.0, "precision@3": 1 / 6})
        several = numpy.array([[1, 3], [9, -1]])
        self.assertEqual(gloss.evaluate(several, numpy.array(ranked), "recall"), 0.5)

    def test_long_rows_have_the_same_values(self):
        source = numpy.random.default_rng(0)
        ranked = numpy.stack([source.permutation(500)[:200] for _ in range(50)])
        relevant = numpy.stack([source.permutation(500)[:5] for _ in range(50)])
        of_arrays = gloss.evaluate(relevant, ranked, ["ndcg", "map", "recall@50"])
        run = {u: {str(item): -at for at, item in enumerate(row)} for u, row in enumerate(ranked.tolist())}
        qrels = {u: {str(item): 1 for item in row} for u, row in enumerate(relevant.tolist())}
        for name, value in gloss.evaluate(qrels, run, ["ndcg", "map", "recall@50"]).items():
            self.assertAlmostEqual(of_arrays[name], value, 12)

    def test_users_without_a_ranking(self):
        qrels = {"a": {"x": 1}, "b": {"y": 1}}
        with self.assertRaisesRegex(gloss.UserError, "no ranking of user b; give `make_comparable=True`"):
            gloss.evaluate(qrels, {"a": {"x": 1.0}}, "mrr")
        self.assertEqual(gloss.evaluate(qrels, {"a": {"x": 1.0}, "c": {}}, "mrr", make_comparable=True), 0.5)
        table = pandas.DataFrame([("a", "x", 1)], columns=["q_id", "doc_id", "score"])
        both = pandas.concat([table, pandas.DataFrame([("b", "y", 1)], columns=table.columns)])
        with self.assertRaisesRegex(gloss.UserError, "no ranking of 1 of 2 users"):
            gloss.evaluate(both, table, "mrr")
        self.assertEqual(gloss.evaluate(both, table, "mrr", make_comparable=True), 0.5)

    def test_numbers_of_pairs_may_be_negative(self):
        qrels, run = numpy.array([[[-5.0, 1.0]]]), numpy.array([[[7.0, 2.0], [-5.0, 1.0]]])
        self.assertEqual(gloss.evaluate(qrels, run, "mrr"), ranx.evaluate(qrels, run, "mrr"))

    def test_mistakes_name_what_is_wrong(self):
        def rows(rows):
            return pandas.DataFrame(rows, columns=["q_id", "doc_id", "score"])

        qrels, run = {"a": {"x": 1}}, {"a": {"x": 1.0}}
        for wrong, message in [
            ((qrels, run, "recal@5"), "recal"),
            ((qrels, run, "recall@x"), "k"),
            (({"a": {"x": 0.5}}, run, "mrr"), "whole number.* 0.5 of user a"),
            ((qrels, {"a": {"x": float("nan")}}, "mrr"), "finite number.*NaN of user a"),
            ((numpy.array([1]), numpy.array([[2, 2]]), "mrr"), "item 2 is ranked twice for row 0"),
            ((numpy.array([[3, 3]]), numpy.array([[2, 1]]), "mrr"), "item 3 is judged twice for row 0"),
            ((numpy.array([-2]), numpy.array([[2, 1]]), "mrr"), "begin at 0, and -1 fills up rows; found -2"),
            ((rows([("a", "x", 1)]), rows([("a", "y", 1), ("a", "y", 2)]), "mrr"), "item y is ranked twice for user a"),
        ]:
            with self.assertRaisesRegex(gloss.UserError, message):
                gloss.evaluate(*wrong)
        with self.assertRaisesRegex(TypeError, "one form"):
            gloss.evaluate(qrels, numpy.array([[1]]), "mrr")
        with self.assertRaisesRegex(ValueError, "1 users, and the run has 2"):
            gloss.evaluate(numpy.array([1]), numpy.array([[1], [2]]), "mrr")
        with self.assertRaisesRegex(TypeError, "shape"):
            gloss.evaluate(numpy.array([1.5]), numpy.array([[1.5]]), "mrr")
        with self.assertRaises(gloss.GlossError):
            gloss.evaluate(qrels, run, "novelty")

    def test_memory_stays_the_same_over_a_thousand_calls(self):
        qrels, run = draw(1, users=300)

        def resident():
            with open("/proc/self/statm", encoding="ascii") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

        arrays = numpy.arange(3000).reshape(300, 10), numpy.arange(30000).reshape(300, 100)
        for call in range(1200):
            gloss.evaluate(qrels, run, ["ndcg@10", "mrr"])
            gloss.evaluate(*arrays, ["ndcg@10", "mrr"])
            if call == 199:
                before = resident()
        self.assertLess(resident() - before, 8 << 20)


if __name__ == "__main__":
    unittest.main()
