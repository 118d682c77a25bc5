"""Commands of the command line inside this process."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Callable, Iterable, Mapping

from . import _inside
from ._library import library
from .errors import GlossError, of_json


#: The seconds after which the bar of a task is shown.
_PATIENCE = 1.0


class _Bars:
    """Progress bars of tqdm, which draws them in notebooks and terminals alike."""

    def __init__(self) -> None:
        self.begun: dict[int, float] = {}
        self.bars: dict[int, Any] = {}

    def __call__(self, number, label, position, total, is_bytes, note, ended):
        bar = self.bars.get(number)
        if bar is None:
            begun = self.begun.setdefault(number, time.monotonic())
            if ended or time.monotonic() - begun < _PATIENCE:
                return
            from tqdm.auto import tqdm

            unit = {"unit": "B", "unit_scale": True} if is_bytes else {"unit": "", "unit_scale": True}
            bar = self.bars[number] = tqdm(total=total, desc=label, leave=False, **unit)
        if note:
            bar.set_postfix_str(note, refresh=False)
        bar.update(position - bar.n)
        if ended:
            self.bars.pop(number).close()

    def close(self) -> None:
        for bar in self.bars.values():
            bar.close()
        self.bars.clear()


def _log(line: str) -> None:
    print(line, file=sys.stderr)


def call(arguments: Iterable[str | os.PathLike], progress: bool | Callable = True) -> str:
    """Executes a command of gloss in this process, and returns what it prints.

    >>> gloss.call(["list", "retriever", "--json"])

    `progress` is True for bars of tqdm, False for none, or a function that is called with the number of a
    task, its label, the units done, all of them or None, True if they are bytes, a note, and True once the
    task has ended. Ctrl-C stops the command where it can go on later, and raises KeyboardInterrupt.
    """
    bars = _Bars() if progress is True else None
    _inside.last_exception()
    report = bars or progress or (lambda *task: None)
    try:
        code, output, error = library.call([os.fspath(a) for a in arguments], report, _log, _inside.interrupt)
    finally:
        if bars:
            bars.close()
    if error is not None:
        raised = of_json(error)
        if isinstance(raised, GlossError):
            raised.output = output
        raise raised from _inside.last_exception()
    return output


def call_json(arguments: Iterable[str | os.PathLike], progress: bool | Callable = True) -> Any:
    """The value that a command of gloss prints with `--json`."""
    return json.loads(call([*arguments, "--json"], progress))


def toml(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, Mapping):
        entries = (f"{json.dumps(str(key))} = {toml(entry)}" for key, entry in value.items())
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, (bool, int, float, str)):
        return json.dumps(value, ensure_ascii=False)
    if hasattr(value, "item"):  # A number of NumPy.
        return toml(value.item())
    raise TypeError(f"a setting is a number, a text, a list or a dictionary, not {value!r}")


def settings(overrides: Mapping[str, Any] | None) -> list[str]:
    """The flags for overrides such as {"retriever.k1": 1.2}."""
    return [f"--set={key}={toml(value)}" for key, value in (overrides or {}).items()]
