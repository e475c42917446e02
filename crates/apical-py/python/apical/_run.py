"""Run folders opened: metrics as pandas, traces as xarray, weights as arrays, figures by matplotlib."""

from __future__ import annotations

import html
import json
import tomllib
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _check, _engine
from ._engine import InputError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes

_TENSORS = ("Wpp", "bpp", "Wpb", "Wip", "bip", "Wpi")


class Run:
    """A run folder, whoever made it. What is in it is read when it is asked for, so a run that goes on can be looked at.

    Raises
    ------
    InputError
        If the path is no run folder.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = _check.path(path, "run")
        _engine.info(self.path)

    @property
    def name(self) -> str:
        """The folder's name, NAME-ID."""
        return self.path.resolve().name

    @property
    def state(self) -> str:
        """``"finished"``, ``"failed"`` or ``"unfinished"``."""
        return _engine.state(self.path)

    @property
    def info(self) -> dict[str, Any]:
        """What ``run.json`` says: version, commit, host, CPU, plan, threads, start and end, cost."""
        found: dict[str, Any] = json.loads(_engine.info(self.path))
        return found

    @property
    def config(self) -> dict[str, Any]:
        """The config with every default filled in."""
        path = self.path / "config.resolved.toml"
        try:
            return tomllib.loads(_check.text(path))
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{path}: {error}; allowed: TOML as a run writes it") from None

    @property
    def final(self) -> dict[str, Any]:
        """The final values of ``metrics.json``; empty while the run goes on, or if it failed."""
        path = self.path / "metrics.json"
        if not path.exists() and self.state != "finished":
            return {}
        return _check.table(path)

    @property
    def metrics(self) -> pd.DataFrame:
        """All metrics: a row per moment, a column per name, NaN where a metric was not taken then.

        The index is ``(presentation, epoch, time_ms)``.
        """
        import pandas as pd

        long = pd.DataFrame(self._lines())
        if long.empty:
            index = pd.MultiIndex.from_arrays([[], [], []], names=["presentation", "epoch", "time_ms"])
            return pd.DataFrame(index=index)
        names = list(dict.fromkeys(long["name"]))
        wide = long.pivot_table(
            index=["presentation", "epoch", "time_ms"], columns="name", values="value", aggfunc="last", dropna=False
        )
        # dropna=False makes a row of each combination; those without any value were never taken.
        kept = pd.MultiIndex.from_frame(long[["presentation", "epoch", "time_ms"]].drop_duplicates())
        wide = wide.reindex(index=kept, columns=names)
        wide.columns.name = None
        return wide

    def _lines(self) -> list[dict[str, Any]]:
        """The lines of ``metrics.jsonl``; a last one that is half written, as a run that goes on leaves it, is left out."""
        path = self.path / "metrics.jsonl"
        going_on = self.state == "unfinished"
        text = "" if going_on and not path.exists() else _check.text(path)
        found = []
        for number, line in enumerate(text.splitlines(keepends=True), 1):
            if going_on and not line.endswith("\n"):
                break
            try:
                told = json.loads(line)
                value = np.nan if told["value"] is None else float(told["value"])
                found.append({**told, "value": value})
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{path}:{number}: {line[:80].strip()}; allowed: a line as a run writes it") from error
        return found

    @property
    def traces(self) -> xr.Dataset:
        """What ``[record]`` asked for; an empty dataset if it asked for nothing. Times are in ms."""
        import xarray as xr

        variables: dict[str, Any] = {}
        coordinates: dict[str, Any] = {}
        single = self.config.get("precision", "f32") == "f32"
        for name in _engine.trace_names(self.path):
            dims, told, values = _engine.trace(self.path, name)
            said = json.loads(told)
            said.pop("coordinates", None)
            # A coordinate is called like its dim, or like a dim with something behind it (post and pre of a synapse).
            if dims == [name] or name.startswith(f"{dims[0]}_"):
                whole = values if name.startswith("time") else values.astype(np.int64)
                coordinates[name] = (dims, whole, said)
            else:
                variables[name] = (dims, values.astype(np.float32) if single else values, said)
        group = self.path / "traces" / "zarr.json"
        attributes = _check.table(group).get("attributes", {}) if group.exists() else {}
        return xr.Dataset(variables, coords=coordinates, attrs=attributes)

    def checkpoint(self, which: str = "best") -> dict[str, NDArray[Any]]:
        """All tensors of a checkpoint: ``"best"`` (the last, if none was best), ``"last"``, or the name of a file in
        ``checkpoints``."""
        if not isinstance(which, str):
            raise _check.refused("which", which, '"best", "last" or a file\'s name')
        folder = self.path / "checkpoints"
        files = {"best": ["best.safetensors", "last.safetensors"], "last": ["last.safetensors"]}.get(which, [which])
        found = next((folder / file for file in files if (folder / file).is_file()), None)
        if found is None:
            there = ", ".join(sorted(path.name for path in folder.glob("*.safetensors"))) or "none"
            raise InputError(f"{folder}: no checkpoint {which!r}; allowed: {there}")
        return _engine.weights(found)

    @property
    def weights(self) -> Mapping[str, NDArray[Any]]:
        """The weights of the best checkpoint by name, each (post, pre), read-only."""
        tensors = self.checkpoint()
        found = {k: v for k, v in tensors.items() if k.split(".")[0] in _TENSORS}
        for values in found.values():
            # What would be written into it would be in no file.
            values.setflags(write=False)
        return MappingProxyType(found)

    def plot(
        self,
        figure: str = "learning-curves",
        *,
        cells: list[int] | None = None,
        window: tuple[float, float] | None = None,
        metric: str | None = None,
        ax: Axes | None = None,
    ) -> Axes | NDArray[Any]:
        """Draws one of the figures of ``apical list figures`` with matplotlib.

        Parameters
        ----------
        figure
            Its name, such as ``"apical-distance"``; :func:`apical.figures` lists them.
        cells, window, metric
            As ``apical plot`` has them: cells by their number, first and last ms, metric of learning curves.
        ax
            Axes to draw on, for a figure of one panel.

        Returns
        -------
        The axes; an array of them for a figure of several panels.

        Raises
        ------
        InputError
            If there is no such figure, or the run lacks what it shows; the text says what would have kept it.
        """
        from ._draw import draw

        return draw(figure, [self.path], cells=cells, window=window, metric=metric, ax=ax)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and self.path.resolve() == other.path.resolve()

    def __hash__(self) -> int:
        return hash(self.path.resolve())

    def __repr__(self) -> str:
        return f"<Run {self.name}, {self.state}>"

    def _repr_html_(self) -> str:
        rows = [("state", self.state), ("path", str(self.path)), *list(self.final.items())]
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(str(name))}</th><td>{html.escape(_number(value))}</td></tr>"
            for name, value in rows
        )
        return f"<b>{html.escape(self.name)}</b><table>{cells}</table>"


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def figures() -> dict[str, str]:
    """The figures that :meth:`Run.plot` draws: name, and what each shows."""
    return {name: about for name, about, _ in _engine.figures()}


def plot(runs: list[Run], figure: str = "learning-curves", **options: Any) -> Axes | NDArray[Any]:
    """Draws several runs in one figure; runs that differ in their seed alone are one line with a band."""
    from ._draw import draw

    if isinstance(runs, Run) or not isinstance(runs, Sequence) or not all(isinstance(run, Run) for run in runs):
        raise _check.refused("runs", runs, "runs in a list")
    return draw(figure, [run.path for run in runs], **options)
