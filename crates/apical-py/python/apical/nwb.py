"""Recordings as Neurodata Without Borders files. Needs ``pynwb``.

Each variable of a recording becomes a ``TimeSeries`` (time, cell) in the module ``apical``, in seconds, as NWB wants it; the
numbers of the cells and the equation stand in its description.
"""

from __future__ import annotations

import datetime
import json
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _check, _files
from ._engine import InputError

if TYPE_CHECKING:
    import xarray as xr


def write(
    recording: xr.Dataset,
    path: str | PathLike[str],
    *,
    description: str,
    identifier: str,
    start: datetime.datetime | None = None,
) -> None:
    """Writes a recording of :meth:`apical.Circuit.simulate` or :attr:`apical.Run.traces`.

    Parameters
    ----------
    description, identifier
        What the session was, and a name that no other file has: a run's ``name`` is one.
    start
        When the session began, with a time zone; the epoch if None, so that equal recordings give equal files but for what
        the library adds.

    Raises
    ------
    InputError
        If the recording holds no variable over time; without an identifier or a time zone.
    MachineError
        If the file cannot be written.
    """
    from pynwb import NWBHDF5IO, NWBFile, TimeSeries

    path = _files.recording(recording, path)
    for place, given in (("description", description), ("identifier", identifier)):
        if not isinstance(given, str) or not given:
            raise _check.refused(place, given, "text that is not empty")
    if start is not None and (not isinstance(start, datetime.datetime) or start.tzinfo is None):
        raise _check.refused("start", start, "a datetime with a time zone, or None")
    begun = start or datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    names = [name for name, v in recording.data_vars.items() if str(v.dims[0]).startswith("time")]
    if not names:
        raise InputError("recording: it has no variable over time; allowed: what `record` keeps")
    file = NWBFile(session_description=description, identifier=identifier, session_start_time=begun)
    module = file.create_processing_module("apical", "potentials and weights of a simulated microcircuit")
    for name in names:
        variable = recording[name]
        told = {k: v for k, v in variable.attrs.items() if k != "units"}
        told["dims"] = [str(dim) for dim in variable.dims]
        told["cells"] = {str(d): recording[d].values.tolist() for d in variable.dims[1:] if d in recording.coords}
        module.add(
            TimeSeries(
                name=str(name).replace("/", "_"),
                data=np.asarray(variable.values),
                unit=str(variable.attrs.get("units", "1")),
                timestamps=recording[variable.dims[0]].values / 1000.0,
                description=json.dumps(told),
            )
        )
    with _files.writing(path), NWBHDF5IO(path, "w") as writer:
        writer.write(file)


def read(path: str | PathLike[str]) -> xr.Dataset:
    """Reads what :func:`write` wrote: the variables over time with their attributes; times are in ms again.

    Raises
    ------
    InputError
        If the file is none, or none that :func:`write` wrote.
    """
    import xarray as xr
    from pynwb import NWBHDF5IO

    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    path = str(_check.path(path, "path"))
    with _files.reading(path, "an NWB file that `write` wrote"), NWBHDF5IO(path, "r") as reader:
        series = reader.read().processing["apical"].data_interfaces
        for name, one in series.items():
            told = json.loads(one.description)
            dims = told.pop("dims")
            for dim, cells in told.pop("cells").items():
                coordinates[dim] = (dim, np.array(cells))
            coordinates[dims[0]] = (dims[0], one.timestamps[:] * 1000.0, {"units": "ms"})
            variables[name] = (dims, one.data[:], {"units": one.unit, **told})
    return xr.Dataset(variables, coords=coordinates)
