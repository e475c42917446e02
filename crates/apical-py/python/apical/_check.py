"""Arguments that come in: of the right kind, or an error that says which are allowed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._engine import InputError

#: More threads than any machine has cores; each wants memory of its own.
_MOST_THREADS = 1024


def refused(place: str, given: Any, allowed: str) -> InputError:
    """What to raise: the place, what was found there and what is allowed."""
    found = repr(given)
    found = found if len(found) <= 60 else f"{found[:57]}..."
    return InputError(f"{place}: {found}; allowed: {allowed}")


def integer(given: Any, place: str, least: int, most: int | None = None) -> int:
    """A whole number within bounds."""
    most = 2**63 - 1 if most is None else most
    whole = isinstance(given, int | np.integer) and not isinstance(given, bool | np.bool_)
    if not whole or not least <= given <= most:
        raise refused(place, given, f"a whole number from {least}" + (" on" if most == 2**63 - 1 else f" to {most}"))
    return int(given)


def positive(given: Any, place: str) -> float:
    """A finite number above 0."""
    real = isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool)
    if not real or not math.isfinite(given) or given <= 0:
        raise refused(place, given, "a number above 0")
    return float(given)


def flag(given: Any, place: str) -> bool:
    """True or False."""
    if not isinstance(given, bool | np.bool_):
        raise refused(place, given, "True or False")
    return bool(given)


def mapping(given: Any, place: str) -> dict[str, Any]:
    """A mapping with names for keys, as a dict."""
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise refused(place, given, "a mapping with names for keys")
    return dict(given)


def function(given: Any, place: str) -> Callable[..., object] | None:
    """Something that can be called, or None."""
    if given is not None and not callable(given):
        raise refused(place, given, "a function, or None")
    return given  # type: ignore[no-any-return]


def path(given: Any, place: str) -> Path:
    """A path; ``~`` is the home folder, as in a shell."""
    if not isinstance(given, str | os.PathLike):
        raise refused(place, given, "a path")
    try:
        return Path(given).expanduser()
    except RuntimeError:
        raise refused(place, given, "a path; this one's home folder is not known") from None


def strings(given: Any, place: str, example: str) -> list[str]:
    """Names in a list."""
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(one, str) for one in given):
        raise refused(place, given, f"names in a list, as in {example}")
    return list(given)


def threads(given: Any) -> int:
    """A number of threads; None: as many as this process has cores."""
    if given is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return min(cores or 1, _MOST_THREADS)
    return integer(given, "threads", 1, _MOST_THREADS)


def text(path: Path) -> str:
    """What a text file of a run says."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {error}; allowed: a text file as a run writes it") from None
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"{path}: there is no such file; allowed: a whole run folder") from None


def table(path: Path) -> dict[str, Any]:
    """The object of a JSON file of a run."""
    try:
        found = json.loads(text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: {error.msg}; allowed: JSON as a run writes it") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: {type(found).__name__}; allowed: an object as a run writes it")
    return found
