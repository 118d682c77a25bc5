"""Makes the golden files beside this script: random runs and qrels in TREC format, and what ranx and
trec_eval (through pytrec_eval) say of them.

    pip install ranx==0.3.20 pytrec_eval-terrier==0.5.11
    python make.py

`short` has rankings of up to 15 items with many equal scores; `long` has up to 50 items with
distinct scores, since the order in which ranx ranks equal scores is defined only for up to 15 items.
Both have users that are missing from the run, users of the run that are not in the qrels, users
without a relevant item, several relevant items, and grades from -1 to 4.

`<name>.expected.tsv` has the users on its first line; every further line is a peer, a metric as
gloss names it, a value per user, and the mean over all users of the qrels.
"""

import random
from pathlib import Path

import pytrec_eval
from ranx import Qrels, Run, evaluate

FOLDER = Path(__file__).parent
CUTOFFS = [None, 1, 3, 5, 10, 100]

# gloss's name: (ranx, trec_eval without a cut-off, trec_eval with one); None where there is none.
METRICS = {
    "recall": ("recall", "set_recall", "recall"),
    "precision": ("precision", "set_P", "P"),
    "hit_rate": ("hit_rate", None, "success"),
    "f1": ("f1", "set_F", None),
    "r_precision": ("r-precision", "Rprec", None),
    "mrr": ("mrr", "recip_rank", None),
    "map": ("map", "map", "map_cut"),
    "ndcg": ("ndcg", "ndcg", "ndcg_cut"),
    "ndcg_burges": ("ndcg_burges", None, None),
    "hits": ("hits", "num_rel_ret", None),
    "dcg": ("dcg", None, None),
    "dcg_burges": ("dcg_burges", None, None),
    # ranx 0.3.20 has other values, 0 for most users.
    "bpref": (None, "bpref", None),
    "rbp.95": ("rbp.95", None, None),
    "rbp.5": ("rbp.5", None, None),
}
WITHOUT_CUTOFF = ["r_precision", "bpref", "rbp.95", "rbp.5"]


def generate(seed, users, longest, distinct):
    """Random run and qrels, as dictionaries from user to item to score or grade."""
    draw = random.Random(seed)
    items = [f"{draw.choice('ABZ')}{n:03}" for n in range(80)]
    run, qrels = {}, {}
    for number in range(users):
        user = f"u{number}"
        ranked = draw.sample(items, draw.randint(1, longest))
        steps = range(1000) if distinct else range(6)
        scores = draw.sample(steps, len(ranked)) if distinct else draw.choices(steps, k=len(ranked))
        if number % 7 != 3:  # the others are missing from the run
            run[user] = {item: score / 8 for item, score in zip(ranked, scores)}
        if number % 11 == 5:  # of no relevance
            grades = [0, -1]
        elif number % 3 == 0:  # one held-out item
            grades = [1]
        else:
            grades = draw.choices([-1, 0, 1, 1, 2, 3, 4], k=draw.randint(2, 25))
        if number % 13 != 8:  # the others are not in the qrels
            pool = ranked * 3 + items
            judged = list(dict.fromkeys(draw.choice(pool) for _ in grades))
            qrels[user] = dict(zip(judged, grades))
    return run, qrels


def write(name, run, qrels):
    with open(FOLDER / f"{name}.run.trec", "w") as file:
        for user, scores in run.items():
            for rank, (item, score) in enumerate(scores.items(), 1):
                file.write(f"{user} Q0 {item} {rank} {score} random\n")
    with open(FOLDER / f"{name}.qrels.trec", "w") as file:
        for user, grades in qrels.items():
            for item, grade in grades.items():
                file.write(f"{user} 0 {item} {grade}\n")


def by_ranx(run, qrels):
    """Values by metric and user. ranx sorts users by name, and gives users it misses no ranking."""
    names = {}
    for name, (ranx_name, _, _) in METRICS.items():
        for k in CUTOFFS if ranx_name else []:
            if k is None or name not in WITHOUT_CUTOFF:  # where ranx ignores k
                names[label(name, k)] = label(ranx_name, k)
    ranx_run = Run({user: scores for user, scores in run.items() if user in qrels})
    evaluate(Qrels(qrels), ranx_run, list(names.values()), make_comparable=True)
    return {ours: dict(ranx_run.scores[theirs]) for ours, theirs in names.items()}


def by_trec_eval(run, qrels):
    names = {}
    for name, (_, whole, cut) in METRICS.items():
        for k in CUTOFFS:
            if k is None and whole:
                names[label(name, k)] = (whole, whole)
            elif k is not None and cut:
                names[label(name, k)] = (f"{cut}.{k}", f"{cut}_{k}")
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {asked for asked, _ in names.values()})
    scores = evaluator.evaluate(run)
    return {
        ours: {user: scores[user][told] if user in scores else 0.0 for user in qrels}
        for ours, (_, told) in names.items()
    }


def label(name, k):
    return name if k is None else f"{name}@{k}"


def main():
    for name, seed, users, longest, distinct in [
        ("short", 20250, 45, 15, False),
        ("long", 20251, 30, 50, True),
    ]:
        run, qrels = generate(seed, users, longest, distinct)
        write(name, run, qrels)
        with open(FOLDER / f"{name}.expected.tsv", "w") as file:
            print("users", "", *qrels, sep="\t", file=file)
            for peer, scores in [
                ("ranx", by_ranx(run, qrels)),
                ("trec_eval", by_trec_eval(run, qrels)),
            ]:
                for metric, by_user in scores.items():
                    values = [by_user[user] for user in qrels]
                    values.append(sum(values) / len(values))
                    print(peer, metric, *(f"{v:.9g}" for v in values), sep="\t", file=file)


if __name__ == "__main__":
    main()
