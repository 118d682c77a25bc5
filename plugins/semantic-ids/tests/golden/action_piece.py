"""Writes action_piece.json: the tokens that ActionPiece learns of some users' items.

Run as: python3 action_piece.py. It computes everything anew for each token, in fractions, after the description in
arXiv 2502.13581, and shares no code with the crate.
"""

import collections
import fractions
import itertools
import json
import pathlib
import random

FIRST, COUNT = 13, 60


def users():
    generator = random.Random(4)
    items = [[1 + generator.randrange(4), 5 + generator.randrange(4), 9 + generator.randrange(4)] for _ in range(12)]
    return [[generator.choice(items) for _ in range(generator.randrange(2, 9))] for _ in range(25)]


def expected(sequences):
    """How often two tokens lie side by side on average if those of every item are in random order."""
    weights = collections.Counter()
    for sequence in sequences:
        for kind, tokens in sequence:
            for pair in itertools.combinations(tokens, 2):
                weights[tuple(sorted(pair))] += fractions.Fraction(2, len(tokens))
        for (_, left), (_, right) in itertools.pairwise(sequence):
            for pair in itertools.product(left, right):
                weights[tuple(sorted(pair))] += fractions.Fraction(1, len(left) * len(right))
    return weights


def merged(sequence, pair, token):
    """The sequence with the token in the place of each pair: within items, or between neighbours."""
    result = [(kind, list(tokens)) for kind, tokens in sequence]
    at = 0
    while at < len(result):
        kind, tokens = result[at]
        if pair[0] != pair[1] and pair[0] in tokens and pair[1] in tokens:
            result[at] = (kind, [own for own in tokens if own not in pair] + [token])
            continue
        if at + 1 == len(result):
            break
        next_kind, following = result[at + 1]
        for left, right in (pair, pair[::-1]):
            if left in tokens and right in following:
                rest = [(kind, [own for own in tokens if own != left])]
                after = [(next_kind, [own for own in following if own != right])]
                # A token between items keeps its place; between two of these the first one does.
                between = [("between", [token])]
                if kind == "between":
                    rest = []
                elif next_kind == "between":
                    after = []
                new = [node for node in rest + between + after if node[1]]
                result[at : at + 2] = new
                at += new.index(("between", [token]))
                break
        else:
            at += 1
    return result


def main():
    sequences = [[("item", tokens) for tokens in user] for user in users()]
    pairs = []
    for number in range(COUNT):
        weights = expected(sequences)
        best = min(weights, key=lambda pair: (-weights[pair], pair))
        pairs.append(best)
        sequences = [merged(sequence, best, FIRST + number) for sequence in sequences]
    golden = {"users": users(), "first": FIRST, "count": COUNT, "pairs": pairs}
    (pathlib.Path(__file__).parent / "action_piece.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
