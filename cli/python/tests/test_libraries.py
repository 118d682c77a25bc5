"""Tables, retrievers, encoders and datasets, beside the libraries that they are for."""

import os
import tempfile
import unittest

import numpy
import pandas
import polars
import pyarrow

import gloss

SHOP = {"type": "amazon", "category": "Shop", "folder": os.environ["GLOSS_SHOP"]}


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        plan = {
            "dataset": SHOP, "generator": "lis", "retriever": "bm25", "metrics": ["recall@5", "mrr"],
            "method": [{"name": "one"}, {"name": "no seen", "ranking": {"seen": "exclude"}}],
        }
        place = {"output": f"{cls.folder.name}/run", "cache": f"{cls.folder.name}/cache"}
        cls.run_ = gloss.run(plan, **place, progress=False)

    @classmethod
    def tearDownClass(cls):
        gloss.set_output(None)
        cls.folder.cleanup()

    def test_pandas(self):
        gloss.set_output("pandas")
        metrics = self.run_.metrics
        self.assertIsInstance(metrics, pandas.DataFrame)
        self.assertEqual(list(metrics.columns), ["method", "seen", "users", "recall@5", "mrr"])
        self.assertEqual(list(metrics["seen"]), ["keep", "exclude"])
        per_user = self.run_.per_user
        self.assertEqual(len(per_user), 2 * 1998)
        means = per_user.groupby("method", observed=True)["recall@5"].mean()
        for _, row in metrics.iterrows():
            self.assertAlmostEqual(means[row["method"]], row["recall@5"], 12)
        rankings = self.run_.rankings
        self.assertEqual(list(rankings.columns), ["method", "user", "item", "rank", "score"])
        first = rankings[(rankings["method"] == "one") & (rankings["rank"] == 1)]
        self.assertLessEqual(len(first), 1998)
        self.assertGreater(len(first), 1900)

    def test_polars_and_arrow_have_the_same(self):
        gloss.set_output("arrow")
        table = self.run_.rankings
        self.assertIsInstance(table, pyarrow.Table)
        gloss.set_output("polars")
        frame = self.run_.rankings
        self.assertIsInstance(frame, polars.DataFrame)
        self.assertEqual(frame["item"].cast(polars.String).to_list(), table["item"].to_pylist())
        gloss.set_output("arrow")
        # Numbers are those of the file's pages, not copies: Arrow owns less than the columns hold.
        self.assertEqual(self.run_.per_user.num_rows, 2 * 1998)
        with self.assertRaises(ValueError):
            gloss.set_output("excel")


class Encoder(unittest.TestCase):
    """The encoder of the tests, which has random weights."""

    options = {"prefix": "none", "device": "cpu"}
    model = os.environ["GLOSS_ENCODER"]

    def test_vectors_are_those_of_the_dense_index(self):
        encoder = gloss.Encoder(self.model, **self.options)
        texts = ["red soap", "green comb", "blue towel with roses"]
        vectors = encoder.encode(texts)
        self.assertEqual(vectors.shape, (3, encoder.get_sentence_embedding_dimension()))
        self.assertEqual(vectors.dtype, numpy.float32)
        numpy.testing.assert_allclose(encoder.encode("red soap"), vectors[0], atol=1e-6)
        index = gloss.Index("e5", model=self.model, **self.options)
        index.index(texts)
        documents, scores = index.retrieve(texts, k=3)
        self.assertEqual(documents[:, 0].tolist(), [0, 1, 2])
        units = vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)
        numpy.testing.assert_allclose(numpy.take_along_axis(units @ units.T, documents, 1), scores, atol=1e-5)
        self.assertIn("pooling", encoder.settings)

    def test_mistakes(self):
        with self.assertRaises(gloss.UserError):
            gloss.Encoder("no/such-model")


class Search(unittest.TestCase):
    corpus = ["red soap with rose", "green comb", "rose water", "soap dish", "blue towel"]

    def test_bm25_is_called_as_bm25s(self):
        retriever = gloss.BM25(method="lucene", k1=1.2, b=0.75)
        retriever.index(self.corpus)
        documents, scores = retriever.retrieve(["rose soap", "towel", "nothing"], k=2)
        self.assertEqual(documents.shape, (3, 2))
        self.assertEqual(documents[0, 0], 0)
        self.assertEqual(documents[1].tolist(), [4, -1])
        self.assertEqual(scores[2].tolist(), [0.0, 0.0])
        self.assertEqual(scores.dtype, numpy.float32)
        self.assertGreater(scores[0, 0], scores[0, 1])
        named = retriever.retrieve(["towel"], k=1, corpus=self.corpus).documents
        self.assertEqual(named.tolist(), [["blue towel"]])
        with self.assertRaises(TypeError):
            retriever.retrieve("towel")

    def test_an_index_is_saved_and_loaded(self):
        with tempfile.TemporaryDirectory() as folder:
            retriever = gloss.BM25()
            retriever.index(self.corpus)
            expected = retriever.retrieve(["rose soap"], k=3)
            retriever.save(f"{folder}/saved")
            loaded = gloss.BM25.load(f"{folder}/saved")
            self.assertIsInstance(loaded, gloss.BM25)
            found = loaded.retrieve(["rose soap"], k=3)
            numpy.testing.assert_array_equal(found.documents, expected.documents)
            numpy.testing.assert_array_equal(found.scores, expected.scores)
            with self.assertRaises(gloss.UserError):
                retriever.save(f"{folder}/saved")

    def test_options_are_checked(self):
        with self.assertRaises(gloss.UserError) as caught:
            gloss.Index("bm25", k11=1.0).index(["a"])
        self.assertEqual(caught.exception.diagnostics[0]["nearest"], "k1")
        with self.assertRaisesRegex(gloss.UserError, "there is no retriever `bm26`"):
            gloss.Index("bm26").index(["a"])

    def test_a_class_of_ones_own_is_an_index_too(self):
        @gloss.retriever(name="longest_first")
        class Longest:
            def open(self, catalogue, folder):
                self.lengths = [len(item.text) for item in catalogue.items]

            def search(self, queries, ks):
                return [gloss.best(self.lengths, k) for k in ks]

        index = gloss.Index("longest_first")
        index.index(self.corpus)
        self.assertEqual(index.retrieve(["x"], k=1).documents.tolist(), [[0]])

    def test_memory_stays_the_same_over_a_thousand_calls(self):
        retriever = gloss.BM25()
        retriever.index(self.corpus)

        def resident():
            with open("/proc/self/statm", encoding="ascii") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

        for call in range(1200):
            retriever.retrieve(self.corpus * 20, k=3)
            gloss.call(["--version"], progress=False)
            if call == 199:
                before = resident()
        self.assertLess(resident() - before, 8 << 20)


class Datasets(unittest.TestCase):
    def test_hugging_face_datasets(self):
        options = {name: value for name, value in SHOP.items() if name != "type"}
        examples = gloss.load_dataset("amazon", **options, progress=False)
        self.assertEqual(set(examples), {"train", "validation", "test"})
        self.assertEqual(len(examples["test"]), 1998)
        items = gloss.load_dataset("amazon", "items", **options, progress=False)
        self.assertIn("text", items.column_names)
        with self.assertRaisesRegex(gloss.UserError, "category"):
            gloss.load_dataset("amazon", categry="Beauty")


if __name__ == "__main__":
    unittest.main()
