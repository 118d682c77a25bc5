"""Stands before `import torch` while cargo builds, and leads to a PyTorch of the right version.

The build script of torch-sys runs `python3 -c "import torch; ..."` to find libtorch's headers and
libraries. `.cargo/config.toml` puts this folder on Python's path, so that it finds this module,
which replaces itself by the real one: that of the Python at hand if it has the right version, else
one that pip installs into `libtorch` in cargo's target folder. No system folder is touched, and
`cargo clean` removes it. A link to it lies in each profile's folder, since `cargo run` and
`cargo test` let programs find only the libraries that are inside.
"""

import importlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "2.11.0"


def install(folder):
    """Installs PyTorch into `folder`, all or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="libtorch-") as unfinished:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PIP_USER")}
        environment["PIP_REQUIRE_VIRTUALENV"] = "0"
        subprocess.run(
            [*pip, "--target", unfinished, f"torch=={VERSION}", "setuptools"],
            check=True,
            stdout=sys.stderr,
            env=environment,
        )
        adopt(unfinished, folder)


def link(package, folder):
    """Makes the installed `package` one that lies in `folder`, where cargo looks for libraries."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="libtorch-") as unfinished:
        (Path(unfinished) / "torch").symlink_to(package, target_is_directory=True)
        adopt(unfinished, folder)


def adopt(unfinished, folder):
    """Gives a finished folder its name, unless another build was first."""
    try:
        os.rename(unfinished, folder)
    except OSError:
        if not (folder / "torch").exists():
            raise
    Path(unfinished).mkdir(exist_ok=True)


def installed():
    """The folder of the PyTorch of this Python, if it has one of the right version."""
    try:
        distribution = importlib.metadata.distribution("torch")
    except importlib.metadata.PackageNotFoundError:
        return None
    if distribution.version.split("+")[0] != VERSION:
        return None
    return Path(distribution.locate_file("torch"))


def replace():
    """Puts the real module in place of this one."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != here]
    out = os.environ.get("OUT_DIR")
    if out is not None:  # A build script: <target>/<profile>/build/<package>/out.
        profile, target = Path(out).parents[2:4]
        folder = target / "libtorch"
        if not (folder / "torch").exists():
            package = installed()
            link(package, folder) if package else install(folder)
        inside = profile / "libtorch"
        if not inside.exists():
            inside.unlink(missing_ok=True)
            inside.symlink_to(Path("..") / "libtorch", target_is_directory=True)
        sys.path.insert(0, str(inside))
    del sys.modules["torch"]
    importlib.invalidate_caches()
    importlib.import_module("torch")


replace()
