"""Recordings as SONATA frame-oriented reports (Dai et al. 2020). Needs ``h5py``.

A variable is a report of one population: ``/report/POPULATION/data`` (time, cell), with ``mapping`` of node ids, element ids
and pointers, and ``time`` as start, stop and step in ms.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from . import _check, _files
from ._engine import InputError

if TYPE_CHECKING:
    import xarray as xr

#: First two numbers of a SONATA file, and its version.
_MAGIC, _VERSION = 0x0A7A, (0, 1)


def write(recording: xr.Dataset, variable: str, path: str | PathLike[str], sample: int = 0) -> None:
    """Writes one variable of a recording, such as ``"soma_1"``; of a minibatch one sample. Numbers are 32 bits wide, as the
    format's readers expect.

    Raises
    ------
    InputError
        If the variable has no cells, or its rows are not equally far apart; if there is no such sample.
    MachineError
        If the file cannot be written.
    """
    import h5py

    path = _files.recording(recording, path)
    if not isinstance(variable, str) or variable not in recording:
        raise InputError(f"recording: it has no {variable!r}; allowed: {', '.join(map(str, recording.data_vars))}")
    values = recording[variable]
    sample = _check.integer(sample, "sample", 0, values.sizes.get("sample", 1) - 1)
    if "sample" in values.dims:
        values = values.isel(sample=sample)
    time, *cells = (str(dim) for dim in values.dims)
    if len(cells) != 1 or not time.startswith("time") or values.sizes[time] < 2:
        raise InputError(f"{variable}: dims {values.dims}; allowed: two rows or more over time, and cells")
    times = recording[time].values
    steps = np.diff(times)
    if not np.allclose(steps, steps[0], rtol=0, atol=1e-6):
        raise InputError(f"{variable}: rows at unequal distances; allowed: one stride without gaps")
    nodes = recording[cells[0]].values if cells[0] in recording.coords else np.arange(values.sizes[cells[0]])
    with _files.writing(path), h5py.File(path, "w") as file:
        file.attrs["magic"] = np.uint32(_MAGIC)
        file.attrs["version"] = np.array(_VERSION, np.uint32)
        report = file.create_group(f"report/{cells[0]}")
        data = report.create_dataset("data", data=np.asarray(values.values, np.float32))
        data.attrs["units"] = "1"
        data.attrs["variable_name"] = variable
        mapping = report.create_group("mapping")
        mapping.create_dataset("node_ids", data=np.asarray(nodes, np.uint64)).attrs["sorted"] = np.uint8(1)
        mapping.create_dataset("index_pointers", data=np.arange(len(nodes) + 1, dtype=np.uint64))
        mapping.create_dataset("element_ids", data=np.zeros(len(nodes), np.uint32))
        stop = float(times[-1] + steps[0])
        axis = mapping.create_dataset("time", data=np.array([times[0], stop, steps[0]], np.float64))
        axis.attrs["units"] = "ms"


def read(path: str | PathLike[str]) -> xr.Dataset:
    """Reads what :func:`write` wrote: the one variable, in 32 bits, with time and cells.

    Raises
    ------
    InputError
        If the file is none, or holds no such report.
    """
    import h5py
    import xarray as xr

    path = str(_check.path(path, "path"))
    with _files.reading(path, "a SONATA report of one population"), h5py.File(path, "r") as file:
        (population,) = file["report"]
        report = file["report"][population]
        data, mapping = report["data"], report["mapping"]
        start, _, step = mapping["time"][:]
        coordinates = {
            "time": ("time", start + step * np.arange(len(data)), {"units": "ms"}),
            population: (population, mapping["node_ids"][:].astype(np.int64)),
        }
        return xr.Dataset({data.attrs["variable_name"]: (("time", population), data[:])}, coords=coordinates)
