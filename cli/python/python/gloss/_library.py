"""The extension module, loaded against the PyTorch of this environment."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import sys
from pathlib import Path

#: The version of PyTorch whose libraries the extension module is built for.
TORCH = "2.11.0"


def _torch() -> tuple[str, Path] | None:
    """The version and the library folder of the PyTorch that is installed."""
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return None
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return None
    return version, Path(spec.submodule_search_locations[0]) / "lib"


def _needs_torch() -> bool:
    """True if the extension module was built with the models."""
    spec = importlib.util.find_spec("gloss._gloss")
    return spec is not None and spec.origin is not None and b"libtorch_cpu.so" in Path(spec.origin).read_bytes()


def _preload() -> None:
    """Loads PyTorch's libraries where the extension module would not find them, or says why it cannot."""
    found = _torch()
    if found is None:
        return
    version, folder = found
    if version.split("+")[0] == TORCH:
        library = folder / "libtorch.so"
        if library.exists():
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    elif _needs_torch():
        raise ImportError(
            f"gloss is built for PyTorch {TORCH}, and this environment has {version}; run `pip install "
            f"torch=={TORCH}`, or install gloss-lite, which runs no models and needs no PyTorch"
        )


def _load():
    _preload()
    try:
        from . import _gloss
    except ImportError as error:
        if "libtorch" not in str(error) and "libc10" not in str(error):
            raise
        raise ImportError(
            f"gloss needs PyTorch {TORCH}, which this environment lacks ({error}); run `pip install "
            f"torch=={TORCH}`, or install gloss-lite, which runs no models and needs no PyTorch"
        ) from error
    _gloss.set_program(_gloss.__file__, [sys.executable, "-m", "gloss"])
    return _gloss


library = _load()
