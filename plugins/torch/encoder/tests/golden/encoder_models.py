"""Writes encoder_models.json beside this script: what sentence-transformers makes of awkward texts and
of titles of Amazon Beauty.

Run as: python3 encoder_models.py DATA MODELS (torch 2.11.0, transformers 5.17.0,
sentence-transformers 6.2.0), where DATA holds meta_Beauty.json.gz and MODELS the folders
all-minilm-l6-v2 and multilingual-e5-small. Vectors are computed in f32 on the CPU, with E5's
prefixes of passages, and normalised.

A text is a list of [string, times]. Of an awkward text's vector there are the first 16 numbers and
the sum of all. Of 2,000 titles, those whose SHA-256 is least, there are the digest's first 12
digits, and three numbers of the vector, from places that go round with the title's rank.
"""

import hashlib
import json
import pathlib
import sys

from sentence_transformers import SentenceTransformer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "llama/tests/golden"))
from amazon import titles  # noqa: E402

PREFIXES = {"all-minilm-l6-v2": "", "multilingual-e5-small": "passage: "}
TEXTS = [
    [["", 1]],
    [[" \t\n", 1]],
    [["shampoo", 1]],
    [["  Shampoo ", 1]],
    [["moisture ", 10000]],
    [["anti-aging, ", 300]],
    [["x", 5000]],
    [["x", 101], [" hair", 1]],
    [["💄💅🏽 nails 👩‍👩‍👧‍👦 🇫🇷", 1]],
    [["😀", 400]],
    [["Крем для рук увлажняющий", 1]],
    [["保湿クリーム 敏感肌用 50ｇ", 1]],
    [["润肤霜", 200]],
    [["كريم مرطب للبشرة الجافة", 1]],
    [["קרם לחות", 1]],
    [["ครีมบำรุงผิวหน้า", 1]],
    [["मॉइस्चराइज़र क्रीम", 1]],
    [["크림 보습", 1]],
    [["Crème de la Mer — l’œuvre ﬁne", 1]],
    [["Cre\u0300me İstanbul ßtraße", 1]],
    [["Oil &amp; Vinegar &quot;Best&quot; &#39;n&#39; &lt;b&gt;bold&lt;/b&gt;", 1]],
    [["a\u0000b\u0001c\u0007d\u001be\u007ff\u0085g\u009fh", 1]],
    [["\u0000", 1]],
    [["zero\u200bwidth\u200djoiner\ufeffmark\u00adhyphen", 1]],
    [["non\u00a0breaking\u2003em\u3000ideographic\u2028line", 1]],
    [["\u202eright to left\u202c", 1]],
    [["\ufffd replacement \ue000 private \U000f0000", 1]],
    [["[CLS] [SEP] [PAD] [MASK] [UNK] <s> </s> <pad> <unk> <mask>", 1]],
    [["query: passage: shampoo", 1]],
    [["1,000.50 ½ ² ① Ⅳ $5.99 50% #1", 1]],
    [["𝓢𝓱𝓪𝓶𝓹𝓸𝓸 Ｓｈａｍｐｏｏ", 1]],
    [["e", 1], ["\u0301", 50]],
    [["▁under ▁line ##ing", 1]],
    [["shampoo", 1]],
]


def digest(title):
    return hashlib.sha256(title.encode()).hexdigest()[:12]


def places(rank):
    return [(3 * rank + place) % 384 for place in range(3)]


def rounded(numbers):
    return [round(float(number), 6) for number in numbers]


def golden(model, prefix, chosen):
    awkward = model.encode([prefix + "".join(part * times for part, times in text) for text in TEXTS])
    beauty = model.encode([prefix + title for title in chosen])
    return {
        "awkward": [{"first": rounded(row[:16]), "sum": rounded([row.sum()])[0]} for row in awkward],
        "beauty": [rounded(row[places(rank)]) for rank, row in enumerate(beauty)],
    }


def main():
    data, folder = map(pathlib.Path, sys.argv[1:])
    chosen = sorted(set(titles(data / "meta_Beauty.json.gz").values()), key=digest)[:2000]
    found = {"texts": TEXTS, "digests": [digest(title) for title in chosen], "models": {}}
    for name, prefix in PREFIXES.items():
        model = SentenceTransformer(str(folder / name), device="cpu")
        found["models"][name] = golden(model, prefix, chosen)
    # A line for every title would be long; one for every list is not.
    (HERE / "encoder_models.json").write_text(
        json.dumps(found, separators=(",", ":"), ensure_ascii=True).replace("],[", "],\n[") + "\n")


if __name__ == "__main__":
    main()
