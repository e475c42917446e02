"""Experiments: configs that can be changed and run, each into the run folder that the command would use."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from os import PathLike, fspath
from typing import Any

from . import _check, _engine, _toml
from ._circuit import ConfigWarning
from ._engine import InputError
from ._progress import Progress
from ._run import Run

Callback = Callable[["Evaluation"], object]


class Evaluation(dict[str, float]):
    """What a validation found, by the names of metrics; and when it was."""

    def __init__(self, presentation: int, epoch: int, time_ms: float, found: list[tuple[str, float]]) -> None:
        super().__init__(found)
        self.presentation = presentation
        self.epoch = epoch
        self.time_ms = time_ms


class Experiment:
    """An experiment before it is run; made by :func:`experiment`. It is checked as soon as it is made.

    Experiments are equal if their runs are: the same resolved config. They pickle by their config.
    """

    def __init__(self, label: str, name: str, text: str, folder: str | PathLike[str], changes: tuple[str, ...] = ()) -> None:
        self._raw = (label, name, text, fspath(folder), tuple(changes))
        self._config = _engine.Config(label, name, text, folder, list(changes))

    @property
    def name(self) -> str:
        """Name of the experiment, the first part of its run folder's."""
        return self._config.name

    @property
    def seed(self) -> int:
        """Seed of everything random in the run."""
        return self._config.seed

    @property
    def config(self) -> dict[str, Any]:
        """The config with every default filled in."""
        import tomllib

        return tomllib.loads(self._config.resolved)

    @property
    def toml(self) -> str:
        """The same as TOML."""
        return self._config.resolved

    @property
    def run_name(self) -> str:
        """Name of its run folder: NAME-ID, the ID made of all that changes results."""
        return self._config.folder_name()

    @property
    def warnings(self) -> list[str]:
        """What will probably not go as hoped."""
        return self._config.warnings

    def with_(self, changes: Mapping[str, Any] | None = None, /, **tables: Any) -> Experiment:
        """The same experiment with changes: dotted keys in a mapping, or tables by keyword.

        Examples
        --------
        >>> import apical
        >>> short = apical.experiment("digits").with_({"train.epochs": 2}, seed=3, task={"kind": "digits"})
        >>> short.config["phase"][0]["epochs"], short.seed
        (2, 3)
        """
        label, name, text, folder, before = self._raw
        more = _toml.changes({**_check.mapping({} if changes is None else changes, "changes"), **tables})
        return Experiment(label, name, text, folder, (*before, *more))

    def run(
        self,
        out: str | PathLike[str] = "runs",
        *,
        progress: bool = False,
        callback: Callback | None = None,
        threads: int | None = None,
        again: bool = False,
        allow_different_bits: bool = False,
    ) -> Run:
        """Makes the run, goes on with it where it was stopped, or opens it if it has ended.

        Parameters
        ----------
        out
            Folder in which the run folder is made.
        progress
            Shows how far it is, in a terminal or a notebook.
        callback
            Called with an :class:`Evaluation` after each validation; what it returns, if true, stops the run, which can go
            on later; after the last validation the run ends in any case. What it raises stops the run too, and is raised
            here.
        threads
            Threads of training and evaluation, all cores if None; the results do not depend on it.
        again
            Starts anew; an older run of the same config is moved aside.
        allow_different_bits
            Goes on even if this machine computes other bits than the one that began.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, between two presentations or, in an evaluation, every hundred samples; a checkpoint is kept, and the
            same call goes on from there.
        InputError, MachineError
            With the text of the command. A run whose science failed is returned: its ``state`` is ``"failed"``.
        """
        threads = _check.threads(threads)
        again, different = _check.flag(again, "again"), _check.flag(allow_different_bits, "allow_different_bits")
        shown = Progress(self.name) if _check.flag(progress, "progress") else None
        listener = _Listener(shown, _check.function(callback, "callback"))
        for line in self._config.warnings:
            warnings.warn(line, ConfigWarning, stacklevel=2)
        with listener:
            path = _engine.run(self._config, _check.path(out, "out"), threads, again, different, _argv(), listener)
        return Run(path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Experiment) and self.toml == other.toml

    def __hash__(self) -> int:
        return hash(self.toml)

    def __reduce__(self) -> tuple[Any, ...]:
        return Experiment, self._raw

    def __repr__(self) -> str:
        sizes = "-".join(str(n) for n in self._config.sizes)
        return f"<Experiment {self.name} {sizes}, seed {self.seed}>"


def experiment(named: str | PathLike[str] | Mapping[str, Any]) -> Experiment:
    """The experiment of a preset's name, of a TOML file's path, or of a dict of the same tables.

    Examples
    --------
    >>> import apical
    >>> apical.experiment("h20-yin-yang").config["network"]["sizes"]
    [4, 120, 3]
    >>> apical.experiment({"network": {"sizes": [64, 10]}, "task": "digits"})
    <Experiment run 64-10, seed 0>
    """
    return Experiment(*raw(named))


def raw(named: str | PathLike[str] | Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Label, name, text and folder of what names a config."""
    if isinstance(named, Mapping):
        return "config", str(named.get("name", "run")), _toml.document(named), "."
    if not isinstance(named, str | PathLike):
        raise InputError(f"experiment: {type(named).__name__}; allowed: a preset's name, a path, or a dict")
    label, name, text, folder = _engine.find(_path(named))
    return label, name, text, fspath(folder)


def _path(named: str | PathLike[str]) -> str:
    # A Path is a path, whatever presets there are.
    if isinstance(named, str):
        return named
    path = fspath(named)
    return path if os.sep in path or path.endswith(".toml") else os.path.join(".", path)


def _argv() -> list[str]:
    return ["python", *sys.argv]


class _Listener:
    """What a run calls while it goes on."""

    def __init__(self, progress: Progress | None, callback: Callback | None) -> None:
        self._progress = progress
        self._callback = callback
        self._total = 0

    def __enter__(self) -> _Listener:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress.close()

    def begin(self, total: int, done: int) -> None:
        self._total = total
        if self._progress:
            self._progress.begin(total, done)

    def advance(self, done: int) -> None:
        if self._progress:
            self._progress.advance(done)

    def note(self, line: str) -> None:
        if self._progress:
            self._progress.note(line)

    def ended(self, name: str, how: str) -> None:
        if self._progress:
            self._progress.note(f"{name}: {how}")

    def evaluated(self, presentation: int, epoch: int, time_ms: float, found: list[tuple[str, float]]) -> bool:
        stop = self._callback is not None and self._callback(Evaluation(presentation, epoch, time_ms, found))
        # After the last one there is nothing to stop but the test.
        return bool(stop) and presentation < self._total
