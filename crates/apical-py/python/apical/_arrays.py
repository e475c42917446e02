"""Arrays that come in: from NumPy without a copy where type and layout allow, from torch and others by DLPack."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._engine import InputError


def numbers(given: Any, dtype: np.dtype[Any], what: str) -> NDArray[Any]:
    """Finite numbers as a C-contiguous array of a type; ``what`` is what an error names."""
    array = _array(given, what)
    if array.dtype == dtype and array.flags.c_contiguous:
        ready = array
    elif array.dtype.kind not in "fiub":
        raise InputError(f"{what}: numbers of type {array.dtype}; allowed: real numbers")
    else:
        with np.errstate(over="ignore"):
            # Foreign byte order, other types and strides end here.
            ready = np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)
    if not np.isfinite(ready).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(ready))[0])
        largest = float(np.finfo(dtype).max)
        allowed = f"numbers from {-largest:.3g} to {largest:.3g}" if np.isfinite(array[at]) else "finite numbers"
        raise InputError(f"{what}: {array[at]} at {at}; allowed: {allowed}")
    return ready


def _array(given: Any, what: str) -> NDArray[Any]:
    if isinstance(given, np.ma.MaskedArray):
        if np.ma.getmaskarray(given).any():
            raise InputError(f"{what}: masked entries; allowed: a value for each, as .filled() gives")
        return np.asarray(given.data)
    if isinstance(given, np.ndarray):
        return np.asarray(given)
    if hasattr(given, "__dlpack__"):
        shared = given.detach() if hasattr(given, "detach") else given
        # DLPack has no word for torch's negative views.
        shared = shared.resolve_neg() if hasattr(shared, "resolve_neg") else shared
        try:
            return np.from_dlpack(shared)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            allowed = "a dense tensor of real numbers that NumPy has, in the CPU's memory, as .float().cpu() gives"
            raise InputError(f"{what}: {error}; allowed: {allowed}") from None
    try:
        return np.asarray(given)
    except ValueError:
        raise InputError(f"{what}: lists of unequal lengths; allowed: an array, or lists of equal lengths") from None


def shaped(given: Any, dtype: np.dtype[Any], shape: tuple[int, ...], what: str) -> NDArray[Any]:
    """The same, of exactly this shape."""
    ready = numbers(given, dtype, what)
    if ready.shape != shape:
        raise InputError(f"{what}: shape {ready.shape}; allowed: {shape}")
    return ready
