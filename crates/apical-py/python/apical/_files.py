"""Recordings in files of other formats: what may be written and read, and errors in one voice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from os import PathLike
from typing import Any

from . import _check
from ._engine import InputError, MachineError


def recording(given: Any, path: str | PathLike[str]) -> str:
    """The path to write to, once it is certain that there is a recording to write."""
    import xarray as xr

    if not isinstance(given, xr.Dataset):
        raise _check.refused("recording", given, "a dataset of Circuit.simulate or Run.traces")
    return str(_check.path(path, "path"))


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """Errors of the system while a file is written."""
    try:
        yield
    except OSError as error:
        raise MachineError(f"{path}: {error}") from None


@contextlib.contextmanager
def reading(path: str | PathLike[str], allowed: str) -> Iterator[None]:
    """Whatever is wrong with a file that is read."""
    try:
        yield
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: {error}; allowed: {allowed}") from None
