"""Commands, runs and components, with nothing but Python."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unittest
from pathlib import Path

import gloss

SHOP = os.environ["GLOSS_SHOP"]


def experiment(**settings):
    shop = {"type": "amazon", "category": "Shop", "folder": SHOP}
    return {"dataset": shop, "generator": "lis", "retriever": "bm25", "metrics": ["recall@5"]} | settings


class Commands(unittest.TestCase):
    def test_the_module_and_the_command_know_the_same(self):
        by_module = gloss.call(["list", "--json"])
        by_command = subprocess.run([sys.executable, "-m", "gloss", "list", "--json"], capture_output=True, check=True)
        self.assertEqual(json.loads(by_module), json.loads(by_command.stdout))
        self.assertTrue(gloss.call(["--version"]).startswith(f"gloss {gloss.__version__}"))

    def test_the_exit_code_is_that_of_the_command(self):
        wrong = subprocess.run([sys.executable, "-m", "gloss", "run", "nowhere.toml"], capture_output=True, text=True)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("nowhere.toml", wrong.stderr)

    def test_output_in_pipes_is_not_taken_for_the_protocol(self):
        code = "import gloss; print('here', input())"
        ran = subprocess.run([sys.executable, "-c", code], input="and there\n", capture_output=True, text=True)
        self.assertEqual(ran.stdout, "here and there\n", ran.stderr)

    def test_an_error_has_all_diagnostics(self):
        with self.assertRaises(gloss.UserError) as caught:
            gloss.run(experiment(retriever={"type": "bm25", "k11": 1.0}, metrics=["recal@5"]))
        keys = {diagnostic["key"]: diagnostic["nearest"] for diagnostic in caught.exception.diagnostics}
        self.assertEqual(keys, {"retriever.k11": "k1", "metrics.0.type": "recall"})
        self.assertEqual(caught.exception.exit_code, 2)
        self.assertIn("k11", str(caught.exception))
        with self.assertRaises(ValueError):
            gloss.run("nowhere.toml")


class InFolder(unittest.TestCase):
    """Tests in a folder of their own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

class Runs(InFolder):
    def run_shop(self, **settings):
        return gloss.run(experiment(**settings), {"ranking.cutoff": 10}, output="run", progress=False)

    def test_a_run_of_a_dictionary_with_overrides(self):
        run = self.run_shop()
        self.assertEqual(run.manifest["experiment"]["methods"][0]["ranking"]["cutoff"], 10)
        [method] = run.results["methods"]
        [recall] = method["metrics"]
        self.assertEqual(round(recall["value"], 4), 0.1156)
        self.assertIn("0.1156", run._repr_html_())
        self.assertIn("<html", run.report(progress=False).html)
        self.assertTrue(run.report("r.html", progress=False)._repr_html_().startswith("<iframe"))
        again = gloss.Run("run")
        self.assertEqual(again.results, run.results)
        with self.assertRaises(gloss.UserError):
            gloss.Run(".")

    def test_a_comparison_in_every_form(self):
        other = experiment(retriever={"type": "bm25", "k1": 0.1}, name="low")
        low = gloss.run(other, output="low", progress=False)
        comparison = self.run_shop().compare(low, resamples=100)
        self.assertIn("recall@5", str(comparison))
        self.assertIn("\\toprule", comparison.to_latex())
        self.assertTrue(comparison._repr_markdown_().startswith("| method"))
        self.assertTrue(comparison.results)

    def test_progress_goes_to_a_function(self):
        tasks = {}

        def progress(number, label, position, total, is_bytes, note, ended):
            tasks[label] = (position, total, ended)

        gloss.run(experiment(), progress=progress, output="r")
        self.assertTrue(all(ended for _, _, ended in tasks.values()), tasks)

    def test_an_error_of_progress_stops_the_run(self):
        def progress(*_):
            raise RuntimeError("no more")

        @gloss.retriever
        class Slow:
            def search(self, queries, ks):
                time.sleep(0.3)
                return [[(0, 1.0)] for _ in queries]

        with self.assertRaisesRegex(RuntimeError, "no more"):
            gloss.run(experiment(retriever="slow"), progress=progress)


class Components(InFolder):
    def test_a_class_is_a_retriever(self):
        """Twenty lines, no subprocess, the same rankings as a program."""

        @gloss.retriever
        class Shortest:
            """Finds the shortest texts that share a word with the query."""

            longest = gloss.option(80, "Letters in the longest text that is found.", minimum=1)

            def open(self, catalogue, folder):
                self.words = [(set(item.text.lower().split()), len(item.text)) for item in catalogue.items]

            def search(self, queries, ks):
                for query, k in zip(queries, ks):
                    asked = set(query.lower().split())
                    scores = [len(w & asked) / n if 0 < n <= self.longest else 0 for w, n in self.words]
                    yield gloss.best(scores, k)

        verdicts = gloss.call(["check", "shortest", "--json"])
        outcomes = [v["outcome"] for component in json.loads(verdicts) for v in component["invariants"]]
        self.assertNotIn("fail", json.dumps(outcomes))
        run = gloss.run(experiment(retriever="shortest"), progress=False)
        again = gloss.run(experiment(retriever="shortest"), progress=False, output="other")
        reused = {row["stage"]: row["reused"] for row in again.manifest["stages"]}
        self.assertTrue(reused["retrieve"], reused)
        self.assertEqual(run.results["methods"], again.results["methods"])
        with self.assertRaises(gloss.UserError) as caught:
            gloss.run(experiment(retriever={"type": "shortest", "longst": 3}))
        self.assertEqual(caught.exception.diagnostics[0]["nearest"], "longest")

    def test_a_changed_class_is_another_one(self):
        def ranked(first):
            @gloss.retriever(name="constant")
            class Constant:
                def search(self, queries, ks):
                    return [[(first + at, 1.0 - at / 100) for at in range(k)] for k in ks]

            return gloss.run(experiment(retriever="constant"), output=f"run{first}", progress=False)

        one, other, again = ranked(0), ranked(7), ranked(0)
        rankings = [(run.folder / "run.trec").read_text().split()[2] for run in (one, other, again)]
        self.assertEqual(rankings[0], rankings[2])
        self.assertNotEqual(rankings[0], rankings[1])
        self.assertIn("constant", [row["name"] for row in json.loads(gloss.call(["list", "retriever", "--json"]))])

    def test_generators_metrics_and_datasets(self):
        @gloss.dataset
        class Fruit:
            """Thirty users who eat through twenty fruits."""

            def items(self):
                return [[f"i{n}", f"fruit number {n}"] for n in range(20)]

            def interactions(self):
                return [[f"u{u}", f"i{(u + t) % 20}", t, None] for u in range(30) for t in range(5)]

        @gloss.generator
        class Next:
            """Names the next three items of the catalogue."""

            produces = "items"

            def open(self, catalogue, training):
                self.size = len(catalogue.items)

            def generate(self, histories):
                for history in histories:
                    last = history.items[-1:]
                    yield [((item + step) % self.size, 1.0 / step) for item in last for step in (1, 2, 3)]

        @gloss.metric
        class First:
            """1 if the first item is relevant."""

            formula = "1 if the first item is relevant"
            measures_relevance = True
            cutoff = 1

            def value(self, ranking, gains, ideal):
                return 1.0 if gains and gains[0] > 0 else 0.0

        for name in ("fruit", "next", "first"):
            self.assertNotIn('"fail"', gloss.call(["check", name, "--json"]))
        plan = {"dataset": "fruit", "generator": "next", "metrics": ["first", "recall@3"]}
        run = gloss.run(plan, progress=False)
        values = {value["metric"]: value["value"] for value in run.results["methods"][0]["metrics"]}
        self.assertEqual(values["recall@3"], 1.0)
        self.assertIn(1.0, values.values())

    def test_an_exception_names_class_and_line(self):
        @gloss.retriever
        class Broken:
            def search(self, queries, ks):
                return 1 / 0

        with self.assertRaisesRegex(gloss.InternalError, "Broken`: ZeroDivisionError") as caught:
            gloss.run(experiment(retriever="broken"), progress=False)
        self.assertEqual(caught.exception.exit_code, 70)
        self.assertIsInstance(caught.exception.__cause__, ZeroDivisionError)
        self.assertIn("1 / 0", "".join(traceback.format_exception(caught.exception)))

        @gloss.retriever
        class Refusing:
            def open(self, catalogue, folder):
                raise gloss.Refused("needs more items")

        with self.assertRaisesRegex(gloss.UserError, "needs more items"):
            gloss.run(experiment(retriever="refusing"), progress=False)

    def test_ctrl_c_stops_a_component_at_once_and_finished_stages_stay(self):
        @gloss.retriever
        class Endless:
            patience = 60.0

            def search(self, queries, ks):
                if queries:
                    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
                until = time.time() + (Endless.patience if queries else 0)
                while time.time() < until:
                    pass
                return [[(0, 1.0)] for _ in queries]

        begun = time.time()
        with self.assertRaises(KeyboardInterrupt):
            gloss.run(experiment(retriever="endless"), progress=False)
        self.assertLess(time.time() - begun, 30)
        run = gloss.run(experiment(), progress=False)
        reused = {row["stage"]: row["reused"] for row in run.manifest["stages"]}
        self.assertTrue(reused["prepare"], reused)

    def test_a_thread_that_holds_the_interpreter_does_not_stop_it(self):
        stop = threading.Event()

        def hog():
            while not stop.is_set():
                sum(range(1000))

        @gloss.retriever
        class Zero:
            def search(self, queries, ks):
                return [[(0, 1.0)] for _ in queries]

        hogs = [threading.Thread(target=hog) for _ in range(2)]
        for thread in hogs:
            thread.start()
        try:
            run = gloss.run(experiment(retriever="zero"), progress=False)
        finally:
            stop.set()
        self.assertEqual(run.results["methods"][0]["users"], 1998)

    def test_one_command_at_a_time(self):
        @gloss.retriever
        class Nested:
            def search(self, queries, ks):
                return gloss.run("x.toml")

        with self.assertRaisesRegex(gloss.GlossError, "another command of gloss runs"):
            gloss.run(experiment(retriever="nested"), progress=False)

    def test_a_value_that_cannot_be_written_down_is_refused(self):
        lock = threading.Lock()

        @gloss.retriever
        class Locked:
            def search(self, queries, ks):
                with lock:
                    return [[(0, 1.0)] for _ in queries]

        with self.assertRaisesRegex(gloss.UserError, "lock"):
            gloss.run(experiment(retriever="locked"), progress=False)

    def test_a_name_of_gloss_is_refused(self):
        with self.assertRaisesRegex(gloss.UserError, "two components are named retriever `bm25`"):

            @gloss.retriever(name="bm25")
            class Mine:
                pass


if __name__ == "__main__":
    unittest.main()
