"""Evaluation of rankings, called as ranx is."""

from __future__ import annotations

import json
import re
import statistics
from typing import Any, Iterable, Mapping

from ._library import library

#: ranx's names of metrics that gloss has by another one.
_NAMES = {"r-precision": "r_precision"}


def evaluate(
    qrels: Any,
    run: Any,
    metrics: str | Iterable[str],
    return_mean: bool = True,
    return_std: bool = False,
    threads: int = 0,
    save_results_in_run: bool = True,
    make_comparable: bool = False,
) -> Any:
    """Computes metrics of a run: a drop-in for `ranx.evaluate`.

    >>> gloss.evaluate({"u1": {"a": 1}}, {"u1": {"b": 2.0, "a": 1.0}}, ["recall@1", "mrr"])
    {'recall@1': 0.0, 'mrr': 0.5}

    `qrels` and `run` are of one of these forms:

    - dictionaries from users to dictionaries from items to grades or scores;
    - ranx's `Qrels` and `Run`;
    - tables of pandas, polars or Arrow with the columns `q_id`, `doc_id` and `score`;
    - ranx's arrays of shape (users, items, 2) of an item's number and its grade or score;
    - arrays of whole numbers of shape (users, items): the items of each user, of the run best first, filled up
      with -1. One relevant item each may be of shape (users,).

    `metrics` are those of `gloss list metric` that look at the relevant items, by ranx's names too, with `@k`
    for a cut-off, and `-l2` for the lowest grade that is relevant; rbp has its persistence after a dot, `rbp.95`.

    With one metric the result is its mean, with several a dictionary; with `return_std` each is a dictionary of
    `mean` and `std`, and without `return_mean` the values of all users. `threads` has no effect. Values are kept in a
    ranx `Run` unless `save_results_in_run` is False. Users without a ranking are an error in dictionaries and
    tables unless `make_comparable`, and then score 0. Equal scores are ranked in their order.
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    wanted = [_parse(name) for name in names]
    users, values = _values(qrels, run, wanted, make_comparable)
    if save_results_in_run and _is_ranx(run):
        _save(run, names, users, values, return_std)
    if not return_mean:
        results = {name: of_all for name, (of_all, _) in zip(names, values)}
    elif return_std:
        results = {name: {"mean": mean, "std": _deviation(of_all)} for name, (of_all, mean) in zip(names, values)}
    else:
        results = {name: mean for name, (_, mean) in zip(names, values)}
    return results[names[0]] if len(names) == 1 else results


def _parse(name: str) -> tuple[str, float]:
    """A metric as gloss configures it, and the lowest relevant grade."""
    stem, level = name, 1.0
    if found := re.fullmatch(r"(.*)-l(\d+)", name):
        stem, level = found[1], float(found[2])
    if found := re.fullmatch(r"rbp[.@](\d+)", stem):
        return json.dumps({"type": "rbp", "p": float(f"0.{found[1]}")}), level
    stem, at, k = stem.partition("@")
    stem = _NAMES.get(stem, stem)
    return json.dumps({"type": stem, "k": int(k)} if at and k.isdigit() and k != "0" else f"{stem}{at}{k}"), level


def _values(qrels: Any, run: Any, wanted: list, missing: bool) -> tuple[Any, list]:
    qrels, run = (_plain(one) for one in (qrels, run))
    if isinstance(qrels, Mapping) and isinstance(run, Mapping):
        qrels, run = (one if isinstance(one, dict) else dict(one) for one in (qrels, run))
        return qrels, library.evaluate_dicts(qrels, run, wanted, missing)
    if _is_table(qrels) and _is_table(run):
        return _tables(qrels, run, wanted, missing)
    if isinstance(qrels, Mapping) or isinstance(run, Mapping) or _is_table(qrels) or _is_table(run):
        raise TypeError("qrels and run are to be of one form: both dictionaries, both tables, or both arrays")
    return None, _arrays(qrels, run, wanted)


def _plain(one: Any) -> Any:
    """ranx's objects as dictionaries; all else as it is."""
    if _is_ranx(one):
        typed = one.qrels if hasattr(one, "qrels") else one.run
        return {str(user): dict(items) for user, items in typed.items()}
    return one


def _is_ranx(one: Any) -> bool:
    return type(one).__module__.startswith("ranx.")


def _is_table(one: Any) -> bool:
    return hasattr(one, "columns") or hasattr(one, "column_names")


def _arrays(qrels: Any, run: Any, wanted: list) -> list:
    import numpy

    qrels, run = numpy.asarray(qrels), numpy.asarray(run)
    if len(qrels) != len(run):
        raise ValueError(f"qrels have {len(qrels)} users, and the run has {len(run)}")
    if all(one.ndim == 3 and one.shape[2] == 2 for one in (qrels, run)):
        return library.evaluate_pairs(*(one.astype("float64", copy=False) for one in (qrels, run)), wanted)
    if all(one.ndim in (1, 2) and numpy.issubdtype(one.dtype, numpy.integer) for one in (qrels, run)):
        both = (one.reshape(len(one), -1).astype("int64", copy=False) for one in (qrels, run))
        return library.evaluate_arrays(*both, wanted)
    raise TypeError(
        "arrays have the shape (users, items, 2) of pairs of an item's number and its grade or score, or (users, "
        f"items) of whole numbers of items; these have {qrels.shape} of {qrels.dtype} and {run.shape} of {run.dtype}"
    )


def _tables(qrels: Any, run: Any, wanted: list, missing: bool) -> tuple[Any, list]:
    import numpy

    judged, ranked = _columns(qrels), _columns(run)
    users, number = numpy.unique(judged[0], return_inverse=True)
    at = numpy.searchsorted(users, ranked[0])
    known = (at < len(users)) & (users[numpy.minimum(at, len(users) - 1)] == ranked[0])
    absent = len(users) - len(numpy.unique(at[known]))
    if absent and not missing:
        from .errors import UserError

        raise UserError(
            f"the run has no ranking of {absent} of {len(users)} users; give `make_comparable=True` to score them 0"
        )
    items, of_all = numpy.unique(numpy.concatenate([judged[1], ranked[1][known]]), return_inverse=True)
    of_judged, of_ranked = of_all[: len(judged[1])], of_all[len(judged[1]) :]
    rows = (number, of_judged, judged[2], at[known], of_ranked, ranked[2][known])
    kinds = ("int64", "int64", "float64") * 2
    columns = (numpy.ascontiguousarray(column, kind) for column, kind in zip(rows, kinds))
    return users, library.evaluate_rows(list(map(str, users)), list(map(str, items)), *columns, wanted)


def _columns(table: Any) -> tuple:
    import numpy

    names = getattr(table, "column_names", None) or list(table.columns)
    absent = [name for name in ("q_id", "doc_id", "score") if name not in names]
    if absent:
        found = ", ".join(map(str, names))
        raise ValueError(f"a table has the columns q_id, doc_id and score; this one has {found}")
    q_id, doc_id, score = (numpy.asarray(table[name]) for name in ("q_id", "doc_id", "score"))
    return _comparable(q_id), _comparable(doc_id), score


def _comparable(column: Any) -> Any:
    """Objects of Python as texts, which compare faster."""
    return column.astype(str) if column.dtype == object else column


def _save(run: Any, names: list[str], users: Any, values: list, with_deviation: bool) -> None:
    for name, (of_all, mean) in zip(names, values):
        run.mean_scores[name] = mean
        if with_deviation:
            run.std_scores[name] = _deviation(of_all)
        run.scores[name] = dict(zip(users, of_all.tolist()))


def _deviation(values: Any) -> float:
    return statistics.pstdev(values.tolist()) if len(values) else 0.0
