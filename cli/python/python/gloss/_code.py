"""The code that a class depends on, as text: what makes the results of a component other ones."""

from __future__ import annotations

import dis
import functools
import hashlib
import importlib.metadata
import inspect
import pickle
import sys
import types
from typing import Any

from .components import Refused, option


def source(component: type) -> str:
    """The code of a class, of its bases and methods, and of everything of one's own that they use: functions,
    classes and values of the modules or notebook cells that they are in. Modules that were installed count
    by their versions.

    Raises Refused if it depends on a value that cannot be written down.
    """
    lines = [f"python {sys.version.split()[0]}"]
    seen: set[int] = set()
    _add(component, component.__qualname__, lines, seen)
    return "\n".join(lines) + "\n"


def _add(value: Any, name: str, lines: list[str], seen: set[int]) -> None:
    if id(value) in seen:
        return
    if isinstance(value, types.ModuleType):
        lines.append(f"{name} = {_module(value)}")
    elif isinstance(value, type):
        seen.add(id(value))
        _add_class(value, name, lines, seen)
    elif isinstance(value, (staticmethod, classmethod)):
        _add(value.__func__, name, lines, seen)
    elif isinstance(value, property):
        for function in filter(None, (value.fget, value.fset)):
            _add(function, name, lines, seen)
    elif isinstance(value, functools.partial):
        for part in (value.func, value.args, sorted(value.keywords.items())):
            _add(part, name, lines, seen)
    elif isinstance(value, types.MethodType):
        _add(value.__func__, name, lines, seen)
        _add(value.__self__, f"{name}.__self__", lines, seen)
    elif isinstance(value, types.FunctionType):
        seen.add(id(value))
        _add_function(value, name, lines, seen)
    elif isinstance(value, types.BuiltinFunctionType):
        lines.append(f"{name} = {value.__module__}.{value.__qualname__}")
    elif isinstance(value, option):
        lines.append(f"{name} = option {value.schema!r}")
    else:
        lines.append(f"{name} = {_written(value, name)}")


def _add_class(value: type, name: str, lines: list[str], seen: set[int]) -> None:
    if not _is_own(value.__module__):
        lines.append(f"{name} = class {_module(sys.modules.get(value.__module__))}.{value.__qualname__}")
        return
    lines.append(f"{name} = class({', '.join(base.__qualname__ for base in value.__bases__)})")
    for base in value.__bases__:
        _add(base, base.__qualname__, lines, seen)
    skipped = {"__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__firstlineno__",
               "__static_attributes__", "__annotations__", "__annotate_func__", "__annotations_cache__",
               "__abstractmethods__", "_abc_impl", "__classcell__"}
    for key, member in sorted(vars(value).items()):
        if key not in skipped and not isinstance(member, (types.MemberDescriptorType, types.GetSetDescriptorType)):
            _add(member, f"{name}.{key}", lines, seen)


def _add_function(function: types.FunctionType, name: str, lines: list[str], seen: set[int]) -> None:
    if not _is_own(function.__module__):
        lines.append(f"{name} = function {_module(sys.modules.get(function.__module__))}.{function.__qualname__}")
        return
    lines.append(f"{name} = function {_code(function.__code__)}")
    defaults = (function.__defaults__, function.__kwdefaults__)
    for default in filter(None, defaults):
        _add(default, f"{name}.defaults", lines, seen)
    for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        try:
            _add(cell.cell_contents, f"{name}.{variable}", lines, seen)
        except ValueError:
            pass  # A variable that has no value yet.
    for variable in sorted(_globals(function.__code__)):
        if variable in function.__globals__:
            _add(function.__globals__[variable], variable, lines, seen)


def _globals(code: types.CodeType) -> set[str]:
    """The names of global variables that a function and those within it use."""
    used = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return used.union(*(_globals(inner) for inner in code.co_consts if isinstance(inner, types.CodeType)))


def _code(code: types.CodeType) -> str:
    """A hash of the steps of a function, wherever it stands."""
    inner = types.CodeType
    constants = [_code(value) if isinstance(value, inner) else repr(_ordered(value)) for value in code.co_consts]
    parts = [code.co_name, code.co_argcount, code.co_kwonlyargcount, code.co_varnames, code.co_names, constants]
    return hashlib.sha256(repr(parts).encode() + code.co_code).hexdigest()


def _ordered(value: Any) -> Any:
    return ("frozenset", sorted(map(repr, value))) if isinstance(value, frozenset) else value


def _written(value: Any, name: str) -> str:
    """A value as text; that of a large one is a hash."""
    if isinstance(value, (set, frozenset)):
        value = ("set", sorted(value, key=repr))
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        text = repr(value)
    else:
        try:
            text = hashlib.sha256(pickle.dumps(value, protocol=4)).hexdigest()
        except Exception as error:
            raise Refused(
                f"the class depends on `{name}`, whose value gloss cannot write down to tell it from another "
                f"({error}); make it in a method, or give it as an option"
            ) from error
        text = f"{type(value).__module__}.{type(value).__qualname__} {text}"
    return text if len(text) <= 200 else hashlib.sha256(text.encode()).hexdigest()


def _is_own(module: str | None) -> bool:
    """True if a module is neither installed nor Python's own."""
    found = sys.modules.get(module or "")
    if module is None or found is None or module == "__main__":
        return True
    file = getattr(found, "__file__", None)
    if file is None:
        return module not in sys.builtin_module_names
    installed = ("site-packages", "dist-packages")
    return not any(part in file for part in installed) and not file.startswith(_standard_library()) and not (
        module == "gloss" or module.startswith("gloss.")
    )


@functools.lru_cache(maxsize=1)
def _standard_library() -> str:
    return str(__import__("sysconfig").get_paths()["stdlib"])


def _module(module: types.ModuleType | None) -> str:
    """A module: one's own by the hash of its file, another one by its version."""
    if module is None:
        return "an unknown module"
    if _is_own(module.__name__):
        try:
            return f"module {module.__name__} {hashlib.sha256(inspect.getsource(module).encode()).hexdigest()}"
        except (OSError, TypeError):
            return f"module {module.__name__}"
    return f"module {module.__name__} {_version(module.__name__.split('.')[0])}"


@functools.lru_cache(maxsize=None)
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return getattr(sys.modules.get(package), "__version__", "")
