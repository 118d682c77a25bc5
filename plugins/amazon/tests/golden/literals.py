"""Writes literals.json: Python dictionary literals and what ast.literal_eval makes of them.

Run as: python3 literals.py (any CPython 3). Values are written as JSON can hold them: tuples as
lists, bytes as the UTF-8 that they are, lone surrogates as U+FFFD, integers beyond 64 bits as
floats, keys of other types as their JSON text. A literal that Python refuses has no value.
"""

import ast
import json
import pathlib
import random

ESCAPES = [
    r"'\\ \' \" \a \b \f \n \r \t \v'", r'"\\ \' \" it' + "'" + r's"', r"'\0 \7 \12 \101 \1234 \377'",
    r"'\x41\xe9\xFF'", r"'\u00e9\u20ac\uFFFD'", r"'\U0001F600\U000000e9'", r"'\d \w \( \é \ '",
    r"'\ud83d\ude00'", r"'\ud83d'", r"'\ude00\ud83d'", r"'\ud83d\ud83d\ude00'", r"'\ud83dx\ude00'",
    r"u'na\xefve'", r"U'\u00fc'", r"b'caf\xc3\xa9 \u00e9 \n\0\101'", r'B"it' + "'" + r's"',
    "'\t tab and \x0c feed and \x7f'", "'é 日本 😀 \u2028'", "'&amp; &quot;'", "''", '""', "'{[(:,)]}'",
]
NUMBERS = ["0", "-1", "+7", "1_000", "9223372036854775807", "-9223372036854775808",
           "18446744073709551615", "123456789012345678901234567890", "1.5", "-0.25", "1.", ".5",
           "1e3", "-1E-3", "2.5e+10", "0.1", "1e300"]
OTHERS = ["None", "True", "False", "[]", "{}", "()", "(1,)", "( 1 , 'a', )", "[1, [2, [3, []]]]",
          "{'a': {'b': (None, True)}, 'c': [{'d': 1.0}]}", "[ 'a' ,'b' ]", "{1: 2, None: 3}",
          "[['Beauty', 'Skin Care'], ['Health']]", "{'x': 1, 'x': 2}"]
WRONG = ["{'k': 'open}", "{'k': 1", "{'k' 1}", "{'k': }", "{'k': 1 2}", "{'k': [1, 2}", "{'k': nul}",
         "{'k': true}", "{'k': null}", "{'k': 'a'} x", "{'k': '\\x4'}", "{'k': '\\u12'}",
         "{'k': '\\U00110000'}", "{'k': [,]}", "{,}", "{'k': 1,, 'b': 2}", "{'k': -}", "{'k': 1.2.3}",
         "{'k': 'nul\0'}", "{'k': (1, 2]}", "['k']", "{'k': 'tail\\'}", "", "{", "{'k'", "{'k':"]


def plain(value):
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k if isinstance(k, str) else json.dumps(k): plain(v) for k, v in value.items()}
    if isinstance(value, int) and not isinstance(value, bool) and not -2**63 <= value < 2**64:
        return float(value)
    return value


def anything(rng, depth):
    kind = rng.randrange(9 if depth else 6)
    if kind < 3:
        alphabet = "ab '\"\\\n\t\r\0é\x7f\x85日😀{}[],:"
        return "".join(rng.choice(alphabet) for _ in range(rng.randrange(8)))
    if kind < 6:
        return rng.choice([None, True, False, rng.randrange(-2**63, 2**63), rng.uniform(-1e6, 1e6)])
    size = rng.randrange(4)
    if kind == 6:
        return [anything(rng, depth - 1) for _ in range(size)]
    if kind == 7:
        return tuple(anything(rng, depth - 1) for _ in range(size))
    return {str(anything(rng, 0)): anything(rng, depth - 1) for _ in range(size)}


def row(literal):
    try:
        value = ast.literal_eval(literal)
    except (SyntaxError, ValueError):
        return {"literal": literal, "refused": True}
    assert isinstance(value, dict) or literal == "['k']", literal
    if not isinstance(value, dict):
        return {"literal": literal, "refused": True}
    return {"literal": literal, "value": plain(value)}


rng = random.Random(2014)
literals = [f"{{'before': {text}, 'k': {text}}}" for text in ESCAPES + NUMBERS + OTHERS]
literals += [repr({"k": anything(rng, 3), str(anything(rng, 0)): 1}) for _ in range(150)]
literals += [ascii({"k": anything(rng, 3), str(anything(rng, 0)): 1}) for _ in range(50)]
rows = [row(literal) for literal in literals]
assert not any("refused" in r for r in rows)
wrong = [row(literal) for literal in WRONG]
assert all("refused" in r for r in wrong), [r for r in wrong if "refused" not in r]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text("[\n" + ",\n".join(json.dumps(r) for r in rows + wrong) + "\n]\n")
