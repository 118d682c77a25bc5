"""Times ranx on a TREC run and qrels, for comparison with `gloss evaluate`.

    pip install ranx==0.3.20
    python ranx_evaluate.py run.trec qrels.trec recall@5 ndcg@5 mrr

Prints a JSON line per task: `read+evaluate` reads both files and evaluates; `evaluate` only
evaluates what is read already, without storing the results in the run. Both are the best of several
repetitions after one that lets numba compile.
"""

import argparse
import json
import time

from ranx import Qrels, Run, evaluate


def read(arguments):
    return (
        Qrels.from_file(arguments.qrels, kind="trec"),
        Run.from_file(arguments.run, kind="trec"),
    )


def best_of(repetitions, task):
    seconds = []
    for _ in range(repetitions + 1):
        start = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("qrels")
    parser.add_argument("metrics", nargs="+")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()

    def score(qrels, run):
        return evaluate(
            qrels,
            run,
            arguments.metrics,
            make_comparable=True,
            save_results_in_run=False,
        )

    qrels, run = read(arguments)
    tasks = {
        "evaluate": lambda: score(qrels, run),
        "read+evaluate": lambda: score(*read(arguments)),
    }
    for task, work in tasks.items():
        seconds = best_of(arguments.repetitions, work)
        line = {"peer": "ranx", "task": task, "users": len(qrels), "seconds": round(seconds, 6)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
