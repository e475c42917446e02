"""Sweeps over any executor: threads, processes, Dask. Ids, claims and folders are those of ``apical sweep``, so both may work
on one sweep at once, and a worker that dies is taken over."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from . import _check, _engine, _toml
from ._engine import InputError
from ._experiment import Experiment, _argv
from ._run import Run

if TYPE_CHECKING:
    import pandas as pd

_Raw = tuple[str, str, str, str]


@dataclass(frozen=True)
class Result:
    """What a run has come to; the arrays stay in its folder."""

    #: Name of the run, NAME-ID.
    name: str
    #: Its folder.
    path: str
    #: ``"finished"``, ``"failed"``, ``"unfinished"`` or ``"crashed"``.
    state: str
    #: Its final metrics.
    metrics: dict[str, Any] = field(default_factory=dict)
    #: Keys and values in words.
    with_: str = ""

    @property
    def run(self) -> Run:
        """The run folder, opened."""
        return Run(self.path)


class _Halt:
    """Listens to runs in threads of this process, and stops them, checkpoints kept, once it is told to."""

    def __init__(self) -> None:
        self.told = False

    def _look(self, *_: object) -> None:
        if self.told:
            raise CancelledError

    begin = advance = note = ended = evaluated = _look


class Sweep(Iterator[Result]):
    """The runs of a sweep as they complete; ends when all have. :meth:`table` waits for all."""

    def __init__(
        self, futures: dict[Future[Result], str], done: list[Result], own: tuple[Executor | None, _Halt] | None, path: str
    ) -> None:
        #: Folder of the sweep, or in which the run folders are.
        self.path = path
        self._own = own
        self._results = list(done)
        self._coming = self._all(futures, done)
        self._length = len(futures) + len(done)

    def _all(self, futures: dict[Future[Result], str], done: list[Result]) -> Generator[Result, None, None]:
        yield from done
        try:
            for future in as_completed(futures):
                result = future.result()
                self._results.append(result)
                yield result
        finally:
            for future in futures:
                future.cancel()
            if self._own:
                executor, halt = self._own
                halt.told = True
                if executor:
                    executor.shutdown(wait=True, cancel_futures=True)

    def __next__(self) -> Result:
        return next(self._coming)

    def close(self) -> None:
        """Leaves the runs that have not completed: those not begun are cancelled, and those in threads of this process
        stop with their checkpoints kept. Ctrl-C and the end of the iterator do the same."""
        self._coming.close()

    def __len__(self) -> int:
        return self._length

    def table(self) -> pd.DataFrame:
        """A row per run by name: state, keys and values in words, final metrics."""
        import pandas as pd

        for _ in self:
            pass
        rows = {one.name: {"state": one.state, "with": one.with_, **one.metrics} for one in self._results}
        return pd.DataFrame.from_dict(rows, orient="index").sort_index()


def sweep(
    configs: str | PathLike[str] | Mapping[str, Any] | Iterable[Experiment],
    executor: Executor | None = None,
    *,
    out: str | PathLike[str] = "sweeps",
    threads: int | None = 1,
    stale_seconds: int = 60,
) -> Sweep:
    """Makes the runs of a sweep that are missing, and yields all of them as they complete.

    Parameters
    ----------
    configs
        A sweep: a name or a TOML file of ``apical sweep``, or a dict of the same tables. Or experiments, each of which is a
        run folder in ``out``, as by ``apical run``; equal ones are one run, and one result.
    executor
        Any of ``concurrent.futures``' kind: a pool of threads, of processes that are spawned, or
        ``dask.distributed.Client(...).get_executor()`` with the workers of a LocalCluster or a dask-jobqueue cluster. None: as many threads as cores. Workers must see
        ``out``; paths are made absolute.
    threads
        Threads of each run, all cores if None.
    stale_seconds
        A worker on another machine counts as dead when it gave no sign of life for so long.

    Examples
    --------
    >>> import apical, tempfile
    >>> plan = {"experiment": "digits", "set": {"train.epochs": 1}, "vary": {"seed": [1, 2]}, "name": "seeds"}
    >>> with tempfile.TemporaryDirectory() as out:
    ...     sorted(one.state for one in apical.sweep(plan, out=out))
    ['finished', 'finished']
    """
    out = os.path.abspath(_check.path(out, "out"))
    threads, stale_seconds = _check.threads(threads), _check.integer(stale_seconds, "stale_seconds", 1)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise _check.refused("executor", executor, "an executor of concurrent.futures' kind, or None")
    # Others' executors may be elsewhere, where nothing but values goes.
    halt = _Halt() if executor is None or isinstance(executor, ThreadPoolExecutor) else None
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        raise InputError(
            "executor: its processes are made by fork, and lack the threads of the engine; "
            'allowed: ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))'
        )
    mine = executor is None
    executor = executor or ThreadPoolExecutor(os.cpu_count())
    own = (executor if mine else None, halt) if halt else None
    argv = _argv()
    if not isinstance(configs, str | PathLike | Mapping):
        experiments = list(configs) if isinstance(configs, Iterable) else [None]
        if not experiments:
            raise InputError("configs: none; allowed: at least one experiment")
        if not all(isinstance(one, Experiment) for one in experiments):
            raise InputError("configs: something else among them; allowed: experiments, or a sweep's name, path or dict")
        unique = {one.run_name: one for one in experiments}
        futures = {executor.submit(_one, one, out, threads, halt): name for name, one in unique.items()}
        return Sweep(futures, [], own, out)
    raw = _raw(configs)
    path, planned = _engine.plan(raw, out)
    words = dict(planned)
    missing = _engine.missing(raw, out, list(words))
    there = [_result(fspath(path), name, words[name]) for name in words if name not in set(missing)]
    futures = {
        executor.submit(_planned, raw, out, fspath(path), name, words[name], threads, stale_seconds, argv, halt): name
        for name in missing
    }
    return Sweep(futures, there, own, fspath(path))


def _raw(configs: str | PathLike[str] | Mapping[str, Any]) -> _Raw:
    if isinstance(configs, Mapping):
        return "sweep", "sweep", _document(dict(configs)), os.getcwd()
    label, name, text, folder = _engine.find_sweep(fspath(configs))
    return label, name, text, os.path.abspath(fspath(folder))


def _document(tables: dict[str, Any]) -> str:
    """Dotted keys of a sweep's tables are paths, so they stay bare."""
    lines = [f"{k} = {_toml.value(v, k)}" for k, v in tables.items() if not isinstance(v, Mapping)]
    for name, table in tables.items():
        if isinstance(table, Mapping):
            lines += [f"\n[{name}]", *(f"{key} = {_toml.value(v, f'{name}.{key}')}" for key, v in table.items())]
    return "\n".join(lines) + "\n"


def _planned(
    raw: _Raw,
    out: str,
    path: str,
    name: str,
    words: str,
    threads: int,
    stale_seconds: int,
    argv: list[str],
    halt: _Halt | None,
) -> Result:
    _engine.make(raw, out, name, threads, stale_seconds, argv, halt)
    return _result(path, name, words)


def _result(path: str, name: str, words: str) -> Result:
    folder = os.path.join(path, "runs", name)
    if not os.path.isdir(folder):
        crashed = os.path.exists(os.path.join(path, "crashed", f"{name}.json"))
        return Result(name, folder, "crashed" if crashed else "unfinished", {}, words)
    run = Run(folder)
    return Result(name, folder, run.state, run.final, words)


def _one(one: Experiment, out: str, threads: int, halt: _Halt | None) -> Result:
    run = Run(_engine.run(one._config, out, threads, False, False, _argv(), halt))
    return Result(run.name, fspath(run.path), run.state, run.final)
