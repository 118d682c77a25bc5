"""Components of this process: classes that gloss calls without a program of their own."""

from __future__ import annotations

import ctypes
import functools
import json
import re
import sys
import tempfile
import threading
from pathlib import Path

from . import components
from ._code import source
from ._library import library

#: The threads in which components are at work.
_answering: set[int] = set()
#: The last exception of a component.
_last: list[BaseException] = []


def last_exception() -> BaseException | None:
    """The last exception of a component since this was called before."""
    last = _last[-1] if _last else None
    _last.clear()
    return last


def _remember() -> None:
    exception = sys.exc_info()[1]
    _last[:] = [exception] if exception else []


def interrupt() -> None:
    """Raises KeyboardInterrupt in components that are at work."""
    for thread in list(_answering):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt))


@functools.cache
def _folder() -> tempfile.TemporaryDirectory:
    """A folder for the code of components, for as long as this process lasts."""
    return tempfile.TemporaryDirectory(prefix="gloss-code-")


def _write_source(component: type[components.Component]) -> str:
    """The file with the code of a component, which makes its results other ones."""
    path = Path(_folder().name) / f"{component.kind}-{component.name}.txt"
    text = source(component)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return str(path)


def _register(component: type[components.Component]) -> None:
    def make():
        live = component()
        live._own_code = lambda: [_write_source(component)]

        def answer(question: bytes) -> bytes:
            thread = threading.get_ident()
            _answering.add(thread)
            try:
                return components._answer(live, json.loads(question), _remember)
            finally:
                _answering.discard(thread)

        return answer

    library.register(f"the class `{component.__qualname__}`", make)


def _decorator(base: type[components.Component]):
    def decorate(component=None, *, name: str | None = None):
        if component is None:
            return lambda component: decorate(component, name=name)
        if not isinstance(component, type):
            raise TypeError(f"@gloss.{base.kind} is for classes, not {component!r}")
        if not issubclass(component, base):
            component = type(component.__name__, (component, base), {
                "__doc__": component.__doc__,
                "__module__": component.__module__,
                "__qualname__": component.__qualname__,
            })
        component.name = name or component.name or _snake(component.__name__)
        _register(component)
        return component

    decorate.__name__ = decorate.__qualname__ = base.kind
    decorate.__doc__ = f"""Makes a class a {base.kind} of this process, by its `name`, or that of the class in
    snake case.

    The class has the methods of `gloss.{base.__name__}`, which it need not name as its base, and options by
    `gloss.option`. `gloss.run` and all else know it at once; decorating a class of the same name again, as
    running a cell twice does, replaces it.
    """
    return decorate


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


dataset = _decorator(components.Dataset)
generator = _decorator(components.Generator)
metric = _decorator(components.Metric)
retriever = _decorator(components.Retriever)
