"""Figures of runs by matplotlib: the data and words are the report's, drawn with whatever style matplotlib has."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _check, _engine
from ._engine import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCH = 25.4
_INK = "#222222"
_MAPS = {"sequential": "Blues", "diverging": "PuOr_r", "classes": "tab10"}


def draw(
    figure: str,
    runs: list[Path],
    *,
    cells: list[int] | None = None,
    window: tuple[float, float] | None = None,
    metric: str | None = None,
    ax: Axes | None = None,
) -> Axes | NDArray[Any]:
    """The axes of a figure of run folders."""
    if not isinstance(figure, str):
        raise _check.refused("figure", figure, "a figure's name")
    if metric is not None and not isinstance(metric, str):
        raise _check.refused("metric", metric, "a metric's name, or None")
    if cells is not None:
        if isinstance(cells, str) or not isinstance(cells, Sequence):
            raise _check.refused("cells", cells, "numbers of cells in a list, or None")
        cells = [_check.integer(cell, "cells", 0) for cell in cells]
    if window is not None:
        if not isinstance(window, Sequence) or len(window) != 2 or not all(isinstance(ms, int | float) for ms in window):
            raise _check.refused("window", window, "first and last ms, or None")
        window = (float(window[0]), float(window[1]))
        if not window[0] < window[1]:
            raise _check.refused("window", window, "the first ms before the last")
    told, _, _ = _engine.draw(figure, runs, cells, window, metric, None)
    from matplotlib import pyplot as plt

    if told is None:
        return _picture(figure, runs, cells, window, metric, ax)
    whole = json.loads(told)
    panels = whole["panels"]
    if ax is not None:
        if len(panels) != 1:
            raise InputError(f"figure {figure}: {len(panels)} panels; allowed: `ax` for a figure of one panel")
        _panel(ax, panels[0], whole["palette"])
        return ax
    columns = min(whole["columns"], len(panels))
    rows = -(-len(panels) // columns)
    # What is on paper as small as a column allows may be larger on a screen.
    width = max(whole["width_mm"], 85.0) / _INCH * 1.4
    height = rows * (whole["axes_height_mm"] + 22.0) / _INCH * 1.4
    made, grid = plt.subplots(rows, columns, figsize=(width, height), squeeze=False, layout="constrained")
    for axes, panel in zip(grid.flat, panels, strict=False):
        _panel(axes, panel, whole["palette"])
    for axes in grid.flat[len(panels) :]:
        made.delaxes(axes)
    all_axes: NDArray[Any] = grid.ravel()[: len(panels)]
    return all_axes[0] if len(panels) == 1 else all_axes


def _panel(ax: Axes, panel: dict[str, Any], palette: list[str]) -> None:
    for side, axis in (("x", panel["x"]), ("y", panel["y"])):
        if axis["log"]:
            getattr(ax, f"set_{side}scale")("log")
        if axis["range"]:
            getattr(ax, f"set_{side}lim")(*axis["range"])
        if axis["names"]:
            getattr(ax, f"set_{side}ticks")([at for at, _ in axis["names"]], [name for _, name in axis["names"]])
        getattr(ax, f"set_{side}label")(axis["label"])
    if panel["image"]:
        _image(ax, panel["image"])
    for band in panel["bands"]:
        ax.fill_between(
            _list(band["x"]), _list(band["low"]), _list(band["high"]), color=_colour(palette, band["colour"]), alpha=0.2, lw=0
        )
    for level in panel["levels"]:
        ax.axhline(level, color="0.6", lw=0.8, ls="--", zorder=0)
    for line in panel["lines"]:
        ax.plot(_list(line["x"]), _list(line["y"]), label=line["name"], **_style(palette, line))
    if panel["title"]:
        ax.set_title(panel["title"], fontsize="medium")
    if panel["keys"]:
        from matplotlib.lines import Line2D

        samples = [Line2D([], [], **_style(palette, key)) for key in panel["keys"]]
        ax.legend(samples, [key["name"] for key in panel["keys"]], fontsize="small", frameon=False)
    if panel["square"]:
        ax.set_box_aspect(1)
    if panel["bare"]:
        ax.set_axis_off()


def _image(ax: Axes, image: dict[str, Any]) -> None:
    shape = (image["rows"], image["columns"])
    values = np.array(_list(image["values"])[: shape[0] * shape[1]], dtype=float).reshape(shape)
    low, high = image["range"] or (-0.5, 9.5)
    extent = (*image["x"], *image["y"])
    shown = ax.imshow(
        values, origin="lower", extent=extent, aspect="auto", cmap=_MAPS[image["kind"]], vmin=low, vmax=high,
        interpolation="nearest",
    )
    if image["bar"] and ax.figure is not None:
        ax.figure.colorbar(shown, ax=ax, label=image["label"])
    for (row, column), text in zip(np.ndindex(*shape), image["texts"], strict=False):
        x = image["x"][0] + (image["x"][1] - image["x"][0]) * (column + 0.5) / shape[1]
        y = image["y"][0] + (image["y"][1] - image["y"][0]) * (row + 0.5) / shape[0]
        dark = np.isfinite(values[row, column]) and (values[row, column] - low) / ((high - low) or 1.0) > 0.6
        ax.text(x, y, text, ha="center", va="center", fontsize="x-small", color="white" if dark else _INK)


def _style(palette: list[str], line: dict[str, Any]) -> dict[str, Any]:
    colour = _colour(palette, line["colour"])
    if line["dash"] == "points":
        return {"color": colour, "ls": "none", "marker": ".", "ms": 4}
    return {"color": colour, "ls": (0, line["dash"]) if line["dash"] else "-", "lw": 1.4}


def _colour(palette: list[str], index: int | None) -> str:
    return _INK if index is None else palette[index % len(palette)]


def _list(values: list[float | None]) -> list[float]:
    """JSON has null for what is not finite."""
    return [float("nan") if value is None else value for value in values]


def _picture(
    figure: str,
    runs: list[Path],
    cells: list[int] | None,
    window: tuple[float, float] | None,
    metric: str | None,
    ax: Axes | None,
) -> Axes:
    """A figure that has no axes of its own, as the report draws it."""
    from matplotlib import image
    from matplotlib import pyplot as plt

    _, _, png = _engine.draw(figure, runs, cells, window, metric, 200.0)
    pixels = image.imread(io.BytesIO(bytes(png or b"")), format="png")
    if ax is None:
        size = (pixels.shape[1] / 130, pixels.shape[0] / 130)
        _, ax = plt.subplots(figsize=size, layout="constrained")
    ax.imshow(pixels)
    ax.set_axis_off()
    return ax
