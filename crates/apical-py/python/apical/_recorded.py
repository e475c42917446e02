"""Recordings as xarray has them: variables, dims and attributes as in the traces of a run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

    from . import _engine


def dataset(recorded: list[dict[str, Any]], output: NDArray[Any], config: _engine.Config) -> xr.Dataset:
    """What a circuit recorded, and its outputs."""
    import xarray as xr

    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for one in recorded:
        time = one["time_dim"]
        coordinates.setdefault(time, (time, one["time"], {"units": "ms", "long_name": "simulated time"}))
        dims = [time]
        if one["samples"] > 1:
            dims.append("sample")
        if "axis" in one:
            dims.append(one["axis"])
            coordinates[one["axis"]] = (one["axis"], one["labels"].astype(np.int64), {"long_name": one["axis_long_name"]})
            for name, numbers in one["auxiliary"].items():
                coordinates[f"{one['axis']}_{name}"] = (one["axis"], numbers.astype(np.int64), {"long_name": name})
        attributes = {"units": one["units"], "long_name": one["long_name"]}
        if one["equation"]:
            attributes["equation"] = one["equation"]
        variables[one["name"]] = (dims, one["values"], attributes)
    last = f"pyramidal_{len(config.sizes) - 1}"
    dims = ["presentation", "sample", last] if output.ndim == 3 else ["presentation", last]
    says = {"units": "1", "long_name": "what the output's basal dendrites predict, vhat_B"}
    if last not in coordinates or coordinates[last][1].size == output.shape[-1]:
        variables["output"] = (dims, output, says)
    else:
        dims[-1] = "output_cell"
        variables["output"] = (dims, output, says)
    return xr.Dataset(variables, coords=coordinates)
