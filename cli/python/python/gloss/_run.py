"""Experiments and their runs."""

from __future__ import annotations

import html
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Sequence

from . import _frames
from ._call import call, call_json, settings, toml
from ._library import library
from .errors import GlossError

_FORMATS = ("text", "markdown", "latex", "csv")


def run(
    experiment: str | os.PathLike | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    output: str | os.PathLike | None = None,
    overwrite: bool = False,
    cache: str | os.PathLike | None = None,
    progress: bool | Callable = True,
) -> "Run":
    """Runs an experiment: a TOML file, or a dictionary with the same keys.

    >>> run = gloss.run("examples/shop.toml", {"metrics": ["recall@5"]})
    >>> run.metrics

    `overrides` has further settings by dotted keys, such as {"retriever.k1": 1.2}. `output` is the folder
    of the run (by default one in `runs`, named by the experiment), `cache` that of cached results (`.gloss`).
    Everything that was done before is reused, and an interrupted run resumes. With several `seeds` the
    result is the run of the first one, and `Run.seeds` has all.

    Raises gloss.UserError with all diagnostics if the experiment is not valid, gloss.MachineError,
    gloss.InternalError, or KeyboardInterrupt after Ctrl-C.
    """
    flags = _flags(overrides, output, overwrite, cache)
    with _file(experiment) as file:
        return _made(call_json(["run", file, *flags], progress))


def sweep(
    experiment: str | os.PathLike | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    output: str | os.PathLike | None = None,
    overwrite: bool = False,
    cache: str | os.PathLike | None = None,
    progress: bool | Callable = True,
) -> dict[str, Any]:
    """Tries the settings of an experiment's table `sweep`; returns what `gloss sweep --json` prints."""
    flags = _flags(overrides, output, overwrite, cache)
    with _file(experiment) as file:
        return call_json(["sweep", file, *flags], progress)


def _flags(overrides: Any, output: Any, overwrite: bool, cache: Any) -> list[str]:
    flags = settings(overrides)
    flags += ["--overwrite"] if overwrite else []
    flags += ["--output", os.fspath(output)] if output is not None else []
    flags += ["--cache", os.fspath(cache)] if cache is not None else []
    return flags


class _file:
    """The file of an experiment; that of a dictionary is a temporary one."""

    def __init__(self, experiment: str | os.PathLike | Mapping[str, Any]):
        self.experiment = experiment
        self.folder: tempfile.TemporaryDirectory | None = None

    def __enter__(self) -> str:
        if not isinstance(self.experiment, Mapping):
            return os.fspath(self.experiment)
        self.folder = tempfile.TemporaryDirectory(prefix="gloss-")
        path = Path(self.folder.name) / "experiment.toml"
        entries = (f"{json.dumps(key)} = {toml(value)}\n" for key, value in self.experiment.items())
        path.write_text("".join(entries), encoding="utf-8")
        return str(path)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self.folder is None:
            return
        self.folder.cleanup()
        if isinstance(error, GlossError):
            error.rename(str(Path(self.folder.name) / "experiment.toml"), "the dictionary, as TOML")


def _made(result: Mapping[str, Any]) -> "Run":
    if "runs" not in result:
        return Run(result["folder"])
    runs = [Run(one["folder"]) for one in result["runs"]]
    runs[0].seeds, runs[0].summary = runs, result["summary"]
    return runs[0]


class Run:
    """A finished run, in its folder."""

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        self.seeds: list[Run] = [self]
        self.summary: list[dict] = []
        self._folders: dict[str, Path] = dict(library.open_run(self.folder))
        self.results: dict[str, Any] = json.loads((self.folder / "metrics.json").read_text(encoding="utf-8"))

    @property
    def manifest(self) -> dict[str, Any]:
        """Everything that the results depend on."""
        return json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))

    @property
    def methods(self) -> list[str]:
        """The names of the methods."""
        return list(self._folders)

    @property
    def metrics(self) -> Any:
        """A table with a row for each method: its name, its policy for seen items, users, and each metric."""
        rows = []
        for method in self.results["methods"]:
            row = {"method": method["method"], "seen": method["ranking"]["seen"], "users": method["users"]}
            rows.append(row | {value["metric"]: value["value"] for value in method["metrics"]})
        return _frames.frame(_frames.arrow().Table.from_pylist(rows))

    @property
    def per_user(self) -> Any:
        """A table with a row for each method and user: the number of interactions and each metric."""
        tables = [
            _frames.with_method(_frames.read_parquet(folder / "per-user.parquet"), name)
            for name, folder in self._folders.items()
        ]
        return _frames.frame(_frames.concat(tables))

    @property
    def rankings(self) -> Any:
        """A table with a row for each method, user and rank: the item and its score."""
        tables = [_frames.read_trec(folder / "run.trec", name) for name, folder in self._folders.items()]
        return _frames.frame(_frames.concat(tables))

    def report(self, output: str | os.PathLike | None = None, *, progress: bool | Callable = True) -> "Report":
        """The report of the run as one HTML file, shown inline in notebooks; `output` is the file to keep."""
        return _report([self.folder], output, progress)

    def compare(self, *others: "Run | str | os.PathLike", **options: Any) -> "Comparison":
        """Compares with other runs on the same users; see `gloss.compare`."""
        return compare(self, *others, **options)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        names = [value["metric"] for value in self.results["methods"][0]["metrics"]] if self.methods else []
        head = "".join(f"<th>{html.escape(name)}</th>" for name in ["method", "seen", *names])
        rows = []
        for method in self.results["methods"]:
            cells = [html.escape(method["method"]), html.escape(method["ranking"]["seen"])]
            cells += [f"{value['value']:.4f}" for value in method["metrics"]]
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


class Report:
    """A report in one HTML file."""

    def __init__(self, text: str, path: Path | None):
        self.html, self.path = text, path

    def _repr_html_(self) -> str:
        frame = 'style="width: 100%; height: 50em; border: 1px solid #ccc" sandbox="allow-scripts"'
        return f'<iframe {frame} srcdoc="{html.escape(self.html)}"></iframe>'


def _report(runs: Sequence[Path], output: str | os.PathLike | None, progress: bool | Callable) -> Report:
    with tempfile.TemporaryDirectory(prefix="gloss-") as folder:
        path = Path(output) if output is not None else Path(folder) / "report.html"
        call_json(["report", *runs, "--output", path], progress)
        return Report(path.read_text(encoding="utf-8"), path if output is not None else None)


def compare(
    *runs: Run | str | os.PathLike,
    qrels: str | os.PathLike | None = None,
    metrics: str | Iterable[str] = (),
    baseline: str | None = None,
    test: str = "randomization",
    alpha: float = 0.05,
    resamples: int = 10_000,
    seed: int = 0,
    mixed_seen: bool = False,
    all_pairs: bool = False,
) -> "Comparison":
    """Tests the differences between methods on the same users: those of runs, of their folders or the folders
    of single methods, of files in TREC's format or ranx's JSON (with `qrels`), or of GLoSS's metrics by user.

    `test` is "randomization", "t" or "wilcoxon"; p-values have Holm's correction. Raises gloss.UserError
    where methods are not comparable, saying what differs.
    """
    folders = [run.folder if isinstance(run, Run) else Path(run) for run in runs]
    flags = ["--test", test, "--alpha", str(alpha), "--resamples", str(resamples), "--seed", str(seed)]
    flags += ["--qrels", os.fspath(qrels)] if qrels is not None else []
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    flags += ["--metric", ",".join(names)] if names else []
    flags += ["--baseline", baseline] if baseline is not None else []
    flags += ["--mixed-seen"] if mixed_seen else []
    flags += ["--all-pairs"] if all_pairs else []
    return Comparison([os.fspath(folder) for folder in folders], flags)


class Comparison:
    """A comparison of methods: `results` has everything that was computed."""

    def __init__(self, runs: list[str], flags: list[str]):
        self._arguments = ["compare", *runs, *flags]
        self.results: dict[str, Any] = call_json(self._arguments, False)
        self._texts: dict[str, str] = {}

    def to(self, format: str) -> str:
        """The table as "text", "markdown", "latex" or "csv"."""
        if format not in _FORMATS:
            raise ValueError(f"the format is one of {', '.join(_FORMATS)}, not {format!r}")
        if format not in self._texts:
            self._texts[format] = call([*self._arguments, "--format", format], False)
        return self._texts[format]

    def to_markdown(self) -> str:
        """The table of Markdown."""
        return self.to("markdown")

    def to_latex(self) -> str:
        """The table of LaTeX, with booktabs."""
        return self.to("latex")

    def __str__(self) -> str:
        return self.to("text")

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return self.to("markdown")
