"""The exceptions that gloss raises. All have `message`, `causes` and `diagnostics`."""

from __future__ import annotations

import json
from typing import Any


class GlossError(Exception):
    """An error of gloss.

    `exit_code` is the exit code of the command line, `causes` further messages, and `diagnostics` the
    problems of an experiment: dictionaries with `location`, `key`, `message`, `nearest` and `available`.
    `output` is what the command printed before.
    """

    exit_code = 70

    def __init__(self, message: str, causes: list[str] | None = None, diagnostics: list[dict] | None = None):
        super().__init__(message)
        self.message = message
        self.causes = causes or []
        self.diagnostics = diagnostics or []
        self.output = ""

    def rename(self, file: str, name: str) -> None:
        """Calls a file that the user does not know by another name."""
        self.message = self.message.replace(file, name)
        for diagnostic in self.diagnostics:
            diagnostic["location"] = (diagnostic["location"] or "").replace(file, name) or None

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  because: {cause}" for cause in self.causes)])


class UserError(GlossError, ValueError):
    """A mistake in what was given: a wrong name, a damaged file."""

    exit_code = 2


class MachineError(GlossError, OSError):
    """A refusal of the machine: a full disk, a missing permission, no network."""

    exit_code = 3

    __str__ = GlossError.__str__


class InternalError(GlossError, RuntimeError):
    """A fault of gloss or of a component."""

    exit_code = 70


_CLASSES = {"user": UserError, "machine": MachineError, "internal": InternalError}


def of_json(text: str) -> BaseException:
    """The exception for an error as the command line prints it with `--json`."""
    error: dict[str, Any] = json.loads(text)["error"]
    if error["class"] == "interrupted":
        return KeyboardInterrupt(error["message"])
    return _CLASSES[error["class"]](error["message"], error["causes"], error["diagnostics"])
