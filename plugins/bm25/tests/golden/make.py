"""Makes the goldens of the BM25 tests with bm25s 0.2.13.

Usage: make.py [AMAZON2014]

Writes synthetic.json: a small corpus that this script makes up, queries, and the scores of all
texts, for every variant and several parameters. Given the folder of the Amazon 2014 files, writes
beauty.json too: for every 200th item of the Beauty catalogue as its own query, the positions and
scores of the best ten, for every variant. Scores are written as float32 prints them.

Requires: bm25s==0.2.13, numpy>=2, PyStemmer.
"""

import ast
import gzip
import json
import pathlib
import random
import sys

import bm25s
import numpy as np
import Stemmer

HERE = pathlib.Path(__file__).parent
VARIANTS = ["lucene", "robertson", "atire", "bm25l", "bm25+"]
PARAMETERS = [(1.5, 0.75, 0.5), (1.2, 0.0, 1.0), (0.9, 1.0, 0.25), (0.0, 0.4, 0.3), (50.0, 0.75, 0.0)]
DEFAULTS = PARAMETERS[0]


def synthetic_texts(rng):
    brands = ["L'Oréal", "Neutrogena", "OPI", "e.l.f.", "Nivea", "CHI", "Müller", "Шампунь", "資生堂", "NYX_Pro"]
    kinds = ["shampoo", "Lotion", "lip balm", "nail polish", "SOAP soap", "eau de toilette", "crème", "brush"]
    extras = ["&amp; more", "½ oz", "1½-inch", "8.5 fl. oz.", "(Pack of 2)", "for the hair", "N° 5", "SPF 30+",
              "a b c", "cafe\u0301", "Ⅷ", "x²y", "with vitamin E", "shea butter shea butter", "ΑΣ", "İpek",
              "&quot;new&quot;", "no. 7", "___", "10-in-1", "\u00a0refill", "the", "\u0915\u094d\u0937"]
    texts = ["", "Title:", "a", "the of and", "Title: Unknown", "soap " * 60, "½ ½½ ½"]
    for _ in range(75):
        parts = [rng.choice(brands), rng.choice(kinds)] + rng.choices(extras, k=rng.randrange(5))
        rng.shuffle(parts)
        texts.append("Title: " + " ".join(parts))
    texts += rng.choices(texts[7:], k=15)  # duplicates, for equal scores
    return texts


def synthetic_queries(rng, texts):
    fixed = ["", "zzz unknown words", "the", "Title", "Title: Title title soap soap shampoo", "e\u0301 cafe cafe\u0301",
             "½½ 1½", "SHEA butter shea &amp; refill refill", " ".join(texts[20:26])]
    return fixed + rng.choices(texts, k=11)


def tokenise(texts, **options):
    return bm25s.tokenize(texts, return_ids=False, show_progress=False, **options)


def retriever(tokens, variant, parameters):
    k1, b, delta = parameters
    model = bm25s.BM25(method=variant, k1=k1, b=b, delta=delta)
    with np.errstate(invalid="ignore"):  # BM25+ with k1 = 0 divides 0 by 0 for absent terms
        model.index(tokens, show_progress=False)
    return model


def scores(model, tokens, number):
    return model.get_scores(tokens) if tokens else np.zeros(number, dtype=np.float32)


def written(values):
    return [float(str(value)) for value in values]


def case(texts, queries, variant, parameters, analyser, **options):
    tokens = tokenise(texts, **options)
    model = retriever(tokens, variant, parameters)
    k1, b, delta = parameters
    rows = [written(scores(model, query, len(texts))) for query in tokenise(queries, **options)]
    chosen = {"variant": variant, "k1": k1, "b": b, "delta": delta, "analyser": analyser}
    return {"options": chosen, "scores": rows}


def synthetic():
    rng = random.Random(7)
    texts = synthetic_texts(rng)
    queries = synthetic_queries(rng, texts)
    cases = [
        case(texts, queries, variant, parameters, {})
        for variant in VARIANTS
        for parameters in PARAMETERS
        if not (variant == "bm25+" and parameters[0] == 0.0)
    ]
    few = queries[:12]
    stemmer = {"stemmer": "english"}
    cases.append(case(texts, few, "lucene", DEFAULTS, stemmer, stemmer=Stemmer.Stemmer("english")))
    cases.append(case(texts, few, "bm25l", DEFAULTS, {"stop_words": "none"}, stopwords=None))
    cases.append(case(texts, few, "atire", DEFAULTS, {"lowercase": False}, lower=False))
    return {"texts": texts, "queries": queries, "examples": cases}


def beauty_texts(folder):
    """The catalogue as GLoSS makes it: metadata order, items of users with three interactions."""
    titles = {}
    with gzip.open(folder / "meta_Beauty.json.gz", "rt", encoding="utf-8") as file:
        for row in map(ast.literal_eval, file):
            if "title" in row:
                titles.setdefault(row["asin"], " ".join(row["title"].split()[:25]) or "Unknown")
    histories = {}
    with gzip.open(folder / "reviews_Beauty_5.json.gz", "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            if row["asin"] in titles:
                histories.setdefault(row["reviewerID"], []).append(row["asin"])
    kept = {asin for history in histories.values() if len(history) >= 3 for asin in history}
    return ["Title: " + title for asin, title in titles.items() if asin in kept]


def beauty(folder):
    texts = beauty_texts(folder)
    tokens = tokenise(texts)
    cases = []
    for variant in VARIANTS:
        model = retriever(tokens, variant, DEFAULTS)
        answers = []
        for position in range(0, len(texts), 200):
            row = scores(model, tokens[position], len(texts))
            best = np.lexsort((np.arange(len(texts)), -row))[:10]
            best = best[row[best] > 0]
            answers.append({"items": best.tolist(), "scores": written(row[best])})
        cases.append({"variant": variant, "answers": answers})
    return {"items": len(texts), "step": 200, "examples": cases}


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (HERE / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write("synthetic.json", synthetic())
    if len(sys.argv) > 1:
        write("beauty.json", beauty(pathlib.Path(sys.argv[1])))
